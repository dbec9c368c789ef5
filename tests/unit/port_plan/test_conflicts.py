# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of conflict is found, with the names of those concerned and a remedy."""

from __future__ import annotations

import pytest

FIRST = "192.0.2.240"


def kinds(plan):
    return [conflict["kind"] for conflict in plan["conflicts"]]


def assigned(plan):
    return {one["service"]: one["addresses"] for one in plan["assignments"]}


def test_the_default_lab_has_no_conflict_and_leaves_the_other_addresses_free(plan_of, service, pool):
    consoles = {"argocd": 30080, "grafana": 3000, "kiali": 20001, "jaeger": 16686}
    services = [service("gateway", 80, 443, address=FIRST, external_traffic_policy="Local")]
    services += [service(name, port, address="192.0.2.241", sharing_key="consoles") for name, port in consoles.items()]
    plan = plan_of(services, [pool()])
    assert plan["conflicts"] == []
    assert assigned(plan) == {"lab/gateway": [FIRST], **{f"lab/{name}": ["192.0.2.241"] for name in consoles}}
    assert plan["free"] == [{"pool": "lab", "addresses": ["192.0.2.242-192.0.2.249"], "count": 8}]
    assert plan["assignments"][1]["annotations"] == {
        "metallb.io/loadBalancerIPs": "192.0.2.241",
        "metallb.io/allow-shared-ip": "consoles",
    }
    assert all(one["determined"] for one in plan["assignments"])


def test_second_service_on_a_taken_port_is_reported_with_both_names_and_a_remedy(plan_of, service, pool):
    services = [service("istio", address=FIRST), service("grafana", address=FIRST)]
    plan = plan_of(services, [pool()])
    (conflict,) = plan["conflicts"]
    assert conflict == {
        "kind": "port_taken",
        "services": ["lab/grafana", "lab/istio"],
        "pools": [],
        "address": FIRST,
        "port": 80,
        "protocol": "TCP",
        "message": f"lab/grafana and lab/istio both want port 80/TCP on {FIRST}",
        "remedy": "give one of them another address, or another port and the same sharing_key",
    }
    assert assigned(plan) == {"lab/istio": [FIRST]}


def test_two_services_on_port_80_of_a_one_address_pool_are_refused_with_both_names(plan_of, service, pool):
    services = [service("istio", sharing_key="web"), service("grafana", sharing_key="web")]
    plan = plan_of(services, [pool("lab", f"{FIRST}/32")])
    (conflict,) = plan["conflicts"]
    assert conflict["kind"] == "pool_exhausted"
    assert conflict["services"] == ["lab/grafana", "lab/istio"]
    assert (conflict["address"], conflict["port"], conflict["protocol"]) == (FIRST, 80, "TCP")
    assert "lab/istio (port 80/TCP on 192.0.2.240)" in conflict["message"]
    assert conflict["remedy"].startswith("add addresses to the pool")


def test_every_taken_port_is_named(plan_of, service, pool):
    services = [service("a", 80, 443, address=FIRST), service("b", 443, 80, 8080, address=FIRST)]
    assert [conflict["port"] for conflict in plan_of(services, [pool()])["conflicts"]] == [443, 80]


def test_the_same_number_of_another_protocol_is_another_port(plan_of, service, pool):
    services = [
        service("a", 53, address=FIRST, sharing_key="dns"),
        service("b", {"port": 53, "protocol": "UDP"}, address=FIRST, sharing_key="dns"),
    ]
    assert kinds(plan_of(services, [pool()])) == []


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ({}, {}, "sharing_key_missing"),
        ({"sharing_key": "a"}, {}, "sharing_key_missing"),
        ({"sharing_key": "a"}, {"sharing_key": ""}, "sharing_key_empty"),
        ({"sharing_key": "a"}, {"sharing_key": "b"}, "sharing_key_different"),
    ],
)
def test_an_address_is_shared_only_under_the_same_key(plan_of, service, pool, first, second, kind):
    services = [service("a", 80, address=FIRST, **first), service("b", 81, address=FIRST, **second)]
    plan = plan_of(services, [pool()])
    assert kinds(plan) == [kind]
    assert plan["conflicts"][0]["services"] == ["lab/b", "lab/a"]
    assert "same sharing_key" in plan["conflicts"][0]["remedy"]


@pytest.mark.parametrize(
    ("policies", "selectors", "shared"),
    [
        (("Local", "Local"), ({"app": "a"}, {"app": "a"}), True),
        (("Local", "Local"), ({"app": "a"}, {"app": "b"}), False),
        (("Local", "Cluster"), ({"app": "a"}, {"app": "a"}), False),
        (("Local", "Cluster"), ({}, {"app": "a"}), True),
        (("Cluster", "Cluster"), ({"app": "a"}, {"app": "b"}), True),
    ],
)
def test_with_the_policy_local_only_equal_selectors_share(plan_of, service, pool, policies, selectors, shared):
    services = [
        service(name, port, address=FIRST, sharing_key="k", external_traffic_policy=policy, selector=selector)
        for name, port, policy, selector in zip("ab", (80, 81), policies, selectors, strict=True)
    ]
    assert kinds(plan_of(services, [pool()])) == ([] if shared else ["traffic_policy"])


def test_an_address_outside_every_pool_is_refused_with_the_pools(plan_of, service, pool):
    plan = plan_of([service("a", address="192.0.2.9")], [pool()])
    (conflict,) = plan["conflicts"]
    assert conflict["kind"] == "address_outside_pools"
    assert "lab: 192.0.2.240-192.0.2.249" in conflict["message"]


def test_an_address_that_the_pool_keeps_back_is_refused_with_the_reason(plan_of, service, pool):
    plan = plan_of([service("a", address="198.51.100.0")], [pool("b", "198.51.100.0/30", avoid_buggy_ips=True)])
    assert kinds(plan) == ["address_outside_pools"]
    assert "avoid_buggy_ips" in plan["conflicts"][0]["message"]


def test_overlapping_pools_are_reported_and_nothing_is_assigned(plan_of, service, pool):
    plan = plan_of([service("a")], [pool("one", "192.0.2.0/28"), pool("two", "192.0.2.15-192.0.2.20")])
    (conflict,) = plan["conflicts"]
    assert (conflict["kind"], conflict["pools"]) == ("overlapping_pools", ["one", "two"])
    assert conflict["address"] == "192.0.2.15"
    assert plan["assignments"] == []


def test_a_pool_that_overlaps_itself_is_reported(plan_of, pool):
    assert kinds(plan_of([], [pool("one", "192.0.2.0/28", "192.0.2.4/30")])) == ["overlapping_pools"]


def test_a_block_behind_a_short_one_still_overlaps_the_long_one_before(plan_of, pool):
    plan = plan_of([], [pool("a", "192.0.2.0/24"), pool("b", "192.0.2.1/32"), pool("c", "192.0.2.200/32")])
    assert [conflict["pools"] for conflict in plan["conflicts"]] == [["a", "b"], ["a", "c"]]


def test_an_exhausted_pool_names_those_who_hold_it(plan_of, service, pool):
    plan = plan_of([service("a"), service("b", 81), service("c")], [pool("lab", "192.0.2.240/31")])
    (conflict,) = plan["conflicts"]
    assert (conflict["kind"], conflict["services"]) == ("pool_exhausted", ["lab/c", "lab/a", "lab/b"])


def test_an_annotation_beside_load_balancer_ip_is_refused(plan_of, service, pool):
    plan = plan_of([service("a", address=FIRST, load_balancer_ip=FIRST)], [pool()])
    assert kinds(plan) == ["requested_twice"]


def test_a_load_balancer_ip_alone_is_planned_without_an_annotation_of_its_own(plan_of, service, pool):
    plan = plan_of([service("a", load_balancer_ip=FIRST, sharing_key="k")], [pool()])
    assert assigned(plan) == {"lab/a": [FIRST]}
    assert plan["assignments"][0]["annotations"] == {"metallb.io/allow-shared-ip": "k"}


@pytest.mark.parametrize(
    "options",
    [
        {"address": "2001:db8::1"},
        {"address": FIRST, "ip_families": ["IPv6"]},
        {"address": FIRST, "ip_families": ["IPv4", "IPv6"], "ip_family_policy": "PreferDualStack"},
        {"address": f"{FIRST},2001:db8::1"},
        {"ip_families": ["IPv6"], "pool": "four"},
        {"pool": "four", "ip_family_policy": "RequireDualStack"},
    ],
)
def test_addresses_of_other_families_than_the_cluster_ips_are_refused(plan_of, service, pool, options):
    pools = [pool("lab", f"{FIRST}/30", "2001:db8::/120"), pool("four", "198.51.100.0/30")]
    assert kinds(plan_of([service("a", **options)], pools)) == ["family_mismatch"]


def test_dual_stack_takes_one_address_of_each_family_from_one_pool(plan_of, service, pool):
    pools = [pool("four", "198.51.100.0/30"), pool("both", "192.0.2.240/30", "2001:db8::/120")]
    plan = plan_of([service("a", ip_family_policy="RequireDualStack")], pools)
    assert assigned(plan) == {"lab/a": ["192.0.2.240", "2001:db8::"]}
    assert plan["assignments"][0]["annotations"] == {"metallb.io/loadBalancerIPs": "192.0.2.240,2001:db8::"}


def test_addresses_in_two_pools_are_refused(plan_of, service, pool):
    pools = [pool("four", "192.0.2.240/30"), pool("six", "2001:db8::/120")]
    wanted = service("a", address="192.0.2.240,2001:db8::1", ip_family_policy="RequireDualStack")
    assert kinds(plan_of([wanted], pools)) == ["addresses_in_two_pools"]


def test_prefer_dual_stack_with_one_family_left_cannot_be_pinned(plan_of, service, pool):
    wanted = service("a", ip_families=["IPv4", "IPv6"], ip_family_policy="PreferDualStack")
    assert kinds(plan_of([wanted], [pool()])) == ["second_family_missing"]


def test_prefer_dual_stack_on_one_family_in_a_pool_of_both_never_comes_to_rest(plan_of, service, pool):
    wanted = service("a", ip_family_policy="PreferDualStack")
    assert kinds(plan_of([wanted], [pool("both", "192.0.2.240/30", "2001:db8::/120")])) == ["dual_stack_unstable"]
    assert kinds(plan_of([wanted], [pool()])) == []


@pytest.mark.parametrize("wanted", [{"address": FIRST}, {"pool": "closed"}])
@pytest.mark.parametrize(
    "rule",
    [
        {"namespaces": ["other"]},
        {"namespace_selectors": [{"matchLabels": {"kubernetes.io/metadata.name": "other"}}]},
        {"service_selectors": [{"matchLabels": {"tier": "web"}}]},
        {"namespaces": ["lab"], "service_selectors": [{"matchExpressions": [{"key": "tier", "operator": "Exists"}]}]},
    ],
)
def test_a_pool_for_others_is_refused_however_it_is_asked_for(plan_of, service, pool, wanted, rule):
    plan = plan_of([service("a", **wanted)], [pool("closed", **rule)], {"other": {}})
    assert kinds(plan) == ["pool_not_allowed"]
    assert plan["conflicts"][0]["pools"] == ["closed"]


def test_namespace_selectors_that_match_nothing_exclude_nobody_who_asks(plan_of, service, pool):
    closed = pool("closed", namespace_selectors=[{"matchLabels": {"team": "none"}}])
    assert kinds(plan_of([service("a", address=FIRST)], [closed])) == []
    assert kinds(plan_of([service("a")], [closed])) == ["no_pool"]


def test_a_pool_without_auto_assign_serves_only_those_who_ask(plan_of, service, pool):
    closed = pool("closed", auto_assign=False)
    assert kinds(plan_of([service("a")], [closed])) == ["no_pool"]
    assert assigned(plan_of([service("a", pool="closed")], [closed])) == {"lab/a": [FIRST]}


def test_an_unknown_pool_is_refused_with_the_known_ones(plan_of, service, pool):
    plan = plan_of([service("a", pool="lob")], [pool(), pool("other", "198.51.100.0/30")])
    assert kinds(plan) == ["unknown_pool"]
    assert plan["conflicts"][0]["remedy"] == "use one of: lab, other"


def test_an_address_of_another_pool_than_the_one_named_is_refused(plan_of, service, pool):
    plan = plan_of([service("a", address=FIRST, pool="other")], [pool(), pool("other", "198.51.100.0/30")])
    assert kinds(plan) == ["pool_mismatch"]


def test_a_service_of_another_load_balancer_class_is_not_planned(plan_of, service, pool):
    plan = plan_of([service("a", address=FIRST, load_balancer_class="other.io/lb")], [pool()])
    assert kinds(plan) == ["load_balancer_class"]
    assert plan["assignments"] == []


def test_conflicts_of_several_services_are_reported_together(plan_of, service, pool):
    services = [service("a", address="10.0.0.1"), service("b", pool="x"), service("c", address=FIRST)]
    services += [service("d", address=FIRST), service("e", 81, address=FIRST)]
    assert kinds(plan_of(services, [pool()])) == [
        "address_outside_pools",
        "port_taken",
        "sharing_key_missing",
        "unknown_pool",
    ]


def test_free_addresses_leave_out_what_is_taken_and_what_is_kept_back(plan_of, service, pool):
    wide = pool("lab", "192.0.2.252-192.0.3.2", avoid_buggy_ips=True)
    plan = plan_of([service("a", address="192.0.2.253")], [wide])
    assert plan["free"] == [
        {"pool": "lab", "addresses": ["192.0.2.252", "192.0.2.254", "192.0.3.1-192.0.3.2"], "count": 4}
    ]


def test_what_is_refused_under_one_key_is_not_refused_under_another(plan_of, service, pool):
    services = [
        service("a", 81, address=FIRST, sharing_key="m"),
        service("b", 80, sharing_key="k"),
        service("c", 80, sharing_key="m"),
    ]
    assert assigned(plan_of(services, [pool()])) == {"lab/a": [FIRST], "lab/b": ["192.0.2.241"], "lab/c": [FIRST]}
