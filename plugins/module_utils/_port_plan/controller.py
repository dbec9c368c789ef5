# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What MetalLB's controller does with one Service: a model of controller/service.go and controller/main.go."""

from __future__ import annotations

import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.allocator import (
    Addresses,
    Allocation,
    Allocator,
    Choice,
    Refusal,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.model import Pool, Service


class Step(t.NamedTuple):
    """One possible result of processing a Service.

    ``status`` are the addresses that its status shows then, IPv4 first, ``allocation`` is what the allocator keeps
    for it, and ``reprocess`` says whether every other Service is processed again because of it.
    """

    status: Addresses
    allocation: Allocation | None
    reprocess: bool


def is_handled(service: Service) -> bool:
    """Whether MetalLB, installed without --lb-class, cares about it (controllers.filterByLoadBalancerClass)."""
    return service.load_balancer_class is None


def allocate(allocator: Allocator, service: Service) -> Choice:
    """What a Service that holds nothing may get (controller.allocateIPs); ``allocator`` comes back unchanged."""
    if service.request_problem:
        return Choice([], [Refusal(service.request_problem)])
    if not service.addresses:
        return allocator.allocate_from(service, service.pool) if service.pool else allocator.allocate(service)
    if {address.version for address in service.addresses} != set(service.versions):
        return Choice([], [Refusal("family_mismatch", service.addresses[0])])
    refusals = allocator.assign(service, service.addresses)
    if not refusals:
        given = allocator.allocated[service.key].pool
        allocator.release(service.key)
        if service.pool and service.pool != given:
            refusals = [Refusal("pool_mismatch", service.addresses[0], pools=(service.pool, given))]
    return Choice([] if refusals else [service.addresses], refusals)


def process(
    pools: t.Iterable[Pool], allocations: t.Mapping[str, Allocation], service: Service, status: Addresses
) -> list[Step]:
    """Every possible result of processing a Service with this status (controller.SetBalancer)."""
    before = allocations.get(service.key)
    allocator = Allocator(pools, allocations)
    if remaining := kept(allocator, service, status):
        return [_step(allocator, service, status, remaining, before)]
    allocator.release(service.key)
    choices = allocate(allocator, service).candidates if _can_have_any(allocator, service) else []
    steps = []
    for addresses in choices or [()]:
        allocator.release(service.key)
        if addresses:
            allocator.assign(service, addresses)
        steps.append(_step(allocator, service, status, addresses, before))
    return steps


def _can_have_any(allocator: Allocator, service: Service) -> bool:
    """Upstream: the early exits of controller.convergeBalancer."""
    return bool(allocator.pools) and not (service.family_policy == "RequireDualStack" and len(service.versions) < 2)


def kept(allocator: Allocator, service: Service, status: Addresses) -> Addresses:
    """The addresses out of the status that the Service keeps, with one added by PreferDualStack; () if it starts anew.

    Upstream: controller.convergeBalancer up to the call of allocateIPs. PreferDualStack adds a second family even to
    a Service with cluster IPs of one family, and takes it away the next time: such a Service never comes to rest.
    """
    if not status or not _can_have_any(allocator, service) or _family_changed(service, status):
        return ()
    if allocator.assign(service, status):
        return ()
    pool = allocator.allocated[service.key].pool
    if service.pool and service.pool != pool:
        return ()
    if not service.request_problem and service.addresses and set(service.addresses) != set(status):
        return ()
    if service.request_problem or service.family_policy != "PreferDualStack" or len(status) > 1:
        return status
    extra = allocator.first_fit(service, allocator.pools[pool], 6 if status[0].version == 4 else 4)
    return status if extra is None or allocator.assign(service, (*status, extra)) else (*status, extra)


def _family_changed(service: Service, status: Addresses) -> bool:
    """Upstream: controller.serviceFamilyChanged."""
    versions = {address.version for address in status}
    if len(versions) != len(status):
        return True
    tolerant = len(service.versions) == 2 and service.family_policy == "PreferDualStack"
    return versions != set(service.versions) and not tolerant


def _step(
    allocator: Allocator, service: Service, status: Addresses, addresses: Addresses, before: Allocation | None
) -> Step:
    after = allocator.allocated.get(service.key)
    shown = tuple(sorted(addresses))
    freed = shown != status and before and not after and allocator.pool_for(before.addresses)
    return Step(shown, after, _sharing_text(before) != _sharing_text(after) or bool(freed))


def _sharing_text(allocation: Allocation | None) -> str:
    """Upstream: allocator.AllocationKey."""
    return "".join(reversed(allocation.sharing)) if allocation else ""
