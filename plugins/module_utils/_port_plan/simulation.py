# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What MetalLB may make of a whole world of pools and Services: every outcome that its order of work allows.

The controller works on one Service at a time. Which one comes next is not determined: events of the API arrive in
any order, and a reload walks the Services in any order, save that those with more addresses come first
(controllers.ServiceReconciler.reprocessAll). A Service that got nothing waits for the next reload.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.allocator import (
    Addresses,
    Allocation,
    Allocator,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.controller import (
    Step,
    is_handled,
    process,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.model import Pool, Service, overlaps

Outcome = frozenset[tuple[str, Addresses]]
DEFAULT_LIMIT = 20_000


class TooManyStatesError(Exception):
    """The world has more states than the caller allowed to be looked at."""


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The possible outcomes, each with the addresses of every Service (by key; () for one that waits).

    ``settles`` is False when MetalLB may go on changing addresses for ever; the outcomes are then those it passes
    through.
    """

    outcomes: frozenset[Outcome]
    settles: bool

    def of(self, key: str) -> list[Addresses]:
        """What one Service may get, in the order of the addresses."""
        return sorted({addresses for outcome in self.outcomes for name, addresses in outcome if name == key})

    def allows(self, statuses: t.Mapping[str, Addresses]) -> bool:
        """Whether these addresses, by Service key, are one of the outcomes."""
        return _outcome(statuses) in self.outcomes


@dataclasses.dataclass(frozen=True)
class _State:
    """The status of each Service, the allocator, and the work that lies ahead of the controller."""

    statuses: Outcome = frozenset()
    allocations: frozenset[tuple[str, Allocation]] = frozenset()
    queue: frozenset[str] = frozenset()
    reload: bool = False
    in_reload: tuple[frozenset[str], ...] = ()

    def after(self, key: str, status: Addresses, step: Step) -> _State:
        """The state once ``key`` is processed with this result; a changed status is an event of its own."""
        groups = tuple(rest for group in self.in_reload if (rest := group - {key}))
        queue = self.queue if self.in_reload else self.queue - {key}
        kept = frozenset((name, held) for name, held in self.allocations if name != key)
        return _State(
            self.statuses - {(key, status)} | {(key, step.status)},
            kept | {(key, step.allocation)} if step.allocation else kept,
            queue | {key} if step.status != status else queue,
            self.reload or step.reprocess,
            groups,
        )

    def reloading(self) -> _State:
        """The state at the start of a reload."""
        groups = collections.defaultdict(set)
        for key, addresses in self.statuses:
            groups[-len(addresses)].add(key)
        ordered = tuple(frozenset(groups[size]) for size in sorted(groups))
        return dataclasses.replace(self, reload=False, in_reload=ordered)


class Simulation:
    """MetalLB over time: each method is an event, after which the controller is given time to come to rest.

    ``limit`` bounds the states that one event may lead through; beyond it, TooManyStatesError. Pools that overlap are
    refused as a whole: the controller goes on with those it had, or with none.
    """

    def __init__(self, pools: t.Sequence[Pool], limit: int = DEFAULT_LIMIT) -> None:
        self._limit = limit
        self._wanted = tuple(pools)
        self._pools = () if overlaps(pools) else self._wanted
        self._configured = not overlaps(pools)
        self._services: dict[str, Service] = {}
        self._states = frozenset([_State()])
        self._steps: dict[t.Hashable, list[Step]] = {}
        self._settles = True

    def create(self, services: t.Iterable[Service]) -> None:
        """Services come into being at the same time."""
        added = {service.key: service for service in services}
        self._services |= added
        self._continue(
            dataclasses.replace(
                state,
                statuses=state.statuses | _outcome(dict.fromkeys(added, ())),
                queue=state.queue.union(added),
            )
            for state in self._states
        )

    def start_among(self, services: t.Iterable[Service], status: t.Mapping[str, Addresses]) -> None:
        """The controller starts in a cluster that has these Services, with these addresses by Service key."""
        self._services = {service.key: service for service in services}
        self._states = frozenset([_State(statuses=_outcome(status))])
        self.restart()

    def update(self, service: Service) -> None:
        """A Service changes."""
        self._services[service.key] = service
        self._steps.clear()
        self._continue(dataclasses.replace(state, queue=state.queue | {service.key}) for state in self._states)

    def delete(self, key: str) -> None:
        """A Service goes; the others are processed again if it held something."""
        del self._services[key]
        self._continue(_without(state, key) for state in self._states)

    def restart(self) -> None:
        """The controller starts anew: it reads the pools, then all Services, those with addresses first."""
        self._pools = () if overlaps(self._wanted) else self._wanted
        self._configured = not overlaps(self._wanted)
        self._continue(
            dataclasses.replace(state, allocations=frozenset(), queue=frozenset(), reload=True)
            for state in self._states
        )

    def change_pools(self, pools: t.Sequence[Pool]) -> None:
        """The IPAddressPools change (allocator.SetPools)."""
        self._wanted = tuple(pools)
        if overlaps(pools):
            return
        self._pools, self._configured = self._wanted, True
        self._steps.clear()
        self._continue(
            dataclasses.replace(state, allocations=self._rehomed(state), reload=True) for state in self._states
        )

    def observe(self, statuses: t.Mapping[str, Addresses]) -> None:
        """Keeps only what agrees with the addresses that were seen, by Service key."""
        seen = _outcome(statuses)
        self._states = frozenset(state for state in self._states if state.statuses == seen)

    @property
    def prediction(self) -> Prediction:
        """What may be the case now."""
        return Prediction(frozenset(state.statuses for state in self._states), self._settles)

    def _rehomed(self, state: _State) -> frozenset[tuple[str, Allocation]]:
        allocator = Allocator(self._pools)
        homes = ((key, held, allocator.pool_for(held.addresses)) for key, held in state.allocations)
        return frozenset((key, dataclasses.replace(held, pool=pool.name)) for key, held, pool in homes if pool)

    def _continue(self, states: t.Iterable[_State]) -> None:
        """Follows every path from these states: to states at rest, and to those from which rest cannot be reached."""
        if not self._configured:
            states = (dataclasses.replace(state, queue=frozenset(), reload=False) for state in states)
        origins: dict[_State, list[_State]] = {state: [] for state in states}
        open_states = list(origins)
        at_rest = []
        while open_states:
            state = open_states.pop()
            following = self._following(state)
            if not following:
                at_rest.append(state)
            for next_state in following:
                if next_state not in origins:
                    origins[next_state] = []
                    open_states.append(next_state)
                origins[next_state].append(state)
            if len(origins) > self._limit:
                raise TooManyStatesError(f"more than {self._limit} states")
        restless = set(origins)
        back = list(at_rest)
        while back:
            state = back.pop()
            if state in restless:
                restless.remove(state)
                back += origins[state]
        self._states = frozenset(at_rest) | restless
        self._settles = not restless

    def _following(self, state: _State) -> list[_State]:
        """The states that the controller's next piece of work may lead to; none when it has nothing left to do."""
        waiting = state.in_reload[0] if state.in_reload else state.queue
        statuses = dict(state.statuses)
        following = [state.reloading()] if state.reload and not state.in_reload else []
        for key in sorted(waiting):
            steps = self._steps_of(state, key, statuses[key])
            if self._is_at_rest(state, key, statuses[key], steps):
                return [state.after(key, statuses[key], steps[0])]
            following += (state.after(key, statuses[key], step) for step in steps)
        return following

    def _steps_of(self, state: _State, key: str, status: Addresses) -> list[Step]:
        service = self._services[key]
        if not is_handled(service):
            return [Step(status, None, False)]
        memo = (state.allocations, key, status)
        if memo not in self._steps:
            self._steps[memo] = process(self._pools, dict(state.allocations), service, status)
        return self._steps[memo]

    def _is_at_rest(self, state: _State, key: str, status: Addresses, steps: list[Step]) -> bool:
        """Whether nothing that happens to the others can change this result, so that it need not wait for its turn."""
        if not is_handled(self._services[key]):
            return True
        holds = any(name == key for name, _held in state.allocations)
        grows = self._services[key].family_policy == "PreferDualStack" and len(status) == 1
        return holds and not grows and steps == [Step(status, dict(state.allocations)[key], False)]


def predict(
    pools: t.Sequence[Pool],
    services: t.Sequence[Service],
    order: t.Sequence[t.Collection[str]] | None = None,
    status: t.Mapping[str, Addresses] | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Prediction:
    """What MetalLB makes of these Services.

    Those in ``status`` (Service key to addresses) exist when the controller starts. The others are created in
    ``order``: batches of Service keys, MetalLB coming to rest after each; without it, all at once, in any order.
    Raises TooManyStatesError.
    """
    by_key = {service.key: service for service in services}
    simulation = Simulation(pools, limit)
    if status:
        simulation.start_among((by_key[key] for key in status), status)
    left = [key for key in by_key if key not in (status or {})]
    for batch in [left] if order is None else order:
        simulation.create(by_key[key] for key in batch)
    return simulation.prediction


def _outcome(statuses: t.Mapping[str, Addresses]) -> Outcome:
    return frozenset((key, tuple(sorted(addresses))) for key, addresses in statuses.items())


def _without(state: _State, key: str) -> _State:
    allocations = frozenset((name, held) for name, held in state.allocations if name != key)
    return dataclasses.replace(
        state,
        statuses=frozenset((name, addresses) for name, addresses in state.statuses if name != key),
        allocations=allocations,
        queue=state.queue - {key},
        reload=state.reload or allocations != state.allocations,
    )
