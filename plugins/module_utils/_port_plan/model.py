# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nouns of the port plan: pools, Services and what MetalLB reads from them."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.addresses import (
    FAMILIES,
    Address,
    Block,
    is_avoided,
    joined,
)

Labels = t.Mapping[str, str]

IP_ANNOTATION = "metallb.io/loadBalancerIPs"
POOL_ANNOTATION = "metallb.io/address-pool"
SHARING_ANNOTATION = "metallb.io/allow-shared-ip"


class Port(t.NamedTuple):
    """A port on the load balancer address: two Services cannot both have it there."""

    protocol: str
    number: int

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"


@dataclasses.dataclass(frozen=True)
class Requirement:
    """One matchExpression of a label selector; matchLabels are requirements with the operator In."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Labels) -> bool:
        """Upstream: labels.Requirement.Matches of apimachinery."""
        present = self.key in labels
        match self.operator:
            case "In":
                return present and labels[self.key] in self.values
            case "NotIn":
                return not present or labels[self.key] not in self.values
            case "Exists":
                return present
            case _:
                return not present


@dataclasses.dataclass(frozen=True)
class Selector:
    """A label selector: all its requirements hold; one without requirements selects everything."""

    requirements: frozenset[Requirement] = frozenset()

    def matches(self, labels: Labels) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)


@dataclasses.dataclass(frozen=True)
class ServiceAllocation:
    """To which Services a pool gives addresses (spec.serviceAllocation), namespace selectors already resolved.

    Upstream: config.addressPoolServiceAllocationsFromCR. Priority 0 comes after every other.
    """

    priority: int = 0
    namespaces: frozenset[str] = frozenset()
    service_selectors: tuple[Selector, ...] = ()

    def allows(self, service: Service) -> bool:
        """Upstream: allocator.isPoolCompatibleWithService. Namespace selectors that match nothing exclude nobody."""
        if self.namespaces and service.namespace not in self.namespaces:
            return False
        labels = dict(service.labels)
        return not self.service_selectors or any(selector.matches(labels) for selector in self.service_selectors)

    def pins(self, service: Service) -> bool:
        """Whether the pool is tried before those without serviceAllocation (allocator.pinnedPoolsForService)."""
        return (service.namespace in self.namespaces or bool(self.service_selectors)) and self.allows(service)


@dataclasses.dataclass(frozen=True)
class Pool:
    """An IPAddressPool."""

    name: str
    blocks: tuple[Block, ...]
    auto_assign: bool = True
    avoid_buggy_ips: bool = False
    allocation: ServiceAllocation | None = None

    def has(self, address: Address) -> bool:
        """Whether the pool may give this address to anybody (allocator.poolFor)."""
        return not self.avoids(address) and any(block.has(address) for block in self.blocks)

    def avoids(self, address: Address) -> bool:
        return self.avoid_buggy_ips and is_avoided(address)

    def allows(self, service: Service) -> bool:
        return self.allocation is None or self.allocation.allows(service)

    @property
    def versions(self) -> frozenset[int]:
        return frozenset(block.version for block in self.blocks)


@dataclasses.dataclass(frozen=True)
class Service:
    """A Service of type LoadBalancer, as far as MetalLB reads it.

    ``versions`` are the families of its cluster IPs in order, as 4 and 6. ``addresses`` are those it asks for by
    annotation or by spec.loadBalancerIP; ``request_problem`` says why what it asks for cannot be read ("" when it
    can). ``labels`` and ``selector`` are sorted pairs, so that a Service can be hashed.
    """

    namespace: str
    name: str
    ports: tuple[Port, ...]
    addresses: tuple[Address, ...] = ()
    by_load_balancer_ip: bool = False
    request_problem: t.Literal["", "requested_twice", "malformed_request"] = ""
    pool: str = ""
    sharing_key: str | None = None
    external_traffic_policy: str = "Cluster"
    selector: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    versions: tuple[int, ...] = (4,)
    family_policy: str = "SingleStack"
    load_balancer_class: str | None = None

    @functools.cached_property
    def key(self) -> str:
        """How MetalLB and every message name it: namespace/name."""
        return f"{self.namespace}/{self.name}"

    @functools.cached_property
    def sharing(self) -> tuple[str, str]:
        """The sharing key ("" allows no sharing) and the backend key.

        Upstream: controller.SharingKey and k8salloc.BackendKey: with the traffic policy Cluster any backends go
        together, with Local the selectors must be equal.
        """
        local = self.external_traffic_policy == "Local"
        return (self.sharing_key or "", ",".join("=".join(pair) for pair in self.selector) if local else "")

    @property
    def families(self) -> str:
        return " and ".join(FAMILIES[version] for version in self.versions)

    @property
    def annotations(self) -> dict[str, str]:
        """What it asks MetalLB for, as the annotations of the Service; spec.loadBalancerIP is no annotation."""
        wanted = {
            IP_ANNOTATION: "" if self.by_load_balancer_ip else joined(self.addresses),
            POOL_ANNOTATION: self.pool,
            SHARING_ANNOTATION: self.sharing_key or "",
        }
        return {name: value for name, value in wanted.items() if value}


def pairs(mapping: t.Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """Labels or a Service's selector in the form that ``Service`` holds."""
    return tuple(sorted((mapping or {}).items()))


def overlaps(pools: t.Sequence[Pool]) -> list[tuple[Pool, Block, Pool, Block]]:
    """The blocks that overlap, each beside the one that reaches furthest before it.

    One overlap, inside a pool or between two, makes MetalLB refuse all pools (config.poolsFor).
    """
    entries = sorted(((block, pool) for pool in pools for block in pool.blocks), key=lambda entry: entry[0])
    found = []
    reach: tuple[Block, Pool] | None = None
    for block, pool in entries:
        if reach and reach[0].version == block.version and block.first <= reach[0].last:
            found.append((reach[1], reach[0], pool, block))
        if not reach or (block.version, block.last) > (reach[0].version, reach[0].last):
            reach = (block, pool)
    return found
