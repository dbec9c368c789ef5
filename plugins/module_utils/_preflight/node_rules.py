# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the nodes and the machine that carries them."""

from __future__ import annotations

import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputError, Words
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.network_rules import doubles

if t.TYPE_CHECKING:
    from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.lab import Lab, Node, Number

_GROUP_OF_ROLE = {"server": "k3s_servers", "agent": "k3s_agents"}
# https://docs.k3s.io/installation/requirements: what a K3s server needs at least.
_SERVER_CPUS = 2
_SERVER_MEMORY_GB = 2


def node_names_are_unique(lab: Lab) -> t.Iterator[InputError]:
    """No two nodes have one name: it is also the host's in the inventory and the virtual machine's."""
    yield from doubles(node.name for node in lab.nodes)


def server_count_is_odd(lab: Lab) -> t.Iterator[InputError]:
    """1, 3 or 5 nodes have role server: one etcd member more, for an even number, survives no more failures."""
    if not lab.nodes or any(node.role is None for node in lab.nodes):
        return
    servers = [_name(node) for node in lab.nodes if node.role == "server"]
    if len(servers) not in (1, 3, 5):
        said = f"{len(servers)} with role server" + (f" ({', '.join(servers)})" if servers else "")
        yield InputError("lab_nodes", Words(said), "1, 3 or 5 nodes with role server: etcd needs an odd number")


def servers_have_what_k3s_needs(lab: Lab) -> t.Iterator[InputError]:
    """Servers have at least the CPUs and the memory that K3s documents for them."""
    for node in lab.nodes:
        if node.role == "server":
            for number, least in ((node.cpus, _SERVER_CPUS), (node.memory_gb, _SERVER_MEMORY_GB)):
                if number and number.value < least:
                    yield number.error(f"{least} or more for a K3s server")


def nodes_are_in_their_group(lab: Lab) -> t.Iterator[InputError]:
    """lab_nodes and the groups k3s_servers and k3s_agents name the same hosts; a rehearsal has none in the groups."""
    grouped = {group: list(lab.groups.get(group, ())) for group in _GROUP_OF_ROLE.values()}
    if not any(grouped.values()) and lab.groups.get("rehearsal"):
        return
    for role, group in _GROUP_OF_ROLE.items():
        declared = list(dict.fromkeys(node.name.value for node in lab.nodes if node.name and node.role == role))
        allowed = f"the hosts {', '.join(declared) or '(none)'}, those with role {role} in lab_nodes"
        if missing := [name for name in declared if name not in grouped[group]]:
            yield InputError(group, Words(f"a group without {', '.join(missing)}"), allowed)
        strange = [name for name in grouped[group] if name not in declared]
        # A node whose name or role cannot be read may be the one.
        if strange and lab.nodes and all(node.name and node.role for node in lab.nodes):
            yield InputError(group, Words(f"a group with {', '.join(strange)}"), allowed)


def control_node_is_in_the_inventory(lab: Lab) -> t.Iterator[InputError]:
    """localhost is a host of the inventory: Ansible's implicit one has no inventory_dir for paths beside it."""
    if "localhost" not in lab.groups.get("all", ()):
        yield InputError("localhost", Words("not in the inventory"), "a host localhost with ansible_connection: local")


def nodes_fit_the_memory(lab: Lab) -> t.Iterator[InputError]:
    """The virtual machines' memory fits what the machine has left for them."""
    host = lab.host
    if host.memory_gb and host.igpu_memory_gb and host.reserved_memory_gb:
        left = host.memory_gb.value - host.igpu_memory_gb.value - host.reserved_memory_gb.value
        if _sum(lab, "memory_gb") > left:
            yield InputError("lab_nodes[].memory_gb", Words(memory_line(lab)), f"{left:g} GB or less together")


def nodes_fit_the_cpus(lab: Lab) -> t.Iterator[InputError]:
    """The virtual CPUs fit the hardware threads at the declared overcommit."""
    if lab.host.cpus:
        left = lab.host.cpus.value * _value(lab.host.cpu_overcommit, 1)
        if _sum(lab, "cpus") > left:
            yield InputError("lab_nodes[].cpus", Words(cpu_line(lab)), f"{left:g} or less together")


def nodes_fit_the_disk(lab: Lab) -> t.Iterator[InputError]:
    """The virtual machines' disks, grown to their full size, fit the file system."""
    if lab.host.disk_gb:
        left = lab.host.disk_gb.value - _value(lab.host.reserved_disk_gb, 0)
        if _sum(lab, "disk_gb") > left:
            yield InputError("lab_nodes[].disk_gb", Words(disk_line(lab)), f"{left:g} GB or less together")


def budget(lab: Lab) -> list[str]:
    """The sums as lines of text, for the report: memory always, CPUs and disk where the machine's are declared."""
    lines = [f"memory: {memory_line(lab)}"]
    if lab.host.cpus:
        lines.append(f"virtual CPUs: {cpu_line(lab)}")
    if lab.host.disk_gb:
        lines.append(f"disk: {disk_line(lab)}")
    return lines


def memory_line(lab: Lab) -> str:
    """The nodes' memory beside the machine's, laid out."""
    host = lab.host
    return (
        f"{_laid_out(lab, 'memory_gb')} GB, of {_value(host.memory_gb, 0):g} GB installed"
        f" - {_value(host.igpu_memory_gb, 0):g} graphics - {_value(host.reserved_memory_gb, 0):g} host"
    )


def cpu_line(lab: Lab) -> str:
    """The nodes' virtual CPUs beside the machine's threads, laid out."""
    return (
        f"{_laid_out(lab, 'cpus')}, of {_value(lab.host.cpus, 0):g} threads"
        f" x {_value(lab.host.cpu_overcommit, 1):g} overcommit"
    )


def disk_line(lab: Lab) -> str:
    """The nodes' disks beside the machine's, laid out."""
    return (
        f"{_laid_out(lab, 'disk_gb')} GB, of {_value(lab.host.disk_gb, 0):g} GB"
        f" - {_value(lab.host.reserved_disk_gb, 0):g} kept free"
    )


def _laid_out(lab: Lab, field: str) -> str:
    terms = [f"{_name(node)} {_value(getattr(node, field), 0):g}" for node in lab.nodes]
    return f"{' + '.join(terms)} = {_sum(lab, field):g}"


def _sum(lab: Lab, field: str) -> float:
    return sum(_value(getattr(node, field), 0) for node in lab.nodes)


def _value(number: Number | None, otherwise: float) -> float:
    return number.value if number else otherwise


def _name(node: Node) -> str:
    return node.name.value if node.name else node.place.path
