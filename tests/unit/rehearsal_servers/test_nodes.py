# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated nodes: what they look like and when they change."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import nodes

ROOT = Path(__file__).parents[3]
VERSION = "v1.36.3+k3s1"
NODE = {"name": "k3s-1", "address": "192.0.2.21", "role": "server", "cpus": 4, "memory_gb": 10, "disk_gb": 80}


def live(manifest):
    """The manifest as the API server would show it: with fields of others'."""
    node = copy.deepcopy(manifest)
    node["metadata"]["labels"]["example.org/of-another"] = "kept"
    node["metadata"]["uid"] = "1234"
    node["spec"]["podCIDR"] = "10.42.0.0/24"
    node["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    return {manifest["metadata"]["name"]: node}


def test_node_that_is_as_declared_does_not_change():
    manifest = nodes.manifest_of(NODE, VERSION)
    assert not nodes.plan([manifest], live(manifest))


def test_missing_node_is_made_and_undeclared_one_removed():
    manifest, other = nodes.manifest_of(NODE, VERSION), nodes.manifest_of(NODE | {"name": "k3s-2"}, VERSION)
    assert nodes.plan([manifest], live(other)).objects == ["node k3s-1", "node k3s-2"]


@pytest.mark.parametrize(
    "changed", [{"cpus": 8}, {"memory_gb": 12}, {"disk_gb": 90}, {"address": "192.0.2.99"}, {"role": "agent"}]
)
def test_changed_declaration_changes_the_node(changed):
    wanted = nodes.manifest_of(NODE | changed, VERSION)
    plan = nodes.plan([wanted], live(nodes.manifest_of(NODE, VERSION)))
    assert plan.objects == ["node k3s-1"]
    assert plan.changes[0].before != plan.changes[0].after


def test_servers_have_the_roles_of_the_control_plane_and_agents_none():
    server = nodes.manifest_of(NODE, VERSION)["metadata"]["labels"]
    agent = nodes.manifest_of(NODE | {"role": "agent"}, VERSION)["metadata"]["labels"]
    assert {label: value for label, value in server.items() if label not in agent} == {
        "node-role.kubernetes.io/control-plane": "true",
        "node-role.kubernetes.io/etcd": "true",
    }


def test_sizes_are_capacity_and_all_of_it_can_be_allocated():
    status = nodes.manifest_of(NODE, VERSION)["status"]
    assert status["capacity"] == status["allocatable"]
    assert status["capacity"] == {"cpu": "4", "memory": "10Gi", "ephemeral-storage": "80Gi", "pods": "110"}


def test_check_mode_knows_the_nodes_while_the_api_server_is_down(tmp_path):
    class Down:
        def nodes(self):
            raise ConnectionRefusedError

    manifest = nodes.manifest_of(NODE, VERSION)
    record = tmp_path / "nodes.json"
    assert nodes.live_or_recalled(Down(), record) == {}
    nodes.remember(record, [manifest])
    assert not nodes.plan([manifest], nodes.live_or_recalled(Down(), record))
    record.write_text("damaged")
    assert nodes.live_or_recalled(Down(), record) == {}


def test_reported_version_is_that_of_the_api_server_that_is_built():
    module = (ROOT / "roles/rehearsal/files/servers/kubernetes/go.mod").read_text()
    built = re.search(r"\bk8s.io/kubernetes (v\S+)", module)[1]
    defaults = yaml.safe_load((ROOT / "roles/rehearsal/defaults/main.yml").read_text())
    assert defaults["rehearsal_kubelet_version"].partition("+")[0] == built
