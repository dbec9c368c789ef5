# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live cluster is read as MetalLB reads it, and what contradicts the plan is named."""

from __future__ import annotations

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan import live
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.addresses import joined
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.plan import plan

IPS, POOL, SHARE = "metallb.io/loadBalancerIPs", "metallb.io/address-pool", "metallb.io/allow-shared-ip"
OLD = "metallb.universe.tf/"


def api_service(name, *ports, address=None, annotations=None, **spec):
    """A Service object of the API; ``address`` is the one in its status."""
    return {
        "metadata": {"name": name, "namespace": "lab", "annotations": annotations},
        "spec": {
            "type": "LoadBalancer",
            "clusterIP": "10.43.0.9",
            "clusterIPs": ["10.43.0.9"],
            "ports": [{"port": port, "protocol": "TCP"} for port in ports or (80,)],
            "externalTrafficPolicy": "Cluster",
            "ipFamilyPolicy": "SingleStack",
            **spec,
        },
        "status": {"loadBalancer": {"ingress": [{"ip": address}]} if address else {}},
    }


def api_pool(name, *addresses, **spec):
    return {"metadata": {"name": name}, "spec": {"addresses": list(addresses), **spec}}


def cluster(services, *pools):
    errors = InputErrors()
    namespaces = [{"metadata": {"name": "lab", "labels": {"team": "sre"}}}]
    found = live.cluster_of(services, pools or [api_pool("lab", "192.0.2.240-192.0.2.249")], namespaces, errors)
    assert not errors
    return found


@pytest.fixture
def planned(read_world, service, pool):
    """The gateway and Grafana, planned."""
    services = [
        service("gateway", 80, 443, address="192.0.2.240"),
        service("grafana", 3000, address="192.0.2.241", sharing_key="consoles"),
    ]
    found, pools = read_world(services, [pool()])
    return plan(pools, found).assignments, pools


def deployed(**changes):
    gateway = api_service("gateway", 80, 443, address="192.0.2.240", annotations={IPS: "192.0.2.240"})
    wanted = {IPS: "192.0.2.241", SHARE: "consoles"} | changes.pop("annotations", {})
    grafana = api_service("grafana", 3000, **{"address": "192.0.2.241", "annotations": wanted} | changes)
    return [gateway, grafana]


def test_a_cluster_as_planned_has_no_drift_and_no_squatter(planned):
    assignments, pools = planned
    found = cluster(deployed())
    assert live.drift_of(assignments, pools, found) == []
    assert live.squatters_of(assignments, found) == []
    assert live.absent_of(assignments, found) == []


def test_a_service_that_is_not_there_yet_is_absent_and_no_drift(planned):
    assignments, pools = planned
    found = cluster(deployed()[:1])
    assert live.absent_of(assignments, found) == ["lab/grafana"]
    assert live.drift_of(assignments, pools, found) == []


@pytest.mark.parametrize(
    ("changes", "field", "found"),
    [
        ({"address": "192.0.2.245"}, "status.loadBalancer", "192.0.2.245"),
        ({"address": None}, "status.loadBalancer", ""),
        ({"annotations": {IPS: "192.0.2.247"}}, "the requested address", "192.0.2.247"),
        ({"annotations": {IPS: "typing error"}}, "the requested address", ""),
        ({"annotations": {SHARE: "mine"}}, "annotation metallb.io/allow-shared-ip", "mine"),
        ({"annotations": {POOL: "other"}}, "annotation metallb.io/address-pool", "other"),
        ({"externalTrafficPolicy": "Local"}, "spec.externalTrafficPolicy", "Local"),
        ({"ports": [{"port": 80}]}, "spec.ports", "80/TCP"),
        ({"loadBalancerClass": "other.io/lb"}, "spec.loadBalancerClass", "other.io/lb"),
        ({"type": "ClusterIP"}, "spec.type", "another type"),
    ],
)
def test_each_contradiction_names_service_field_and_both_values(planned, changes, field, found):
    assignments, pools = planned
    (drift,) = live.drift_of(assignments, pools, cluster(deployed(**changes)))
    assert (drift["object"], drift["field"], drift["found"]) == ("Service lab/grafana", field, found)
    assert "the plan says" in drift["message"]


def test_a_shrunk_pool_is_named_with_the_services_that_it_no_longer_serves(planned):
    assignments, pools = planned
    (drift,) = live.drift_of(assignments, pools, cluster(deployed(), api_pool("lab", "192.0.2.240/32")))
    assert (drift["object"], drift["found"]) == ("IPAddressPool lab", "192.0.2.240")
    assert drift["message"].endswith("it no longer serves lab/grafana")


def test_an_equal_pool_written_otherwise_is_no_drift(planned):
    assignments, pools = planned
    assert live.drift_of(assignments, pools, cluster(deployed(), api_pool("lab", "192.0.2.240 - 192.0.2.249"))) == []


def test_a_missing_pool_beside_others_is_drift_but_a_cluster_without_pools_is_not_there_yet(planned):
    assignments, pools = planned
    (drift,) = live.drift_of(assignments, pools, cluster(deployed(), api_pool("other", "198.51.100.0/30")))
    assert drift["object"] == "IPAddressPool lab"
    assert live.drift_of(assignments, pools, live.Cluster((), {}, {})) == []


def test_an_unplanned_service_on_a_planned_address_and_port_is_a_squatter(planned):
    assignments, _pools = planned
    (squatter,) = live.squatters_of(assignments, cluster([api_service("web", 443, address="192.0.2.240")]))
    assert squatter == {
        "service": "lab/web",
        "planned": "lab/gateway",
        "address": "192.0.2.240",
        "port": 443,
        "protocol": "TCP",
        "holds": True,
        "message": "lab/web is not in the plan and holds port 443/TCP on 192.0.2.240, planned for lab/gateway",
        "remedy": "take lab/web into the plan, or give it another address or port",
    }


def test_an_unplanned_service_of_any_load_balancer_is_a_squatter(planned):
    assignments, _pools = planned
    other = api_service("web", 80, address="192.0.2.240", loadBalancerClass="other.io/lb")
    assert [one["service"] for one in live.squatters_of(assignments, cluster([other]))] == ["lab/web"]


def test_an_unplanned_service_that_cannot_share_the_address_is_a_squatter_on_any_port(planned):
    assignments, _pools = planned
    (squatter,) = live.squatters_of(assignments, cluster([api_service("web", 81, address="192.0.2.241")]))
    assert (squatter["planned"], squatter["port"]) == ("lab/grafana", None)


def test_an_unplanned_service_that_shares_the_address_by_the_rules_is_no_squatter(planned):
    assignments, _pools = planned
    guest = api_service("web", 81, address="192.0.2.241", annotations={SHARE: "consoles"})
    assert live.squatters_of(assignments, cluster([guest])) == []


def test_a_planned_service_in_anothers_place_is_drift_and_no_squatter(planned):
    assignments, pools = planned
    found = cluster(deployed(address="192.0.2.240"))
    assert live.squatters_of(assignments, found) == []
    assert [one["object"] for one in live.drift_of(assignments, pools, found)] == ["Service lab/grafana"]


def test_an_unplanned_service_that_only_asks_for_a_planned_address_is_told_apart(planned):
    assignments, _pools = planned
    (squatter,) = live.squatters_of(assignments, cluster([api_service("web", 80, annotations={IPS: "192.0.2.240"})]))
    assert not squatter["holds"]
    assert "asks for port 80/TCP" in squatter["message"]


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({SHARE: "new", f"{OLD}allow-shared-ip": "old"}, ("new", "192.0.2.9")),
        ({f"{OLD}allow-shared-ip": "old"}, ("old", "192.0.2.9")),
        ({SHARE: "", f"{OLD}allow-shared-ip": "old"}, ("", "192.0.2.9")),
        ({IPS: "", f"{OLD}loadBalancerIPs": "192.0.2.8"}, (None, "")),
        ({f"{OLD}loadBalancerIPs": "192.0.2.8"}, (None, "192.0.2.8")),
    ],
)
def test_a_present_annotation_wins_over_its_deprecated_key_even_when_empty(annotations, expected):
    wanted = {} if any("loadBalancerIPs" in key for key in annotations) else {IPS: "192.0.2.9"}
    found = live.live_service(api_service("a", annotations=annotations | wanted)).service
    assert (found.sharing_key, joined(found.addresses)) == expected


def test_both_ways_of_asking_and_a_malformed_request_are_kept_apart():
    twice = live.live_service(api_service("a", annotations={IPS: "192.0.2.9"}, loadBalancerIP="192.0.2.9"))
    malformed = live.live_service(api_service("a", annotations={IPS: "192.0.2.9,"}))
    by_field = live.live_service(api_service("a", loadBalancerIP="192.0.2.9"))
    problems = [found.service.request_problem for found in (twice, malformed, by_field)]
    assert problems == ["requested_twice", "malformed_request", ""]
    assert joined(by_field.service.addresses) == "192.0.2.9"


def test_families_are_those_of_the_cluster_ips():
    dual = live.live_service(api_service("a", clusterIPs=["fd00::9", "10.43.0.9"], ipFamilyPolicy="PreferDualStack"))
    assert dual.service.versions == (6, 4)


def test_an_allocation_without_any_condition_serves_everybody_first():
    found = cluster([], api_pool("all", "192.0.2.0/30", serviceAllocation={}), api_pool("rest", "192.0.2.4/30"))
    allocations = [pool.allocation for pool in found.pools]
    assert allocations[1] is None
    assert allocations[0].pins(live.live_service(api_service("a")).service)


def test_namespace_selectors_are_resolved_with_the_labels_of_the_cluster():
    rule = {"namespaceSelectors": [{"matchLabels": {"team": "sre"}}]}
    assert cluster([], api_pool("a", "192.0.2.0/30", serviceAllocation=rule)).pools[0].allocation.namespaces == {"lab"}


def test_a_pool_that_metallb_refuses_is_an_error_with_its_place():
    errors = InputErrors()
    live.cluster_of([], [api_pool("lab", "192.0.2.9-192.0.2.1")], [], errors)
    assert [error.variable for error in errors] == ["the cluster's IPAddressPools[0].addresses[0]"]


def test_live_services_keep_the_addresses_that_they_hold():
    found = cluster([api_service("a"), api_service("b", address="192.0.2.240")])
    result = plan(found.pools, [one.service for one in found.handled], found.held)
    assert [(one.service.name, joined(one.addresses)) for one in result.assignments] == [
        ("a", "192.0.2.241"),
        ("b", "192.0.2.240"),
    ]


def test_planned_services_without_a_request_keep_off_the_addresses_of_unplanned_ones(read_world, service, pool):
    found = cluster([api_service("web", address="192.0.2.240")])
    services, pools = read_world([service("a"), service("b", address="192.0.2.241")], [pool()])
    others = [(one.service, one.addresses) for one in found.handled]
    result = plan(pools, services, found.held, others)
    assert [joined(one.addresses) for one in result.assignments] == ["192.0.2.242", "192.0.2.241"]
