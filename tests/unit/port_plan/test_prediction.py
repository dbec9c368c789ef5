# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model follows MetalLB through creations, deletions, restarts and changes, and names every possible outcome."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.addresses import parse_request
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.simulation import (
    Simulation,
    TooManyStatesError,
    predict,
)

PAIR = "192.0.2.240/31"
FIRST, SECOND = parse_request("192.0.2.240"), parse_request("192.0.2.241")
SIX = parse_request("2001:db8::")


@pytest.fixture
def outcomes(read_world):
    """The possible outcomes, each as a dictionary of Service name to addresses as texts."""

    def build(services, pools, order=None, status=None):
        found, found_pools = read_world(services, pools)
        prediction = predict(found_pools, found, order, status)
        assert prediction.settles
        return shown(prediction)

    return build


def shown(prediction):
    """Outcomes as sorted lists of name=addresses."""
    return sorted(
        sorted(f"{key.removeprefix('lab/')}={'+'.join(map(str, addresses)) or '-'}" for key, addresses in outcome)
        for outcome in prediction.outcomes
    )


def test_services_that_ask_for_nothing_get_addresses_in_any_order(outcomes, service, pool):
    assert outcomes([service("a"), service("b")], [pool("lab", PAIR)]) == [
        ["a=192.0.2.240", "b=192.0.2.241"],
        ["a=192.0.2.241", "b=192.0.2.240"],
    ]


def test_a_known_order_of_creation_leaves_one_outcome(outcomes, service, pool):
    order = [["lab/b"], ["lab/a"]]
    assert outcomes([service("a"), service("b")], [pool("lab", PAIR)], order) == [["a=192.0.2.241", "b=192.0.2.240"]]


def test_of_two_services_on_one_port_whichever_comes_first_wins(outcomes, service, pool):
    services = [service("a", address="192.0.2.240"), service("b", address="192.0.2.240")]
    assert outcomes(services, [pool("lab", PAIR)]) == [["a=-", "b=192.0.2.240"], ["a=192.0.2.240", "b=-"]]


def test_a_lower_free_address_is_taken_before_a_higher_shared_one(outcomes, service, pool):
    services = [service("a", 80, address="192.0.2.241", sharing_key="k"), service("b", 81, sharing_key="k")]
    order = [["lab/a"], ["lab/b"]]
    assert outcomes(services, [pool("lab", PAIR)], order) == [["a=192.0.2.241", "b=192.0.2.240"]]


def test_a_shared_address_is_taken_before_a_higher_free_one(outcomes, service, pool):
    services = [service("a", 80, sharing_key="k"), service("b", 81, sharing_key="k"), service("c", 80, sharing_key="k")]
    order = [["lab/a"], ["lab/b"], ["lab/c"]]
    assert outcomes(services, [pool("lab", PAIR)], order) == [["a=192.0.2.240", "b=192.0.2.240", "c=192.0.2.241"]]


def test_the_blocks_of_a_pool_are_tried_as_they_are_written(outcomes, service, pool):
    assert outcomes([service("a")], [pool("lab", "192.0.2.9/32", "192.0.2.1/32")]) == [["a=192.0.2.9"]]


def test_pools_without_a_priority_are_tried_in_any_order(outcomes, service, pool):
    pools = [pool("one", "192.0.2.1/32"), pool("two", "192.0.2.2/32")]
    assert outcomes([service("a")], pools) == [["a=192.0.2.1"], ["a=192.0.2.2"]]


def test_pools_with_a_service_allocation_are_tried_by_priority_with_0_last(outcomes, service, pool):
    pools = [
        pool("common", "192.0.2.1/32"),
        pool("last", "192.0.2.2/32", priority=0),
        pool("second", "192.0.2.3/32", namespaces=["lab"], priority=20),
        pool("first", "192.0.2.4/32", namespaces=["lab"], priority=3),
        pool("other", "192.0.2.5/32", namespaces=["other"], priority=1),
        pool("asked", "192.0.2.6/32", namespaces=["lab"], priority=1, auto_assign=False),
    ]
    names = "abcde"
    wanted = ["a=192.0.2.4", "b=192.0.2.3", "c=192.0.2.2", "d=192.0.2.1", "e=-"]
    assert outcomes([service(name) for name in names], pools, [[f"lab/{name}"] for name in names]) == [wanted]


def test_pools_of_equal_priority_are_tried_in_any_order(outcomes, service, pool):
    pools = [pool("one", "192.0.2.1/32", priority=1), pool("two", "192.0.2.2/32", priority=1)]
    assert outcomes([service("a")], pools) == [["a=192.0.2.1"], ["a=192.0.2.2"]]


def test_prefer_dual_stack_takes_a_whole_pool_before_a_first_one_with_half(outcomes, service, pool):
    dual = service("a", ip_families=["IPv6", "IPv4"], ip_family_policy="PreferDualStack")
    half = pool("half", "192.0.2.1/32", priority=1)
    assert outcomes([dual], [half, pool("both", "192.0.2.2/32", "2001:db8::/128", priority=2)]) == [
        ["a=192.0.2.2+2001:db8::"]
    ]
    assert outcomes([dual], [half, pool("six", "2001:db8::/128", priority=2)]) == [["a=2001:db8::"]]


def test_prefer_dual_stack_gains_its_second_family_when_it_becomes_free(read_world, service, pool):
    dual = {"ip_families": ["IPv4", "IPv6"], "ip_family_policy": "PreferDualStack"}
    services, pools = read_world(
        [service("six", ip_families=["IPv6"]), service("a", **dual)],
        [pool("both", "192.0.2.240/32", "2001:db8::/128")],
    )
    simulation = Simulation(pools)
    simulation.create(services[:1])
    simulation.create(services[1:])
    assert shown(simulation.prediction) == [["a=192.0.2.240", "six=2001:db8::"]]
    simulation.delete("lab/six")
    assert shown(simulation.prediction) == [["a=192.0.2.240+2001:db8::"]]


def test_prefer_dual_stack_on_one_family_in_a_pool_of_both_does_not_settle(read_world, service, pool):
    services, pools = read_world(
        [service("a", ip_family_policy="PreferDualStack")], [pool("both", PAIR, "2001:db8::/128")]
    )
    prediction = predict(pools, services)
    assert not prediction.settles
    assert {FIRST, FIRST + SIX} <= set(prediction.of("lab/a"))


def test_a_waiting_service_gets_what_a_deleted_one_leaves(read_world, service, pool):
    services, pools = read_world([service("a"), service("b"), service("c")], [pool("lab", PAIR)])
    simulation = Simulation(pools)
    for one in services:
        simulation.create([one])
    assert shown(simulation.prediction) == [["a=192.0.2.240", "b=192.0.2.241", "c=-"]]
    simulation.delete("lab/a")
    assert shown(simulation.prediction) == [["b=192.0.2.241", "c=192.0.2.240"]]


def test_services_with_addresses_keep_them_over_a_restart(read_world, service, pool):
    services, pools = read_world([service("a"), service("b"), service("c")], [pool("lab", PAIR)])
    prediction = predict(pools, services, [], {"lab/a": (), "lab/b": FIRST, "lab/c": SECOND})
    assert shown(prediction) == [["a=-", "b=192.0.2.240", "c=192.0.2.241"]]


def test_after_a_restart_a_service_whose_address_is_gone_may_take_anothers(read_world, service, pool):
    services, pools = read_world([service("a"), service("b")], [pool("lab", PAIR)])
    prediction = predict(pools, services, [], {"lab/a": parse_request("198.51.100.1"), "lab/b": FIRST})
    assert shown(prediction) == [["a=192.0.2.240", "b=192.0.2.241"], ["a=192.0.2.241", "b=192.0.2.240"]]


def test_a_running_controller_moves_only_the_service_whose_address_is_gone(read_world, service, pool):
    services, pools = read_world([service("a"), service("b")], [pool("lab", PAIR)])
    simulation = Simulation(pools)
    simulation.create(services[:1])
    simulation.create(services[1:])
    _same, shrunk = read_world([], [pool("lab", "192.0.2.241/32", "192.0.2.250/32")])
    simulation.change_pools(shrunk)
    assert shown(simulation.prediction) == [["a=192.0.2.250", "b=192.0.2.241"]]


def test_overlapping_pools_leave_a_running_controller_with_its_old_ones(read_world, service, pool):
    services, pools = read_world([service("a"), service("b")], [pool("lab", PAIR)])
    _same, overlapping = read_world([], [pool("lab", PAIR), pool("more", "192.0.2.241/32")])
    simulation = Simulation(pools)
    simulation.create(services[:1])
    simulation.change_pools(overlapping)
    simulation.create(services[1:])
    assert shown(simulation.prediction) == [["a=192.0.2.240", "b=192.0.2.241"]]
    simulation.restart()
    assert shown(simulation.prediction) == [["a=192.0.2.240", "b=192.0.2.241"]]
    assert shown(predict(overlapping, services)) == [["a=-", "b=-"]]


def test_without_any_pool_left_every_address_is_withdrawn(read_world, service, pool):
    services, pools = read_world([service("a")], [pool()])
    simulation = Simulation(pools)
    simulation.create(services)
    simulation.change_pools([])
    assert shown(simulation.prediction) == [["a=-"]]


def test_a_changed_request_moves_a_service_and_wakes_nobody(read_world, service, pool):
    services, pools = read_world(
        [service("a", address="192.0.2.240"), service("b", address="192.0.2.240")], [pool("lab", PAIR)]
    )
    simulation = Simulation(pools)
    simulation.create(services[:1])
    simulation.create(services[1:])
    simulation.update(dataclasses.replace(services[0], addresses=SECOND))
    assert shown(simulation.prediction) == [["a=192.0.2.241", "b=-"]]
    simulation.restart()
    assert shown(simulation.prediction) == [["a=192.0.2.241", "b=192.0.2.240"]]


def test_a_request_that_cannot_be_read_leaves_the_address_in_place(read_world, service, pool):
    services, pools = read_world([service("a")], [pool("lab", PAIR)])
    simulation = Simulation(pools)
    simulation.create(services)
    simulation.update(dataclasses.replace(services[0], request_problem="malformed_request"))
    assert shown(simulation.prediction) == [["a=192.0.2.240"]]


def test_the_only_service_on_an_address_may_change_its_sharing_key(read_world, service, pool):
    services, pools = read_world([service("a", 80, sharing_key="k")], [pool("lab", PAIR)])
    simulation = Simulation(pools)
    simulation.create(services)
    changed = dataclasses.replace(services[0], sharing_key="other")
    simulation.update(changed)
    assert shown(simulation.prediction) == [["a=192.0.2.240"]]


def test_one_of_two_services_on_an_address_loses_it_with_another_sharing_key(read_world, service, pool):
    services, pools = read_world([service("a", 80, sharing_key="k"), service("b", 81, sharing_key="k")], [pool()])
    simulation = Simulation(pools)
    simulation.create(services[:1])
    simulation.create(services[1:])
    simulation.update(dataclasses.replace(services[1], sharing_key="other"))
    assert shown(simulation.prediction) == [["a=192.0.2.240", "b=192.0.2.241"]]


def test_a_service_of_another_class_is_left_alone(outcomes, service, pool):
    services = [service("a", load_balancer_class="other.io/lb")]
    assert outcomes(services, [pool()]) == [["a=-"]]
    assert outcomes(services, [pool()], [], {"lab/a": FIRST}) == [["a=192.0.2.240"]]


def test_what_was_observed_narrows_what_may_follow(read_world, service, pool):
    services, pools = read_world([service("a"), service("b")], [pool("lab", PAIR)])
    simulation = Simulation(pools)
    simulation.create(services)
    simulation.observe({"lab/a": SECOND, "lab/b": FIRST})
    simulation.delete("lab/b")
    assert shown(simulation.prediction) == [["a=192.0.2.241"]]


def test_a_world_with_too_many_states_is_refused(read_world, service, pool):
    services, pools = read_world([service(f"s{number}") for number in range(6)], [pool()])
    with pytest.raises(TooManyStatesError):
        predict(pools, services, limit=50)


def test_a_prediction_tells_whether_it_allows_what_was_seen(read_world, service, pool):
    services, pools = read_world([service("a"), service("b")], [pool("lab", PAIR)])
    prediction = predict(pools, services)
    assert prediction.allows({"lab/b": FIRST, "lab/a": SECOND})
    assert not prediction.allows({"lab/b": FIRST, "lab/a": ()})
    assert prediction.of("lab/a") == [FIRST, SECOND]


def test_another_pool_named_later_moves_the_service(read_world, service, pool):
    services, pools = read_world(
        [service("a")], [pool("lab", PAIR), pool("asked", "198.51.100.0/30", auto_assign=False)]
    )
    simulation = Simulation(pools)
    simulation.create(services)
    simulation.update(dataclasses.replace(services[0], pool="asked"))
    assert shown(simulation.prediction) == [["a=198.51.100.0"]]


def test_a_changed_sharing_key_wakes_a_service_that_waits_for_it(read_world, service, pool):
    services, pools = read_world(
        [service("a", 80, sharing_key="k"), service("b", 81, sharing_key="other")], [pool("lab", "192.0.2.240/32")]
    )
    simulation = Simulation(pools)
    simulation.create(services[:1])
    simulation.create(services[1:])
    assert shown(simulation.prediction) == [["a=192.0.2.240", "b=-"]]
    simulation.update(dataclasses.replace(services[0], sharing_key="other"))
    assert shown(simulation.prediction) == [["a=192.0.2.240", "b=192.0.2.240"]]


def test_a_service_that_loses_its_address_wakes_those_who_wait(read_world, service, pool):
    services, pools = read_world([service("a"), service("b")], [pool("lab", "192.0.2.240/32")])
    simulation = Simulation(pools)
    simulation.create(services[:1])
    simulation.create(services[1:])
    simulation.update(dataclasses.replace(services[0], addresses=parse_request("10.0.0.1")))
    assert shown(simulation.prediction) == [["a=-", "b=192.0.2.240"]]


def test_require_dual_stack_with_cluster_ips_of_one_family_waits(read_world, service, pool):
    services, pools = read_world([service("a")], [pool("lab", PAIR, "2001:db8::/128")])
    prediction = predict(pools, [dataclasses.replace(services[0], family_policy="RequireDualStack")])
    assert shown(prediction) == [["a=-"]]
