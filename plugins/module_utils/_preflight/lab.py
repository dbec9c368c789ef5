# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declared lab as typed data, read leniently: what is absent or malformed is ``None`` or left out of its list."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight import addresses
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.addresses import Span
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.place import Parsed, Place, Reader

if t.TYPE_CHECKING:
    from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputError

Text = Parsed[str]
Number = Parsed[float]
Address = Parsed[Span]

LABEL = "a DNS label: lower-case letters, digits and hyphens, a letter or digit at both ends, 63 characters at most"
DOMAIN = "a DNS name: labels of lower-case letters, digits and hyphens, joined by dots, 253 characters at most"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
RELEASE = "a release tag such as v1.2.3, or v1.2.3+k3s1 for K3s"
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.\d+(-rc\d+)?(\+k3s\d+)?")


@dataclasses.dataclass(frozen=True)
class Node:
    """An entry of lab_nodes."""

    place: Place
    name: Text | None
    address: Address | None
    role: str | None
    cpus: Number | None
    memory_gb: Number | None
    disk_gb: Number | None


@dataclasses.dataclass(frozen=True)
class Host:
    """lab_host."""

    address: Address | None
    memory_gb: Number | None
    igpu_memory_gb: Number | None
    reserved_memory_gb: Number | None
    cpus: Number | None
    cpu_overcommit: Number | None
    disk_gb: Number | None
    reserved_disk_gb: Number | None


@dataclasses.dataclass(frozen=True)
class Pool:
    """An entry of lab_address_pools."""

    name: Text | None
    spans: list[Address]


@dataclasses.dataclass(frozen=True)
class Port:
    """An entry of an endpoint's ports; ``protocol`` as Kubernetes would have it."""

    place: Place
    number: Number | None
    protocol: str


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """An entry of lab_endpoints."""

    name: Text | None
    address: Address | None
    ports: list[Port]


@dataclasses.dataclass(frozen=True)
class Release:
    """A version: its tag and the line it belongs to, as (major, minor)."""

    tag: str
    line: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Lab:
    """All declarations that the rules compare; ``groups`` are the inventory's groups with their hosts' names."""

    network: Address | None
    gateway: Address | None
    dns: list[Address]
    dhcp_range: Address | None
    api_address: Address | None
    cluster_cidr: Address | None
    service_cidr: Address | None
    pools: list[Pool]
    nodes: list[Node]
    host: Host
    endpoints: list[Endpoint]
    releases: dict[str, Parsed[Release]]
    groups: t.Mapping[str, t.Sequence[str]]


def read_lab(values: t.Mapping[str, t.Any], groups: t.Mapping[str, t.Sequence[str]]) -> tuple[Lab, list[InputError]]:
    """The lab that the variables' values declare, and the errors of the malformed ones among them."""
    reader = Reader()

    def place(name: str) -> Place:
        return Place(name, values.get(name))

    network = place("lab_network")
    lab = Lab(
        network=_cidr(reader, network["cidr"]),
        gateway=_address(reader, network["gateway"]),
        dns=_present(_address(reader, item) for item in network["dns"].items),
        dhcp_range=reader.text(network["dhcp_range"], addresses.read_range, addresses.RANGE),
        api_address=_address(reader, place("lab_api_address")),
        cluster_cidr=_cidr(reader, place("lab_cluster_cidr")),
        service_cidr=_cidr(reader, place("lab_service_cidr")),
        pools=[_pool(reader, item) for item in place("lab_address_pools").items],
        nodes=[_node(reader, item) for item in place("lab_nodes").items],
        host=_host(reader, place("lab_host")),
        endpoints=[_endpoint(reader, item) for item in place("lab_endpoints").items],
        releases={
            name: release
            for name in ("k3s_version", "argocd_version", "metallb_version")
            if (release := reader.text(place(name), read_release, RELEASE))
        },
        groups=groups,
    )
    reader.text(network["domain"], read_domain, DOMAIN)
    reader.text(place("lab_state_dir"), _read_absolute, "an absolute path")
    return lab, reader.errors


def _node(reader: Reader, place: Place) -> Node:
    return Node(
        place=place,
        name=reader.text(place["name"], read_label, LABEL),
        address=_address(reader, place["address"]),
        role=place["role"].text,
        cpus=reader.number(place["cpus"], 1),
        memory_gb=reader.number(place["memory_gb"], 1),
        disk_gb=reader.number(place["disk_gb"], 1),
    )


def _host(reader: Reader, place: Place) -> Host:
    return Host(
        address=_address(reader, place["address"]),
        memory_gb=reader.number(place["memory_gb"], 1),
        igpu_memory_gb=reader.number(place["igpu_memory_gb"], 0),
        reserved_memory_gb=reader.number(place["reserved_memory_gb"], 0),
        cpus=reader.number(place["cpus"], 1),
        cpu_overcommit=reader.number(place["cpu_overcommit"], 1),
        disk_gb=reader.number(place["disk_gb"], 1),
        reserved_disk_gb=reader.number(place["reserved_disk_gb"], 0),
    )


def _pool(reader: Reader, place: Place) -> Pool:
    spans = (
        reader.text(item, addresses.read_pool, f"{addresses.RANGE}, or {addresses.CIDR}")
        for item in place["addresses"].items
    )
    return Pool(name=reader.text(place["name"], read_label, LABEL), spans=_present(spans))


def _endpoint(reader: Reader, place: Place) -> Endpoint:
    for key in ("namespace", "service"):
        reader.text(place[key], read_label, LABEL)
    reader.text(place["host"], read_domain, DOMAIN)
    reader.text(place["path"], _read_url_path, "a path that starts with /")
    return Endpoint(
        name=reader.text(place["name"], read_label, LABEL),
        address=_address(reader, place["address"]),
        ports=[_port(reader, item) for item in place["ports"].items],
    )


def _port(reader: Reader, place: Place) -> Port:
    reader.text(place["name"], read_label, LABEL)
    return Port(place, reader.number(place["port"], 1, 65535), place["protocol"].text or "TCP")


def _address(reader: Reader, place: Place) -> Address | None:
    return reader.text(place, addresses.read_address, addresses.ADDRESS)


def _cidr(reader: Reader, place: Place) -> Address | None:
    return reader.text(place, addresses.read_cidr, addresses.CIDR)


def _present(items: t.Iterable[Address | None]) -> list[Address]:
    return [item for item in items if item]


def read_label(text: str) -> str:
    """A DNS label (RFC 1123), as Kubernetes wants names of nodes and Services. Raises ValueError."""
    if not _LABEL.fullmatch(text):
        raise ValueError(text)
    return text


def read_domain(text: str) -> str:
    """A DNS name of labels. Raises ValueError."""
    if len(text) > 253:
        raise ValueError(text)
    return ".".join(read_label(label) for label in text.split("."))


def read_release(text: str) -> Release:
    """A release tag. Raises ValueError."""
    match = _RELEASE.fullmatch(text)
    if not match:
        raise ValueError(text)
    return Release(text, (int(match[1]), int(match[2])))


def _read_absolute(text: str) -> str:
    if not text.startswith(("/", "~")):
        raise ValueError(text)
    return text


def _read_url_path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError(text)
    return text
