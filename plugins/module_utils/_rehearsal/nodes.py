# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated nodes: node objects in the API that KWOK then keeps alive."""

from __future__ import annotations

import json
import time
import typing as t
import urllib.parse
from pathlib import Path

from ansible_collections.srelab.url_shortener.plugins.module_utils._plan import Change, Plan
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.files import read_text, write_file
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.https import Credentials, ask
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.model import RehearsalError
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.waiting import Wait

Manifest = t.Mapping[str, t.Any]

_PATH = "/api/v1/nodes"
_ROLE_PREFIX = "node-role.kubernetes.io/"
_MERGE = "application/merge-patch+json"
_POLL_SECONDS = 0.1
_PROGRESS_SECONDS = 5.0


class NodeApi:
    """The nodes of one API server. Methods raise OSError without an answer, RehearsalError on a refusal."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self._url = url
        self._credentials = credentials

    def ready(self) -> bool:
        """Whether the API server says that it is ready."""
        status, _text = ask(f"{self._url}/readyz", self._credentials)
        return status == 200

    def takes_pods(self) -> bool:
        """Whether a pod can be made: before kube-controller-manager has made its ServiceAccount, it is refused."""
        status, _text = ask(f"{self._url}/api/v1/namespaces/default/serviceaccounts/default", self._credentials)
        return status == 200

    def nodes(self) -> dict[str, Manifest]:
        """The live nodes by name."""
        items = json.loads(self._ask(_PATH))["items"]
        return {item["metadata"]["name"]: item for item in items}

    def create(self, manifest: Manifest) -> None:
        """Makes a node, its status included: the kubelet does the same when it registers."""
        self._ask(_PATH, "POST", {"apiVersion": "v1", "kind": "Node", **manifest})

    def update(self, name: str, live: Manifest, manifest: Manifest) -> None:
        """Brings a node to its manifest; the status is a resource of its own."""
        stale = {label: None for label in live["metadata"].get("labels", {}) if _is_stale_role(label, manifest)}
        metadata = {**manifest["metadata"], "labels": {**manifest["metadata"]["labels"], **stale}}
        body = {"metadata": metadata, "spec": manifest.get("spec", {})}
        self._ask(f"{_PATH}/{urllib.parse.quote(name)}", "PATCH", body, _MERGE)
        self._ask(f"{_PATH}/{urllib.parse.quote(name)}/status", "PATCH", {"status": manifest["status"]}, _MERGE)

    def delete(self, name: str) -> None:
        """Removes a node."""
        self._ask(f"{_PATH}/{urllib.parse.quote(name)}", "DELETE")

    def _ask(self, path: str, method: str = "GET", body: t.Any = None, content_type: str = "application/json") -> str:
        status, text = ask(self._url + path, self._credentials, method, body, content_type)
        if status >= 400:
            raise RehearsalError(f"The API server refused {method} {path} with {status}: {_message(text)}")
        return text


def manifest_of(node: t.Mapping[str, t.Any], kubelet_version: str) -> dict[str, t.Any]:
    """A node of ``lab_nodes`` as K3s 1.35 and newer registers its servers and agents.

    The declared address goes into the annotation that K3s sets as well: the address of the kubelet itself is the
    loopback address, where KWOK answers. Sizes are in GiB, as the virtual machines are made.
    """
    name = node["name"]
    roles = ["control-plane", "etcd"] if node["role"] == "server" else []
    resources = {
        "cpu": str(node["cpus"]),
        "memory": f"{node['memory_gb']}Gi",
        "ephemeral-storage": f"{node['disk_gb']}Gi",
        "pods": "110",
    }
    return {
        "metadata": {
            "name": name,
            "labels": {
                "beta.kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/instance-type": "k3s",
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": "k3s",
                **{_ROLE_PREFIX + role: "true" for role in roles},
            },
            "annotations": {
                "k3s.io/hostname": name,
                "k3s.io/internal-ip": node["address"],
                "kwok.x-k8s.io/node": "fake",
            },
        },
        "spec": {"providerID": f"k3s://{name}"},
        "status": {
            "capacity": resources,
            "allocatable": resources,
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "kwok://simulated",
                "kernelVersion": "simulated",
                "kubeProxyVersion": "",
                "kubeletVersion": kubelet_version,
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "Simulated by KWOK",
                "systemUUID": "",
            },
        },
    }


def plan(wanted: t.Sequence[Manifest], live: t.Mapping[str, Manifest]) -> Plan:
    """The nodes to make, to change and to remove. A live node may carry more than its manifest says."""
    changes = []
    for manifest in wanted:
        name = _name(manifest)
        node = live.get(name)
        if node is None:
            changes.append(Change(_object(name), "", _shown(manifest)))
        elif _cut_to(node, manifest) != manifest or _stale_roles(node, manifest):
            before = _cut_to(node, manifest)
            before["metadata"]["labels"].update(_stale_roles(node, manifest))
            changes.append(Change(_object(name), _shown(before), _shown(manifest)))
    declared = {_name(manifest) for manifest in wanted}
    changes += [Change(_object(name), "present", "absent") for name in live if name not in declared]
    return Plan(tuple(changes))


def apply(wanted: t.Sequence[Manifest], live: t.Mapping[str, Manifest], changes: Plan, api: NodeApi) -> None:
    """Carries out a plan."""
    declared = {_name(manifest): manifest for manifest in wanted}
    for name, manifest in declared.items():
        if _object(name) in changes.objects:
            if name in live:
                api.update(name, live[name], manifest)
            else:
                api.create(manifest)
    for name in live:
        if name not in declared:
            api.delete(name)


def wait_until_ready(api: NodeApi, wanted: t.Sequence[Manifest], timeout: float, tell: t.Callable[[str], None]) -> Wait:
    """Returns when the API server and all wanted nodes are ready. Raises RehearsalError after ``timeout`` seconds."""
    names = [_name(manifest) for manifest in wanted]
    began = told = time.monotonic()
    while True:
        late = _not_ready(api, names)
        waited = time.monotonic() - began
        if not late:
            return Wait(f"the API server and {len(names)} nodes ready", waited)
        if waited > timeout:
            raise RehearsalError(f"Not ready after {waited:.0f} s: {', '.join(late)}")
        if time.monotonic() - told > _PROGRESS_SECONDS:
            told = time.monotonic()
            tell(f"not ready yet ({waited:.0f} s): {', '.join(late)}")
        time.sleep(_POLL_SECONDS)


def live_or_recalled(api: NodeApi, record: Path) -> dict[str, Manifest]:
    """The nodes for check mode: the live ones, or while the API server is down those that the last run left."""
    try:
        return api.nodes()
    except OSError:
        return _recall(record)


def _recall(record: Path) -> dict[str, Manifest]:
    try:
        manifests = json.loads(read_text(record) or "[]")
    except ValueError:
        return {}
    return {_name(manifest): manifest for manifest in manifests}


def remember(record: Path, wanted: t.Sequence[Manifest]) -> None:
    """Notes the nodes for ``live_or_recalled``, when they differ from what is noted."""
    text = json.dumps(wanted, indent=1, sort_keys=True)
    if read_text(record) != text:
        write_file(record, text)


def _not_ready(api: NodeApi, names: t.Collection[str]) -> list[str]:
    try:
        if not api.ready():
            return ["the API server"]
        if not api.takes_pods():
            return ["the ServiceAccount of the namespace default"]
        live = api.nodes()
    except OSError as error:
        return [f"the API server ({error})"]
    return [f"node {name}" for name in names if name not in live or not _is_ready(live[name])]


def _is_ready(node: Manifest) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _cut_to(live: t.Any, pattern: t.Any) -> t.Any:
    """What the live object says about the fields that the pattern has."""
    if isinstance(pattern, dict):
        found = live if isinstance(live, dict) else {}
        return {key: _cut_to(found.get(key), value) for key, value in pattern.items()}
    return live


def _stale_roles(live: Manifest, manifest: Manifest) -> dict[str, str]:
    labels = live["metadata"].get("labels", {})
    return {label: value for label, value in labels.items() if _is_stale_role(label, manifest)}


def _is_stale_role(label: str, manifest: Manifest) -> bool:
    return label.startswith(_ROLE_PREFIX) and label not in manifest["metadata"]["labels"]


def _name(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def _object(name: str) -> str:
    return f"node {name}"


def _shown(manifest: Manifest) -> str:
    return json.dumps(manifest, indent=2, sort_keys=True)


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return " ".join(text.split())[:200]
