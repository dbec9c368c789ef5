# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds in every world of pools and Services: plan and prediction agree, and nothing is given twice."""

from __future__ import annotations

import itertools

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan import inputs
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.allocator import Allocator
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.controller import allocate
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.plan import plan
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.simulation import predict
from hypothesis import assume, given, settings
from hypothesis import strategies as st

# Blocks that do not overlap, so that each world picks some of them for its pools.
BLOCKS = [
    *("192.0.2.0/31", "192.0.2.2-192.0.2.4", "192.0.2.8/32", "192.0.2.254-192.0.3.1"),
    *("2001:db8::/127", "2001:db8::8-2001:db8::a"),
]
ADDRESSES = ["192.0.2.0", "192.0.2.1", "192.0.2.3", "192.0.2.255", "198.51.100.1"]
BOTH = [f"{address},2001:db8::{last}" for address in ADDRESSES[:3] for last in (1, 8)]
FAMILIES = [
    {},
    {},
    {"ip_families": ["IPv6"]},
    {"ip_family_policy": "RequireDualStack"},
    {"ip_families": ["IPv6", "IPv4"], "ip_family_policy": "PreferDualStack"},
    {"ip_family_policy": "PreferDualStack"},
]
ALLOCATIONS = [
    {},
    {},
    {"priority": 1},
    {"priority": 0, "namespaces": ["one"]},
    {"priority": 2, "service_selectors": [{"matchLabels": {"tier": "web"}}]},
    {"namespace_selectors": [{"matchLabels": {"kubernetes.io/metadata.name": "two"}}], "priority": 2},
]


@st.composite
def pools(draw):
    blocks = draw(st.permutations(BLOCKS))
    cuts = sorted(draw(st.lists(st.integers(1, len(blocks)), min_size=1, max_size=3, unique=True)))
    return [
        {
            "name": f"pool-{number}",
            "addresses": blocks[start:end],
            "auto_assign": draw(st.sampled_from([True, True, True, False])),
            "avoid_buggy_ips": draw(st.sampled_from([False, False, True])),
            **draw(st.sampled_from(ALLOCATIONS)),
        }
        for number, (start, end) in enumerate(itertools.pairwise([0, *cuts]))
    ]


def services(*, asking, count=4):
    request = {
        "address": st.sampled_from(ADDRESSES + BOTH),
        "pool": st.sampled_from(["pool-0", "pool-1", "pool-2"]),
    }
    one = st.fixed_dictionaries(
        {
            "namespace": st.sampled_from(["one", "two"]),
            "ports": st.lists(st.sampled_from([80, 81, 82]), min_size=1, max_size=2, unique=True).map(
                lambda ports: [{"port": port} for port in ports]
            ),
            "external_traffic_policy": st.sampled_from(["Cluster", "Cluster", "Local"]),
            "selector": st.sampled_from([{"app": "a"}, {"app": "b"}]),
            "labels": st.sampled_from([{}, {"tier": "web"}]),
            "family": st.sampled_from(FAMILIES),
        },
        optional={"sharing_key": st.sampled_from(["k", "k", "m", ""]), **(request if asking else {})},
    )
    return st.lists(one, min_size=1, max_size=count).map(
        lambda found: [
            {"name": f"s{number}", **{key: value for key, value in item.items() if key != "family"}, **item["family"]}
            for number, item in enumerate(found)
        ]
    )


def read(raw_services, raw_pools):
    errors = InputErrors()
    found = inputs.read_services(raw_services, errors)
    labels = inputs.read_namespaces({}, ("one", "two"), errors)
    found_pools = inputs.read_pools(raw_pools, labels, errors)
    assert not errors, errors.message("a generated world")
    return found, found_pools


def planned_services(found):
    return [assignment.planned for assignment in found.assignments]


@settings(max_examples=60, deadline=None)
@given(raw_services=services(asking=True), raw_pools=pools())
def test_what_is_planned_and_annotated_comes_true_in_any_order(raw_services, raw_pools):
    found = plan(*reversed(read(raw_services, raw_pools)))
    assume(found.assignments)
    prediction = predict(read([], raw_pools)[1], planned_services(found))
    wanted = {assignment.service.key: assignment.addresses for assignment in found.assignments}
    assert prediction.settles
    assert len(prediction.outcomes) == 1
    assert prediction.allows(wanted)


@settings(max_examples=120, deadline=None)
@given(raw_services=services(asking=True, count=8), raw_pools=pools())
def test_no_port_is_given_twice_and_only_equal_keys_share(raw_services, raw_pools):
    found = plan(*reversed(read(raw_services, raw_pools)))
    taken = {}
    for assignment in found.assignments:
        service = assignment.service
        assert {address.version for address in assignment.addresses} == set(service.versions)
        for address in assignment.addresses:
            for other in taken.setdefault(address, []):
                assert not set(other.ports) & set(service.ports)
                assert other.sharing == service.sharing
                assert service.sharing_key
            taken[address].append(service)


@settings(max_examples=60, deadline=None)
@given(raw_services=services(asking=True), raw_pools=pools())
def test_a_service_in_conflict_gets_nothing_beside_the_planned_ones(raw_services, raw_pools):
    found_services, found_pools = read(raw_services, raw_pools)
    found = plan(found_pools, found_services)
    unlike_metallb = ("second_family_missing", "dual_stack_unstable")
    refused = {conflict.services[0] for conflict in found.conflicts if conflict.kind not in unlike_metallb}
    annotated = {service.key: service for service in planned_services(found)}
    for service in found_services:
        if service.key in refused:
            order = [[key] for key in (*annotated, service.key)]
            prediction = predict(found_pools, [*annotated.values(), service], order)
            assert prediction.of(service.key) == [()]


@settings(max_examples=40, deadline=None)
@given(raw_services=services(asking=False, count=3), raw_pools=pools(), data=st.data())
def test_every_order_of_creation_ends_in_a_predicted_outcome(raw_services, raw_pools, data):
    found_services, found_pools = read(raw_services, raw_pools)
    at_once = predict(found_pools, found_services)
    assume(at_once.settles)
    order = data.draw(st.permutations([[service.key] for service in found_services]))
    assert predict(found_pools, found_services, order).outcomes <= at_once.outcomes


@settings(max_examples=40, deadline=None)
@given(raw_services=services(asking=False, count=3), raw_pools=pools())
def test_a_plan_without_conflicts_is_one_of_the_outcomes_without_annotations(raw_services, raw_pools):
    found_services, found_pools = read(raw_services, raw_pools)
    found = plan(found_pools, found_services)
    assume(not found.conflicts)
    prediction = predict(found_pools, found_services, [[service.key] for service in found_services])
    assert prediction.allows({assignment.service.key: assignment.addresses for assignment in found.assignments})


@settings(max_examples=60, deadline=None)
@given(raw_services=services(asking=True), raw_pools=pools())
def test_a_restart_changes_nothing_in_a_planned_world(raw_services, raw_pools):
    found_services, found_pools = read(raw_services, raw_pools)
    found = plan(found_pools, found_services)
    status = {assignment.service.key: assignment.addresses for assignment in found.assignments}
    prediction = predict(found_pools, planned_services(found), [], status)
    assert prediction.allows(status)
    assert len(prediction.outcomes) == 1


@settings(max_examples=60, deadline=None)
@given(raw_services=services(asking=True, count=12), raw_pools=pools(), data=st.data())
def test_a_long_lived_allocator_chooses_like_a_new_one(raw_services, raw_pools, data):
    """The cursors that spare a search its refused addresses never hide a free one."""
    found_services, found_pools = read(raw_services, raw_pools)
    allocator = Allocator(found_pools)
    for service in found_services:
        fresh = Allocator(found_pools, allocator.allocated)
        candidates = allocate(allocator, service).candidates
        assert candidates == allocate(fresh, service).candidates
        if candidates:
            assert allocator.assign(service, candidates[0]) == []
        if allocator.allocated and data.draw(st.booleans()):
            allocator.release(data.draw(st.sampled_from(sorted(allocator.allocated))))
