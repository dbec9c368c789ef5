# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which address MetalLB v0.15.2 gives a Service: a model of its internal/allocator.

Where upstream walks a Go map, or sorts pools that compare equal, its choice is not determined: here every possible
choice comes back, in the order in which the pools were declared. Pools of equal priority count as not determined
although upstream's sort happens to keep some of them in order: its documentation calls that choice random.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.addresses import Address
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.model import Pool, Port, Service

Addresses = tuple[Address, ...]


class Refusal(t.NamedTuple):
    """Why a Service does not get something: ``others`` are the Services in its way, ``pools`` those concerned."""

    kind: str
    address: Address | None = None
    port: Port | None = None
    others: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()


class Choice(t.NamedTuple):
    """What MetalLB may give a Service: one candidate where its choice is determined, none but reasons if nothing."""

    candidates: list[Addresses]
    refusals: list[Refusal]


@dataclasses.dataclass(frozen=True)
class Allocation:
    """What a Service holds, with the ports and the keys under which it was given."""

    pool: str
    addresses: Addresses
    ports: tuple[Port, ...]
    sharing: tuple[str, str]


@dataclasses.dataclass
class _Occupant:
    """Who is on one address; ``services`` is a dict for its order."""

    sharing: tuple[str, str]
    ports: dict[Port, str] = dataclasses.field(default_factory=dict)
    services: dict[str, None] = dataclasses.field(default_factory=dict)


class Allocator:
    """The pools and what is allocated out of them; ``allocations`` (by Service key) are taken as they are."""

    def __init__(self, pools: t.Iterable[Pool], allocations: t.Mapping[str, Allocation] | None = None) -> None:
        self.pools = {pool.name: pool for pool in pools}
        self.allocated: dict[str, Allocation] = {}
        self._occupants: dict[Address, _Occupant] = {}
        self._cursors: dict[t.Hashable, tuple[int, int]] = {}
        for key, allocation in (allocations or {}).items():
            self._enter(key, allocation)

    def pool_for(self, addresses: t.Iterable[Address]) -> Pool | None:
        """The one pool that has all the addresses (allocator.poolFor)."""
        wanted = list(addresses)
        return next((pool for pool in self.pools.values() if all(pool.has(address) for address in wanted)), None)

    def refusals(self, service: Service, address: Address) -> t.Iterator[Refusal]:
        """Why the Service may not join those who are on the address (allocator.checkSharing); nothing if it may.

        Every port in the way is named; the sharing keys only where no port is.
        """
        occupant = self._occupants.get(address)
        if occupant is None:
            return
        clash = False
        for port in service.ports:
            holder = occupant.ports.get(port, service.key)
            if holder != service.key:
                clash = True
                yield Refusal("port_taken", address, port, (holder,))
        other = next((key for key in occupant.services if key != service.key), None)
        kind = _sharing_refusal(occupant.sharing, service.sharing)
        if kind and other and not clash:
            yield Refusal(kind, address, None, (other,))

    def assign(self, service: Service, addresses: Addresses) -> list[Refusal]:
        """Gives the Service these addresses (allocator.Assign), or says why not and leaves what it holds."""
        pool = self.pool_for(addresses)
        if pool is None:
            outside = next((address for address in addresses if not self.pool_for([address])), None)
            return [Refusal("address_outside_pools" if outside else "addresses_in_two_pools", outside)]
        if not pool.allows(service):
            return [Refusal("pool_not_allowed", addresses[0], pools=(pool.name,))]
        found = [refusal for address in addresses for refusal in self.refusals(service, address)]
        if not found:
            self.release(service.key)
            self._enter(service.key, Allocation(pool.name, addresses, service.ports, service.sharing))
        return found

    def release(self, key: str) -> None:
        """Frees what a Service holds, if anything (allocator.Unassign)."""
        allocation = self.allocated.pop(key, None)
        if allocation is None:
            return
        self._cursors.clear()
        for address in allocation.addresses:
            occupant = self._occupants[address]
            occupant.services.pop(key)
            for port in allocation.ports:
                occupant.ports.pop(port)
            if not occupant.services:
                self._occupants.pop(address)

    def allocate_from(self, service: Service, pool_name: str) -> Choice:
        """What the Service gets out of the pool that it names (allocator.AllocateFromPool); autoAssign is ignored."""
        pool = self.pools.get(pool_name)
        if pool is None:
            return Choice([], [Refusal("unknown_pool", pools=(pool_name,))])
        addresses = self._fit(service, pool)
        if not addresses:
            return Choice([], [self._nothing_left(service, [pool])])
        if not pool.allows(service):
            return Choice([], [Refusal("pool_not_allowed", pools=(pool_name,))])
        return Choice([addresses], [])

    def allocate(self, service: Service) -> Choice:
        """What the Service gets when it names neither address nor pool (allocator.Allocate).

        Pools with serviceAllocation come first, by priority; then those without. Both need autoAssign.
        """
        automatic = [pool for pool in self.pools.values() if pool.auto_assign]
        pinned: dict[int, list[Pool]] = {}
        for pool in automatic:
            if pool.allocation and pool.allocation.pins(service):
                pinned.setdefault(pool.allocation.priority, []).append(pool)
        common = [pool for pool in automatic if pool.allocation is None]
        tiers = [pinned[priority] for priority in sorted(pinned, key=lambda priority: (priority == 0, priority))]
        candidates = self._best(service, tiers) or self._best(service, [common])
        if candidates:
            return Choice(candidates, [])
        return Choice([], [self._nothing_left(service, [pool for tier in [*tiers, common] for pool in tier])])

    def first_fit(self, service: Service, pool: Pool, version: int) -> Address | None:
        """The first address of one family that the Service may have (allocator.getIPFromCIDR over the pool's CIDRs).

        Requests that are refused alike share a cursor: until something is released, what was refused once stays
        refused, and a search need not start at the front again.
        """
        shares = bool(service.sharing[0])
        request = (pool.name, version, service.sharing if shares else None, service.ports if shares else None)
        blocks = [block for block in pool.blocks if block.version == version]
        start, value = self._cursors.get(request, (0, blocks[0].first if blocks else 0))
        for index in range(start, len(blocks)):
            block = blocks[index]
            for candidate in range(value if index == start else block.first, block.last + 1):
                address = Address(version, candidate)
                if not pool.avoids(address) and next(self.refusals(service, address), None) is None:
                    self._cursors[request] = (index, candidate)
                    return address
        self._cursors[request] = (len(blocks), 0)
        return None

    def occupied(self) -> t.KeysView[Address]:
        """The addresses that somebody is on."""
        return self._occupants.keys()

    def _enter(self, key: str, allocation: Allocation) -> None:
        self.allocated[key] = allocation
        for address in allocation.addresses:
            occupant = self._occupants.setdefault(address, _Occupant(allocation.sharing))
            occupant.sharing = allocation.sharing
            occupant.services[key] = None
            occupant.ports.update(dict.fromkeys(allocation.ports, key))

    def _fit(self, service: Service, pool: Pool) -> Addresses:
        """The addresses that one pool gives (allocator.getFreeIPsFromPool, selectIPsForFamilyAndPolicy); () if none."""
        found = {version: self.first_fit(service, pool, version) for version in service.versions}
        addresses = tuple(address for address in (found.get(4), found.get(6)) if address)
        whole = len(addresses) == len(service.versions)
        return addresses if whole else addresses[:1] if service.family_policy == "PreferDualStack" else ()

    def _best(self, service: Service, tiers: list[list[Pool]]) -> list[Addresses]:
        """The choices of allocator.findBestPoolForService, for tiers of pools that are tried in unknown order.

        A pool that has every family wins over all others; else, with PreferDualStack, the first that has the
        Service's first family, else the first that has its second.
        """
        fits = [[addresses for pool in tier if (addresses := self._fit(service, pool))] for tier in tiers]
        for versions in (set(service.versions), *({version} for version in service.versions)):
            for tier in fits:
                if chosen := [fit for fit in tier if {address.version for address in fit} == versions]:
                    return list(dict.fromkeys(chosen))
        return []

    def _nothing_left(self, service: Service, pools: list[Pool]) -> Refusal:
        """Why these pools give nothing: the Services on their first addresses, and how one of them is in the way."""
        names = tuple(pool.name for pool in pools)
        if not pools:
            return Refusal("no_pool")
        missing = {version for version in service.versions if not any(version in pool.versions for pool in pools)}
        if missing and (len(missing) == len(service.versions) or service.family_policy == "RequireDualStack"):
            return Refusal("family_mismatch", pools=names)
        found = [refusal for address in _first(pools, service) for refusal in self.refusals(service, address)]
        others = tuple(dict.fromkeys(key for refusal in found for key in refusal.others))
        return Refusal("pool_exhausted", *(found[0][1:3] if found else (None, None)), others, names)


def _first(pools: list[Pool], service: Service) -> t.Iterator[Address]:
    """A few addresses of each block: enough to show who is in the way."""
    for pool in pools:
        for block in pool.blocks:
            if block.version in service.versions:
                yield from (Address(block.version, value) for value in range(block.first, block.last + 1)[:4])


def _sharing_refusal(existing: tuple[str, str], new: tuple[str, str]) -> str:
    """Upstream: allocator.sharingOK."""
    if not existing[0] or not new[0]:
        return "sharing_key_missing"
    if existing[0] != new[0]:
        return "sharing_key_different"
    return "" if existing[1] == new[1] else "traffic_policy"
