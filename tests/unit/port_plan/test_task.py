# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task reads options and a cluster's API, and its documented examples run."""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

import pytest
import yaml
from ansible_collections.srelab.url_shortener.plugins.action.metallb_port_plan import planned
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.cluster import ClusterError
from ansible_collections.srelab.url_shortener.plugins.modules import metallb_port_plan as documentation

ROOT = pathlib.Path(__file__).parents[3]
POOLS_PATH = "/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools"
UNSET = dict.fromkeys(("services", "pools", "namespaces", "kubeconfig", "context"))
DEFAULTS = UNSET | {"metallb_namespace": "metallb-system", "on_conflict": "fail"}


class Api(http.server.BaseHTTPRequestHandler):
    """Answers with the lists that the test put into the server's ``lists``, by path; 404 for others."""

    def do_GET(self):
        items = self.server.lists.get(self.path)
        body = json.dumps({"items": items, "message": "?"}).encode()
        self.send_response(200 if items is not None else self.server.missing_status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Says nothing."""


@pytest.fixture
def api(tmp_path):
    """A running API server with ``lists`` and the path of a ``kubeconfig`` that leads to it."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.lists = {"/api/v1/services": [], "/api/v1/namespaces": []}
    server.missing_status = 404
    server.kubeconfig = tmp_path / ".kube" / "config"
    server.kubeconfig.parent.mkdir()
    server.kubeconfig.write_text(kubeconfig(f"http://127.0.0.1:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def kubeconfig(url):
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": {"server": url}}],
            "users": [{"name": "lab", "user": {}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        }
    )


def api_service(name, port, address):
    return {
        "metadata": {"name": name, "namespace": "lab"},
        "spec": {"type": "LoadBalancer", "clusterIPs": ["10.43.0.9"], "ports": [{"port": port, "protocol": "TCP"}]},
        "status": {"loadBalancer": {"ingress": [{"ip": address}]}},
    }


def test_conflicts_fail_the_task_unless_they_are_to_be_reported(service, pool):
    services = [service("istio", address="192.0.2.240"), service("grafana", address="192.0.2.240")]
    options = DEFAULTS | {"services": services, "pools": [pool()]}
    failed = planned(options)
    assert failed["failed"]
    headline, line = failed["msg"].splitlines()
    assert headline == "Port plan: 1 conflict"
    assert line.startswith("  - lab/grafana and lab/istio both want port 80/TCP on 192.0.2.240; remedy: give one of")
    reported = planned(options | {"on_conflict": "report"})
    assert "failed" not in reported
    assert reported["conflicts"] == failed["conflicts"]
    assert reported["changed"] is False


def test_errors_of_services_pools_and_namespaces_come_in_one_message(service):
    options = DEFAULTS | {
        "services": [service("a", 0), service("a", 70000)],
        "pools": [{"name": "lab", "addresses": ["192.0.2.0/33", "192.0.2.9-192.0.2.1"]}],
        "namespaces": {"lab": 3},
    }
    with pytest.raises(ValueError, match="Port plan: 6 errors"):
        planned(options)


def test_without_a_cluster_services_and_pools_must_be_given():
    with pytest.raises(ValueError, match=r"(?s)2 errors.*services is not set.*pools is not set"):
        planned(DEFAULTS)


def test_services_and_pools_are_read_from_the_cluster(api):
    api.lists["/api/v1/services"] = [api_service("a", 80, "192.0.2.240"), api_service("b", 80, "192.0.2.240")]
    api.lists[POOLS_PATH] = [{"metadata": {"name": "lab"}, "spec": {"addresses": ["192.0.2.240/31"]}}]
    result = planned(DEFAULTS | {"kubeconfig": str(api.kubeconfig), "on_conflict": "report"})
    assert {one["service"]: one["addresses"] for one in result["assignments"]} == {
        "lab/a": ["192.0.2.240"],
        "lab/b": ["192.0.2.241"],
    }
    assert [(one["object"], one["found"]) for one in result["drift"]] == [("Service lab/b", "192.0.2.240")]


def test_declared_services_are_compared_with_the_cluster(api, service, pool):
    api.lists["/api/v1/services"] = [api_service("web", 80, "192.0.2.240")]
    services = [service("gateway", address="192.0.2.240")]
    result = planned(DEFAULTS | {"services": services, "pools": [pool()], "kubeconfig": str(api.kubeconfig)})
    assert result["absent"] == ["lab/gateway"]
    assert [one["service"] for one in result["squatters"]] == ["lab/web"]
    assert result["drift"] == []


def test_namespace_labels_of_the_cluster_resolve_declared_pools(api, service, pool):
    api.lists["/api/v1/namespaces"] = [{"metadata": {"name": "lab", "labels": {"team": "sre"}}}]
    pools = [pool(namespace_selectors=[{"matchLabels": {"team": "sre"}}])]
    result = planned(DEFAULTS | {"services": [service("a")], "pools": pools, "kubeconfig": str(api.kubeconfig)})
    assert [one["service"] for one in result["assignments"]] == ["lab/a"]


def test_a_cluster_that_refuses_or_does_not_answer_is_one_sentence(api, tmp_path):
    options = DEFAULTS | {"kubeconfig": str(api.kubeconfig)}
    api.missing_status = 403
    with pytest.raises(ClusterError, match="the cluster refused to be read: 403"):
        planned(options)
    closed = tmp_path / "closed"
    closed.write_text(kubeconfig("http://127.0.0.1:9"))
    with pytest.raises(ClusterError, match="the cluster cannot be read"):
        planned(options | {"kubeconfig": str(closed)})
    with pytest.raises(ClusterError, match="the cluster cannot be read"):
        planned(options | {"kubeconfig": str(tmp_path / "none")})


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("mode", [[], ["--check", "--diff"]])
def test_the_documented_examples_run(tmp_path, mode):
    play = {"hosts": "localhost", "gather_facts": False, "tasks": yaml.safe_load(documentation.EXAMPLES)}
    playbook = tmp_path / "examples.yml"
    playbook.write_text(yaml.safe_dump([play]))
    variables = ROOT / "inventory" / "um790" / "group_vars" / "all"
    files = [f"-e@{variables / name}" for name in ("endpoints.yml", "network.yml")]
    command = [pathlib.Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", *files, *mode, playbook]
    (tmp_path / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {ROOT / 'collections'}\n")
    environment = {**os.environ, "HOME": str(tmp_path), "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg")}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok=3    changed=0" in done.stdout
