# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the control plane is once it is up."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path

import pytest
import rehearsal_lab
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import supervisor
from rehearsal_lab import SERVERS, eventually

POD = {"containers": [{"name": "app", "image": "registry.invalid/app:1"}]}
NODES = ["k3s-1", "k3s-2", "k3s-3"]


def test_check_mode_names_what_the_first_run_builds_and_the_second_changes_nothing(proven):
    _lab, proof = proven
    built = {changed.object for changed in proof.real.changed}
    assert {f"server {name}" for name in SERVERS} | {f"node {name}" for name in NODES} <= built
    assert {"supervisord", "file kubeconfig", "certificate admin", "certificate authority etcd"} <= built
    print(f"check {proof.check.seconds:.1f} s, blank {proof.real.seconds:.1f} s, second {proof.again.seconds:.1f} s")


def test_nodes_are_ready_and_look_like_k3s_servers(lab):
    nodes = {node["metadata"]["name"]: node for node in lab.api("/api/v1/nodes")["items"]}
    assert sorted(nodes) == NODES
    for name, node in nodes.items():
        labels = node["metadata"]["labels"]
        assert labels["node-role.kubernetes.io/control-plane"] == labels["node-role.kubernetes.io/etcd"] == "true"
        assert labels["node.kubernetes.io/instance-type"] == "k3s"
        assert node["spec"]["providerID"] == f"k3s://{name}"
        assert node["status"]["allocatable"] == node["status"]["capacity"]
        assert (node["status"]["capacity"]["cpu"], node["status"]["capacity"]["memory"]) == ("4", "10Gi")
        assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.3+k3s1"


def test_pod_is_scheduled_and_runs(lab):
    pods = "/api/v1/namespaces/default/pods"
    lab.api(pods, "POST", {"metadata": {"name": "probe"}, "spec": POD})
    eventually(lambda: _condition(lab.api(f"{pods}/probe"), "Ready") == "True")
    pod = lab.api(f"{pods}/probe")
    assert pod["status"]["phase"] == "Running"
    assert pod["spec"]["nodeName"] in NODES
    assert pod["status"]["podIP"].startswith("10.42.")
    lab.api(f"{pods}/probe", "DELETE")
    eventually(lambda: not lab.api(pods)["items"])


def test_job_completes(lab):
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    spec = {"template": {"spec": {**POD, "restartPolicy": "Never"}}}
    lab.api(jobs, "POST", {"metadata": {"name": "probe"}, "spec": spec})
    eventually(lambda: _condition(lab.api(f"{jobs}/probe"), "Complete") == "True")
    lab.api(f"{jobs}/probe?propagationPolicy=Foreground", "DELETE")
    eventually(lambda: not lab.api("/api/v1/namespaces/default/pods")["items"])


def test_service_account_may_not_read_secrets_and_a_stranger_may_not_ask(lab):
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    token = lab.api(f"{accounts}/default/token", "POST", {"spec": {}})["status"]["token"]
    assert _ask_with(lab, "/api/v1/secrets", {"Authorization": f"Bearer {token}"}) == 403
    assert _ask_with(lab, "/api/v1/secrets", {}) == 401
    assert _ask_with(lab, "/readyz", {}) == 401


def test_database_refuses_a_client_certificate_of_the_cluster(lab):
    context = ssl.create_default_context(cafile=lab.layout.authority("etcd"))
    context.load_cert_chain(lab.layout.certificate("admin"), lab.layout.key("admin"))
    connection = http.client.HTTPSConnection("127.0.0.1", lab.base_port + 1, timeout=5, context=context)
    with pytest.raises((ssl.SSLError, ConnectionError)):  # noqa: PT012 - TLS 1.3 tells a refused client late
        connection.request("GET", "/health")
        connection.getresponse()


def test_nothing_listens_beyond_the_loopback_address(lab):
    live = lab.live()
    pids = live.pids
    assert len(pids) == len(SERVERS) + 1
    found = {}
    for pid in pids:
        sockets = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
        for table in ("tcp", "tcp6", "udp", "udp6"):
            for fields in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:]):
                listens = fields[3] == "0A" or table.startswith("udp")
                if listens and f"socket:[{fields[9]}]" in sockets:
                    address, _colon, port = fields[1].rpartition(":")
                    found[int(port, 16)] = address
    assert set(found) == set(range(lab.base_port, lab.base_port + rehearsal_lab.PORTS))
    assert set(found.values()) == {"0100007F"}


def test_state_is_private_whatever_the_umask(lab):
    state = lab.layout.state
    for path in [state, *state.rglob("*")]:
        if not path.is_symlink() and path.exists():
            assert path.stat().st_mode & 0o077 == 0, path
    assert (state / "kubeconfig").stat().st_mode & 0o777 == 0o600
    assert all(key.stat().st_mode & 0o777 == 0o600 for key in lab.layout.pki.iterdir())


def test_servers_have_no_environment_of_the_one_who_ran_the_playbook(disturbed_lab, monkeypatch):
    lab = disturbed_lab
    lab.down()
    monkeypatch.setenv("CANARY_OF_THE_USER", "a secret")
    lab.up()
    for process in lab.live().processes.values():
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"CANARY" not in environment
        assert f"HOME={lab.layout.server(process.name)}".encode() in environment


def test_no_output_shows_a_key_or_the_password_of_supervisord(proven):
    lab, proof = proven
    _port, password = supervisor.access(lab.layout.configuration)
    secrets = [password, *("".join(key.read_text().splitlines()[1:3]) for key in lab.layout.pki.glob("*.key"))]
    for run in proof:
        shown = run.stdout + run.stderr + json.dumps(run.records)
        assert not any(secret in shown.replace("\\n", "").replace("\n", "") for secret in secrets)


def _condition(thing, kind):
    conditions = thing.get("status", {}).get("conditions", [])
    return next((found["status"] for found in conditions if found["type"] == kind), None)


def _ask_with(lab, path, headers):
    context = ssl.create_default_context(cafile=lab.layout.authority("kubernetes"))
    connection = http.client.HTTPSConnection("127.0.0.1", lab.base_port + 3, timeout=5, context=context)
    connection.request("GET", path, headers=headers)
    return connection.getresponse().status
