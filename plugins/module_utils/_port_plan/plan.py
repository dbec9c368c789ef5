# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port plan: which address each Service gets, what stands against it, and what is left."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.addresses import Block
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.allocator import (
    Addresses,
    Allocator,
    Refusal,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.conflicts import (
    Conflict,
    overlapping,
    worded,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.controller import (
    allocate,
    is_handled,
    kept,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.model import Pool, Service
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.simulation import (
    TooManyStatesError,
    predict,
)

# Every order of so many Services can be looked at while somebody waits; of more, it cannot.
ENUMERATED_SERVICES = 6
ENUMERATED_STATES = 2_000


@dataclasses.dataclass(frozen=True)
class Assignment:
    """The addresses planned for one Service.

    ``possible`` is what MetalLB may give it as declared, without the planned annotations, whatever the order of
    creation (() stands for "it waits"); None where there are too many orders to look at.
    """

    service: Service
    pool: str
    addresses: Addresses
    possible: tuple[Addresses, ...] | None

    @property
    def planned(self) -> Service:
        """The Service with its planned annotations."""
        return dataclasses.replace(self.service, addresses=self.addresses)

    def as_dict(self) -> dict[str, t.Any]:
        """The assignment as a task returns it."""
        possible = self.possible
        return {
            "service": self.service.key,
            "addresses": [str(address) for address in self.addresses],
            "pool": self.pool,
            "sharing_key": self.service.sharing_key or None,
            "annotations": self.planned.annotations,
            "determined": possible == (self.addresses,),
            "possible": None if possible is None else [[str(address) for address in option] for option in possible],
        }


@dataclasses.dataclass(frozen=True)
class PortPlan:
    """Assignments in the order of the Services; ``free`` are the addresses that nobody is on, by pool."""

    assignments: tuple[Assignment, ...]
    conflicts: tuple[Conflict, ...]
    free: t.Mapping[str, tuple[Block, ...]]

    def conflict_message(self) -> str:
        """One text for all conflicts: a headline that counts them, then a line each with its remedy."""
        count = len(self.conflicts)
        lines = (f"  - {conflict.message}; remedy: {conflict.remedy}" for conflict in self.conflicts)
        return "\n".join([f"Port plan: {count} conflict{'' if count == 1 else 's'}", *lines])

    def as_dict(self) -> dict[str, t.Any]:
        """The plan as a task returns it."""
        return {
            "assignments": [assignment.as_dict() for assignment in self.assignments],
            "conflicts": [conflict.as_dict() for conflict in self.conflicts],
            "free": [
                {
                    "pool": name,
                    "addresses": [str(block) for block in blocks],
                    "count": sum(block.last - block.first + 1 for block in blocks),
                }
                for name, blocks in self.free.items()
            ],
        }


def plan(
    pools: t.Sequence[Pool],
    services: t.Sequence[Service],
    held: t.Mapping[str, Addresses] | None = None,
    unplanned: t.Sequence[tuple[Service, Addresses]] = (),
) -> PortPlan:
    """Plans every Service.

    Those that ask for addresses come first, then those that hold some (``held``, by Service key) and may keep them,
    then the rest in order, each with what MetalLB would give it; these keep off the addresses of ``unplanned``
    Services. A Service in conflict gets no assignment; with overlapping pools none does, as MetalLB then has no pools.
    """
    allocator = Allocator(pools)
    conflicts = overlapping(pools)
    unusable = bool(conflicts)
    by_key = {service.key: service for service in (*services, *(service for service, _addresses in unplanned))}
    for service in _in_turn(services, held or {}, unplanned, allocator):
        refusals = _planned(allocator, service, (held or {}).get(service.key, ()))
        conflicts += (worded(refusal, service, by_key, pools) for refusal in refusals)
    allocated = {} if unusable else allocator.allocated
    possible = _possible(pools, services, determined=not conflicts)
    assignments = tuple(
        Assignment(service, found.pool, found.addresses, possible(service))
        for service in services
        if (found := allocated.get(service.key))
    )
    return PortPlan(assignments, tuple(conflicts), {pool.name: free_blocks(pool, allocator) for pool in pools})


def free_blocks(pool: Pool, allocator: Allocator) -> tuple[Block, ...]:
    """The addresses of a pool that nobody is on, as the longest possible blocks in ascending order."""
    taken = sorted(address for address in allocator.occupied() if pool.has(address))
    free = []
    for block in sorted(pool.blocks):
        first = block.first
        inside = [address.value for address in taken if block.has(address)]
        kept_back = _kept_back(block) if pool.avoid_buggy_ips else ()
        for value in (*sorted({*inside, *kept_back}), block.last + 1):
            if first < value:
                free.append(Block(block.version, first, value - 1))
            first = value + 1
    return tuple(free)


def _kept_back(block: Block) -> list[int]:
    if block.version != 4:
        return []
    starts = range(block.first & ~0xFF, block.last + 1, 0x100)
    return [value for start in starts for value in (start, start + 0xFF) if block.first <= value <= block.last]


def _in_turn(
    services: t.Sequence[Service],
    held: t.Mapping[str, Addresses],
    unplanned: t.Sequence[tuple[Service, Addresses]],
    allocator: Allocator,
) -> t.Iterator[Service]:
    """The Services in the order of planning; unplanned ones take their addresses before the last group."""
    asking = [service for service in services if service.addresses or service.request_problem]
    rest = [service for service in services if not (service.addresses or service.request_problem)]
    yield from asking
    yield from (service for service in rest if service.key in held)
    for service, addresses in unplanned:
        allocator.assign(service, addresses)
    yield from (service for service in rest if service.key not in held)


def _planned(allocator: Allocator, service: Service, held: Addresses) -> list[Refusal]:
    """Enters the Service into the allocator, or says why it cannot be planned."""
    if not is_handled(service):
        return [Refusal("load_balancer_class")]
    if service.family_policy == "RequireDualStack" and len(service.versions) < 2:
        return [Refusal("family_mismatch")]
    addresses = kept(allocator, service, held)
    if not addresses:
        allocator.release(service.key)
        choice = allocate(allocator, service)
        if choice.refusals:
            return choice.refusals
        addresses = choice.candidates[0]
        allocator.assign(service, addresses)
    if refusal := _unpinnable(allocator, service, addresses):
        allocator.release(service.key)
        return [refusal]
    return []


def _unpinnable(allocator: Allocator, service: Service, addresses: Addresses) -> Refusal | None:
    """Why addresses that MetalLB would give cannot be asked for: PreferDualStack has two traps."""
    pool = allocator.allocated[service.key].pool
    if len(addresses) < len(service.versions):
        return Refusal("second_family_missing", pools=(pool,))
    one_family = service.family_policy == "PreferDualStack" and len(service.versions) == 1
    if one_family and len(allocator.pools[pool].versions) > 1:
        return Refusal("dual_stack_unstable", pools=(pool,))
    return None


def _possible(
    pools: t.Sequence[Pool], services: t.Sequence[Service], *, determined: bool
) -> t.Callable[[Service], tuple[Addresses, ...] | None]:
    """How to find out what each Service may get as declared."""
    if determined and all(service.addresses for service in services):
        return lambda service: (tuple(sorted(service.addresses)),)
    if len(services) > ENUMERATED_SERVICES:
        return lambda _service: None
    try:
        prediction = predict(pools, services, limit=ENUMERATED_STATES)
    except TooManyStatesError:
        return lambda _service: None
    return lambda service: tuple(prediction.of(service.key))
