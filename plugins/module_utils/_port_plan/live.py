# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live cluster beside the plan: what the API's objects mean to MetalLB, and where they contradict the plan."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.addresses import (
    joined,
    parse_address,
    parse_request,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.allocator import (
    Addresses,
    Allocation,
    Allocator,
    Refusal,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.inputs import read_pools
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.model import (
    IP_ANNOTATION,
    POOL_ANNOTATION,
    SHARING_ANNOTATION,
    Pool,
    Port,
    Service,
    pairs,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.plan import Assignment

Object = t.Mapping[str, t.Any]
_REQUEST = "the requested address"


@dataclasses.dataclass(frozen=True)
class LiveService:
    """A Service as the API shows it; ``addresses`` are those in its status."""

    service: Service
    addresses: Addresses
    is_load_balancer: bool


@dataclasses.dataclass(frozen=True)
class Cluster:
    """What the planner reads from a cluster."""

    pools: tuple[Pool, ...]
    services: t.Mapping[str, LiveService]
    namespaces: t.Mapping[str, t.Mapping[str, str]]

    @property
    def handled(self) -> list[LiveService]:
        """The Services that are MetalLB's work, by name."""
        found = (live for _key, live in sorted(self.services.items()))
        return [live for live in found if live.is_load_balancer and live.service.load_balancer_class is None]

    @property
    def held(self) -> dict[str, Addresses]:
        """The addresses that MetalLB gave, by Service key."""
        return {live.service.key: live.addresses for live in self.handled if live.addresses}


def cluster_of(
    services: t.Iterable[Object], pools: t.Iterable[Object], namespaces: t.Iterable[Object], errors: InputErrors
) -> Cluster:
    """The cluster out of the API's objects (as dictionaries); IPAddressPools that MetalLB refuses become errors."""
    labels = {item["metadata"]["name"]: item["metadata"].get("labels") or {} for item in namespaces}
    found = [live_service(item) for item in services]
    options = [pool_options(item) for item in sorted(pools, key=lambda item: str(item["metadata"]["name"]))]
    read = read_pools(options, labels, errors, "the cluster's IPAddressPools")
    return Cluster(tuple(read), {live.service.key: live for live in found}, labels)


def live_service(item: Object) -> LiveService:
    """A Service object as MetalLB reads it.

    An annotation's present key wins over its deprecated one even when it is empty (controller.valueForAnnotation).
    """
    metadata, spec = item["metadata"], item["spec"]
    annotations = metadata.get("annotations") or {}
    by_annotation = _annotation(annotations, IP_ANNOTATION) or ""
    by_field = spec.get("loadBalancerIP") or ""
    requested = parse_request(by_annotation) if by_annotation else parse_request(by_field) if by_field else ()
    cluster_ips = [parse_address(text) for text in spec.get("clusterIPs") or [spec.get("clusterIP") or ""]]
    service = Service(
        namespace=metadata["namespace"],
        name=metadata["name"],
        ports=tuple(Port(port.get("protocol") or "TCP", port["port"]) for port in spec.get("ports") or ()),
        addresses=requested or (),
        by_load_balancer_ip=bool(by_field and not by_annotation),
        request_problem=(
            "requested_twice" if by_annotation and by_field else "malformed_request" if requested is None else ""
        ),
        pool=_annotation(annotations, POOL_ANNOTATION) or "",
        sharing_key=_annotation(annotations, SHARING_ANNOTATION),
        external_traffic_policy=spec.get("externalTrafficPolicy") or "Cluster",
        selector=pairs(spec.get("selector")),
        labels=pairs(metadata.get("labels")),
        versions=tuple(address.version for address in cluster_ips if address) or (4,),
        family_policy=spec.get("ipFamilyPolicy") or "SingleStack",
        load_balancer_class=spec.get("loadBalancerClass"),
    )
    ingress = ((item.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    addresses = (parse_address(entry.get("ip") or "") for entry in ingress)
    held = tuple(sorted(address for address in addresses if address))
    return LiveService(service, held, spec.get("type") == "LoadBalancer")


def pool_options(item: Object) -> dict[str, t.Any]:
    """An IPAddressPool object in the form of the module's option `pools`."""
    spec = item["spec"]
    allocation = spec.get("serviceAllocation")
    options = {
        "name": item["metadata"]["name"],
        "addresses": spec.get("addresses"),
        "auto_assign": spec.get("autoAssign"),
        "avoid_buggy_ips": spec.get("avoidBuggyIPs"),
    }
    if allocation is not None:
        options |= {
            "priority": allocation.get("priority") or 0,
            "namespaces": allocation.get("namespaces"),
            "namespace_selectors": allocation.get("namespaceSelectors"),
            "service_selectors": allocation.get("serviceSelectors"),
        }
    return options


def drift_of(assignments: t.Sequence[Assignment], pools: t.Sequence[Pool], cluster: Cluster) -> list[dict[str, t.Any]]:
    """Where live objects contradict the plan: dictionaries of object, field, planned, found, message.

    A Service that is not there contradicts nothing; see ``absent_of``.
    """
    drift = _pool_drift(assignments, pools, cluster.pools)
    for assignment in assignments:
        live = cluster.services.get(assignment.service.key)
        if live:
            drift += (
                _difference(f"Service {assignment.service.key}", field, planned, found)
                for field, planned, found in _facets(assignment, live)
                if planned != found
            )
    return drift


def absent_of(assignments: t.Sequence[Assignment], cluster: Cluster) -> list[str]:
    """The planned Services that the cluster does not have yet."""
    return [planned.service.key for planned in assignments if planned.service.key not in cluster.services]


def squatters_of(assignments: t.Sequence[Assignment], cluster: Cluster) -> list[dict[str, t.Any]]:
    """Unplanned Services that hold, or ask for, what the plan gives to another, as dictionaries.

    ``holds`` tells the two apart. The same rules as MetalLB's decide: a Service that may share the address with the
    planned ones is no squatter.
    """
    planned = {
        assignment.service.key: Allocation(
            assignment.pool, assignment.addresses, assignment.service.ports, assignment.service.sharing
        )
        for assignment in assignments
    }
    allocator = Allocator((), planned)
    unplanned = [live for key, live in sorted(cluster.services.items()) if live.is_load_balancer and key not in planned]
    return [
        _squatter(live, refusal)
        for live in unplanned
        for address in live.addresses or live.service.addresses
        for refusal in allocator.refusals(live.service, address)
    ]


def _squatter(live: LiveService, refusal: Refusal) -> dict[str, t.Any]:
    key, planned, port = live.service.key, refusal.others[0], refusal.port
    what = f"port {port} on {refusal.address}" if port else str(refusal.address)
    return {
        "service": key,
        "planned": planned,
        "address": str(refusal.address),
        "port": port.number if port else None,
        "protocol": port.protocol if port else None,
        "holds": bool(live.addresses),
        "message": f"{key} is not in the plan and {'holds' if live.addresses else 'asks for'} {what}, planned for "
        f"{planned}" + ("" if port else ", with which it cannot share it"),
        "remedy": f"take {key} into the plan, or give it another address or port",
    }


def _facets(assignment: Assignment, live: LiveService) -> list[tuple[str, str, str]]:
    """What plan and live Service are compared by: field, planned, found; a request only where one is declared."""
    planned, found = assignment.service, live.service
    if not live.is_load_balancer:
        return [("spec.type", "LoadBalancer", "another type")]
    facets = [
        ("status.loadBalancer", joined(sorted(assignment.addresses)), joined(live.addresses)),
        (_REQUEST, joined(sorted(assignment.service.addresses)), joined(sorted(found.addresses))),
        (f"annotation {SHARING_ANNOTATION}", planned.sharing[0], found.sharing[0]),
        (f"annotation {POOL_ANNOTATION}", planned.pool, found.pool),
        ("spec.ports", ", ".join(map(str, sorted(planned.ports))), ", ".join(map(str, sorted(found.ports)))),
        ("spec.externalTrafficPolicy", planned.external_traffic_policy, found.external_traffic_policy),
        ("spec.loadBalancerClass", "", found.load_balancer_class or ""),
    ]
    return [facet for facet in facets if planned.addresses or facet[0] != _REQUEST]


def _pool_drift(
    assignments: t.Sequence[Assignment], planned: t.Sequence[Pool], live: t.Sequence[Pool]
) -> list[dict[str, t.Any]]:
    """Planned pools that are there with other addresses, or that planned Services need and are not there at all."""
    by_name = {pool.name: pool for pool in live}
    drift = []
    for pool in planned:
        found = by_name.get(pool.name)
        before, after = (", ".join(str(block) for block in one.blocks) if one else "" for one in (pool, found))
        if before == after or (not live and not found):
            continue
        lost = [
            planned_one.service.key
            for planned_one in assignments
            if planned_one.pool == pool.name and not all(found and found.has(one) for one in planned_one.addresses)
        ]
        difference = _difference(f"IPAddressPool {pool.name}", "spec.addresses", before, after)
        if lost:
            difference["message"] += f"; it no longer serves {', '.join(lost)}"
        drift.append(difference)
    return drift


def _difference(name: str, field: str, planned: str, found: str) -> dict[str, t.Any]:
    words = f"{name}: {field} is {found or 'not set'}, the plan says {planned or 'not set'}"
    return {"object": name, "field": field, "planned": planned, "found": found, "message": words}


def _annotation(annotations: t.Mapping[str, str], name: str) -> str | None:
    deprecated = name.replace("metallb.io/", "metallb.universe.tf/")
    return annotations.get(name, annotations.get(deprecated))
