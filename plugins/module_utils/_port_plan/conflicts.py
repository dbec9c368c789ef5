# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conflicts of a port plan in words: what is wrong, between whom, and what to do about it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.addresses import FAMILIES, Address
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.allocator import Refusal
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.model import (
    IP_ANNOTATION,
    Pool,
    Port,
    Service,
    overlaps,
)


@dataclasses.dataclass(frozen=True)
class Conflict:
    """Something that MetalLB would refuse, or do otherwise than planned.

    ``services`` are the keys of those concerned, the refused one first; ``pools`` the names of the pools concerned.
    """

    kind: str
    message: str
    remedy: str
    services: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    address: Address | None = None
    port: Port | None = None

    def as_dict(self) -> dict[str, t.Any]:
        """The conflict as a task returns it; what does not apply is None."""
        return {
            "kind": self.kind,
            "services": list(self.services),
            "pools": list(self.pools),
            "address": str(self.address) if self.address else None,
            "port": self.port.number if self.port else None,
            "protocol": self.port.protocol if self.port else None,
            "message": self.message,
            "remedy": self.remedy,
        }


class _Words(t.NamedTuple):
    """The two texts of a kind; {other} is the Service in the way."""

    message: str
    remedy: str


_SHARE_OR_MOVE = "give both the same sharing_key, or one of them another address"
_WORDS = {
    "port_taken": _Words(
        "{service} and {other} both want port {port} on {address}",
        "give one of them another address, or another port{and_key}",
    ),
    "sharing_key_missing": _Words(
        "{service} and {other} both want {address}, and {keyless} without a sharing key", _SHARE_OR_MOVE
    ),
    "sharing_key_empty": _Words(
        "{service} and {other} both want {address}, and an empty sharing key allows no sharing", _SHARE_OR_MOVE
    ),
    "sharing_key_different": _Words(
        "{service} and {other} both want {address}, with different sharing keys ({keys})", _SHARE_OR_MOVE
    ),
    "traffic_policy": _Words(
        "{service} and {other} both want {address}; once externalTrafficPolicy is Local, only the same policy and "
        "selector may share it",
        "set external_traffic_policy Cluster on both, or give one of them another address",
    ),
    "address_outside_pools": _Words(
        "{service} wants {address}, which no pool gives ({ranges}){avoided}",
        "take an address out of a pool, or add it to a pool",
    ),
    "addresses_in_two_pools": _Words(
        "{service} wants {wanted}, which lie in different pools", "take both addresses out of one pool"
    ),
    "pool_exhausted": _Words(
        "{service} finds no address left in {pools}{blocker}",
        "add addresses to the pool, or let it share one: the same sharing_key, and ports that are free there",
    ),
    "no_pool": _Words(
        "{service} names neither address nor pool, and no pool serves it by itself",
        "give it an address or a pool, or set auto_assign on a pool that allows its namespace and labels",
    ),
    "pool_not_allowed": _Words(
        "{service} may not use {pools}: its namespace or labels are not among those that the pool serves",
        "use another pool, or add the namespace {namespace} or the labels of the Service to the pool",
    ),
    "pool_mismatch": _Words(
        "{service} names the pool {first_pool} and wants {address}, which is in the pool {last_pool}",
        "take an address out of the pool {first_pool}, or name no pool",
    ),
    "unknown_pool": _Words("{service} names the pool {first_pool}, which does not exist", "use one of: {known_pools}"),
    "family_mismatch": _Words(
        "{service} has cluster IPs of {families}{but}",
        "give it addresses of just its families, out of one pool that has them, or change its ip_families",
    ),
    "second_family_missing": _Words(
        "{service} has cluster IPs of {families} and finds an address of one family only in {pools}; MetalLB takes a "
        "request for all families or none",
        "add addresses of the other family to the pool, or set ip_family_policy SingleStack",
    ),
    "dual_stack_unstable": _Words(
        "{service} has ip_family_policy PreferDualStack, cluster IPs of {families} alone and {pools} with both "
        "families: MetalLB would give it a second address and take it away again without end",
        "set ip_family_policy SingleStack, or give it cluster IPs of both families",
    ),
    "requested_twice": _Words(
        f"{{service}} has both the annotation {IP_ANNOTATION} and spec.loadBalancerIP, which MetalLB refuses",
        "keep one of the two",
    ),
    "malformed_request": _Words(
        "{service} asks for addresses that MetalLB cannot read",
        "write one address, or one IPv4 and one IPv6 address with a comma between them",
    ),
    "load_balancer_class": _Words(
        "{service} has the loadBalancerClass {lb_class}, which MetalLB leaves to somebody else",
        "take load_balancer_class away, or the Service out of the plan",
    ),
}


def worded(refusal: Refusal, service: Service, others: t.Mapping[str, Service], pools: t.Sequence[Pool]) -> Conflict:
    """The conflict that a refusal means for ``service``; ``others`` are all Services by key."""
    other = others.get(refusal.others[0]) if refusal.others else None
    kind = refusal.kind
    if kind == "sharing_key_missing" and other and "" in (service.sharing_key, other.sharing_key):
        kind = "sharing_key_empty"
    words = _fields(refusal, service, other, pools)
    message, remedy = (text.format_map(words) for text in _WORDS[kind])
    keys = (service.key, *refusal.others)
    return Conflict(kind, message, remedy, keys, refusal.pools, refusal.address, refusal.port)


def overlapping(pools: t.Sequence[Pool]) -> list[Conflict]:
    """One conflict for each overlap of pools."""
    return [
        Conflict(
            "overlapping_pools",
            f"{second_block} of the pool {second.name} overlaps {first_block} of the pool {first.name}; "
            "MetalLB refuses all pools for it",
            "let every address be in one pool once",
            pools=tuple(dict.fromkeys((first.name, second.name))),
            address=Address(second_block.version, second_block.first),
        )
        for first, first_block, second, second_block in overlaps(pools)
    ]


def _fields(refusal: Refusal, service: Service, other: Service | None, pools: t.Sequence[Pool]) -> dict[str, t.Any]:
    address, names = refusal.address, refusal.pools
    own, others_key = service.sharing_key, other.sharing_key if other else None
    keyless = [one.key for one in (service, other) if one and not one.sharing_key]
    return {
        "service": service.key,
        "namespace": service.namespace,
        "other": refusal.others[0] if refusal.others else "",
        "address": address,
        "port": refusal.port,
        "wanted": " and ".join(str(wanted) for wanted in service.addresses),
        "pools": _pools(names),
        "first_pool": names[0] if names else "",
        "last_pool": names[-1] if names else "",
        "known_pools": ", ".join(pool.name for pool in pools) or "none, there is no pool",
        "ranges": "; ".join(f"{pool.name}: {', '.join(map(str, pool.blocks))}" for pool in pools) or "there is none",
        "avoided": _avoided(address, pools),
        "families": service.families,
        "but": _family_reason(service, address, names),
        "blocker": _blocker(refusal),
        "keyless": f"{' and '.join(keyless)} {'is' if len(keyless) == 1 else 'are'}",
        "keys": f"{own!r} and {others_key!r}",
        "and_key": "" if own and own == others_key else " and the same sharing_key",
        "lb_class": service.load_balancer_class,
    }


def _pools(names: tuple[str, ...]) -> str:
    return f"the pool{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _avoided(address: Address | None, pools: t.Sequence[Pool]) -> str:
    for pool in pools:
        if address and pool.avoids(address) and any(block.has(address) for block in pool.blocks):
            return f": {pool.name} keeps back what ends in .0 or .255 (avoid_buggy_ips)"
    return ""


def _family_reason(service: Service, address: Address | None, pools: tuple[str, ...]) -> str:
    if pools:
        return f", but {_pools(pools)} cannot give them all"
    if address is None:
        return f" alone, and ip_family_policy {service.family_policy}"
    wanted = " and ".join(FAMILIES[version] for version in sorted({one.version for one in service.addresses}))
    return f", but asks for {wanted} alone" if len(service.versions) > 1 else f", but asks for {wanted}"


def _blocker(refusal: Refusal) -> str:
    if refusal.address is None:
        return ""
    who = ", ".join(refusal.others)
    detail = f"port {refusal.port}" if refusal.port else "other sharing keys"
    return f": in the way {'are' if len(refusal.others) > 1 else 'is'} {who} ({detail} on {refusal.address})"
