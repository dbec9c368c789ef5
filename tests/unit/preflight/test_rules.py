# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule alone: silent about the example inventory, and plain about what breaks it."""

from __future__ import annotations

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight import (
    check,
    endpoint_rules,
    lab,
    network_rules,
    node_rules,
)

SERVERS_OF_24_GB = {f"lab_nodes[{index}].memory_gb": size for index, size in enumerate((24, 24, 22))}


@pytest.mark.parametrize("rule", check.RULES, ids=lambda rule: rule.__name__)
def test_the_example_inventory_breaks_no_rule(findings, rule) -> None:
    assert findings(rule, {}) == []


@pytest.mark.parametrize("rule", check.RULES, ids=lambda rule: rule.__name__)
def test_no_rule_trips_over_an_empty_inventory(rule) -> None:
    empty, malformed = lab.read_lab({}, {"all": ["localhost"], "rehearsal": ["localhost"]})
    assert list(rule(empty)) == []
    assert malformed == []


def test_two_nodes_of_one_name_are_reported_with_both_places(findings) -> None:
    assert findings(node_rules.node_names_are_unique, {"lab_nodes[2].name": "k3s-1"}) == [
        "lab_nodes[2].name is 'k3s-1'; allowed: a name used once; it is also lab_nodes[0].name"
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lab_nodes[2].role": "agent"}, "2 with role server (k3s-1, k3s-2)"),
        ({f"lab_nodes[{index}].role": "agent" for index in range(3)}, "0 with role server"),
    ],
)
def test_a_number_of_servers_that_etcd_cannot_use_is_refused(findings, changes, said) -> None:
    assert findings(node_rules.server_count_is_odd, changes) == [
        f"lab_nodes is {said}; allowed: 1, 3 or 5 nodes with role server: etcd needs an odd number"
    ]


def test_one_server_is_enough(findings) -> None:
    alone = {"lab_nodes[2].role": "agent", "lab_nodes[1].role": "agent"}
    assert findings(node_rules.server_count_is_odd, alone) == []


def test_seven_servers_are_refused(findings, declared) -> None:
    seven = [declared["lab_nodes"][0] | {"name": f"k3s-{index}"} for index in range(7)]
    assert len(findings(node_rules.server_count_is_odd, {"lab_nodes": seven})) == 1


def test_a_server_below_the_minimum_of_k3s_is_refused_and_an_agent_is_not(findings) -> None:
    small = {"lab_nodes[0].cpus": 1, "lab_nodes[1].memory_gb": 1, "lab_nodes[2].role": "agent", "lab_nodes[2].cpus": 1}
    assert findings(node_rules.servers_have_what_k3s_needs, small) == [
        "lab_nodes[0].cpus is 1; allowed: 2 or more for a K3s server",
        "lab_nodes[1].memory_gb is 1; allowed: 2 or more for a K3s server",
    ]


def test_nodes_and_groups_that_disagree_are_named_from_both_sides(findings) -> None:
    groups = {"all": ["localhost"], "k3s_servers": ["k3s-1", "k3s-2", "k3s-9"], "k3s_agents": []}
    allowed = "allowed: the hosts k3s-1, k3s-2, k3s-3, those with role server in lab_nodes"
    assert findings(node_rules.nodes_are_in_their_group, {}, groups) == [
        f"k3s_servers is a group without k3s-3; {allowed}",
        f"k3s_servers is a group with k3s-9; {allowed}",
    ]


def test_an_agent_among_the_servers_is_named_for_both_groups(findings) -> None:
    assert findings(node_rules.nodes_are_in_their_group, {"lab_nodes[2].role": "agent"}) == [
        "k3s_servers is a group with k3s-3; allowed: the hosts k3s-1, k3s-2, those with role server in lab_nodes",
        "k3s_agents is a group without k3s-3; allowed: the hosts k3s-3, those with role agent in lab_nodes",
    ]


def test_a_rehearsal_needs_no_hosts_for_its_simulated_nodes(findings) -> None:
    groups = {"all": ["localhost"], "rehearsal": ["localhost"], "k3s_servers": [], "k3s_agents": []}
    assert findings(node_rules.nodes_are_in_their_group, {}, groups) == []
    assert findings(node_rules.nodes_are_in_their_group, {}, groups | {"rehearsal": []}) != []


def test_an_inventory_without_the_control_node_is_refused(findings) -> None:
    assert findings(node_rules.control_node_is_in_the_inventory, {}, {"all": ["k3s-1"]}) == [
        "localhost is not in the inventory; allowed: a host localhost with ansible_connection: local"
    ]


def test_too_much_memory_is_refused_with_the_sum_laid_out(findings) -> None:
    assert findings(node_rules.nodes_fit_the_memory, SERVERS_OF_24_GB) == [
        (
            "lab_nodes[].memory_gb is k3s-1 24 + k3s-2 24 + k3s-3 22 = 70 GB, of 64 GB installed - 4 graphics - 4 host;"
            " allowed: 56 GB or less together"
        )
    ]


def test_the_graphics_share_counts_against_the_memory(findings) -> None:
    exactly = {"lab_nodes[0].memory_gb": 36}
    assert findings(node_rules.nodes_fit_the_memory, exactly) == []
    assert len(findings(node_rules.nodes_fit_the_memory, exactly | {"lab_host.igpu_memory_gb": 5})) == 1


def test_too_many_cpus_are_refused_at_the_declared_overcommit(findings) -> None:
    assert findings(node_rules.nodes_fit_the_cpus, {"lab_nodes[0].cpus": 16}) == []
    assert findings(node_rules.nodes_fit_the_cpus, {"lab_nodes[0].cpus": 17}) == [
        (
            "lab_nodes[].cpus is k3s-1 17 + k3s-2 4 + k3s-3 4 = 25, of 16 threads x 1.5 overcommit;"
            " allowed: 24 or less together"
        )
    ]


def test_cpus_are_not_summed_where_the_machines_are_not_declared(findings) -> None:
    changes = {"lab_nodes[0].cpus": 170, "lab_host.cpus": "(absent)"}
    assert findings(node_rules.nodes_fit_the_cpus, changes) == []


def test_too_much_disk_is_refused(findings) -> None:
    assert findings(node_rules.nodes_fit_the_disk, {"lab_nodes[0].disk_gb": 641}) == [
        (
            "lab_nodes[].disk_gb is k3s-1 641 + k3s-2 80 + k3s-3 80 = 801 GB, of 900 GB - 100 kept free;"
            " allowed: 800 GB or less together"
        )
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("lab_nodes[1].address", "10.0.0.7"),
        ("lab_api_address", "192.168.2.1"),
        ("lab_network.gateway", "192.168.0.1"),
        ("lab_network.dhcp_range", "192.168.1.250-192.168.2.10"),
        ("lab_address_pools[0].addresses[0]", "192.168.0.0/23"),
    ],
)
def test_an_address_outside_the_network_is_refused(findings, path, value) -> None:
    assert findings(network_rules.addresses_are_inside_the_network, {path: value}) == [
        f"{path} is '{value}'; allowed: inside lab_network.cidr '192.168.1.0/24'"
    ]


@pytest.mark.parametrize(("value", "what"), [("192.168.1.0", "own"), ("192.168.1.255", "broadcast")])
def test_the_networks_own_and_broadcast_addresses_are_refused(findings, value, what) -> None:
    assert findings(network_rules.addresses_can_belong_to_a_machine, {"lab_nodes[0].address": value}) == [
        (
            f"lab_nodes[0].address is '{value}'; allowed: an address between 192.168.1.1 and 192.168.1.254;"
            f" this is the {what} address of lab_network.cidr '192.168.1.0/24'"
        )
    ]


@pytest.mark.parametrize(
    ("changes", "second", "first"),
    [
        ({"lab_nodes[1].address": "192.168.1.21"}, "lab_nodes[1].address", "lab_nodes[0].address"),
        ({"lab_nodes[0].address": "192.168.1.20"}, "lab_nodes[0].address", "lab_api_address"),
        ({"lab_api_address": "192.168.1.1"}, "lab_api_address", "lab_network.gateway"),
        ({"lab_host.address": "192.168.1.21"}, "lab_host.address", "lab_nodes[0].address"),
        ({"lab_nodes[0].address": "192.168.1.245"}, "lab_address_pools[0].addresses[0]", "lab_nodes[0].address"),
        ({"lab_nodes[0].address": "192.168.1.150"}, "lab_network.dhcp_range", "lab_nodes[0].address"),
        (
            {"lab_address_pools[0].addresses[0]": "192.168.1.199-192.168.1.210"},
            "lab_address_pools[0].addresses[0]",
            "lab_network.dhcp_range",
        ),
        (
            {"lab_address_pools[0].addresses[1]": "192.168.1.248/29"},
            "lab_address_pools[0].addresses[1]",
            "lab_address_pools[0].addresses[0]",
        ),
    ],
)
def test_an_address_used_twice_is_reported_with_both_places(findings, changes, second, first) -> None:
    (said,) = findings(network_rules.addresses_are_used_once, changes)
    assert said.startswith(f"{second} is ")
    assert f"nothing else uses; {first} is " in said


def test_a_name_server_may_be_the_gateway_or_elsewhere_but_no_node(findings) -> None:
    rule = network_rules.name_servers_have_their_own_address
    assert findings(rule, {"lab_network.dns": ["192.168.1.1", "192.168.1.10", "9.9.9.9"]}) == []
    assert findings(rule, {"lab_network.dns": ["192.168.1.22", "192.168.1.1"]}) == [
        (
            "lab_network.dns[0] is '192.168.1.22'; allowed: the address of a name server;"
            " lab_nodes[1].address is '192.168.1.22'"
        )
    ]


def test_a_name_server_that_stands_twice_is_refused(findings) -> None:
    twice = {"lab_network.dns": ["192.168.1.1", "192.168.1.1"]}
    assert len(findings(network_rules.name_servers_have_their_own_address, twice)) == 1


@pytest.mark.parametrize(
    ("changes", "pair"),
    [
        ({"lab_service_cidr": "10.42.128.0/17"}, ("lab_service_cidr", "lab_cluster_cidr")),
        ({"lab_cluster_cidr": "192.168.0.0/16"}, ("lab_cluster_cidr", "lab_network.cidr")),
    ],
)
def test_networks_that_overlap_are_reported_in_pairs(findings, changes, pair) -> None:
    (said,) = findings(network_rules.networks_are_apart, changes)
    assert said.startswith(f"{pair[0]} is ")
    assert f"{pair[1]} is " in said


def test_two_pools_of_one_name_are_refused(findings) -> None:
    second = {"name": "lab", "addresses": ["192.168.1.230/31"], "auto_assign": False}
    assert findings(network_rules.pool_names_are_unique, {"lab_address_pools[1]": second}) == [
        "lab_address_pools[1].name is 'lab'; allowed: a name used once; it is also lab_address_pools[0].name"
    ]


def test_two_endpoints_of_one_name_are_refused(findings) -> None:
    assert findings(endpoint_rules.endpoint_names_are_unique, {"lab_endpoints[1].name": "gateway"}) == [
        "lab_endpoints[1].name is 'gateway'; allowed: a name used once; it is also lab_endpoints[0].name"
    ]


def test_an_endpoint_outside_the_pools_is_refused(findings) -> None:
    changes = {"lab_endpoints[0].address": "192.168.1.99"}
    assert findings(endpoint_rules.endpoint_addresses_are_in_a_pool, changes) == [
        (
            "lab_endpoints[0].address is '192.168.1.99'; allowed: an address of lab_address_pools:"
            " '192.168.1.240-192.168.1.249'"
        )
    ]


def test_second_endpoint_on_a_taken_port_is_reported_with_both_names(findings) -> None:
    assert findings(endpoint_rules.ports_are_taken_once, {"lab_endpoints[2].ports[0].port": 30080}) == [
        (
            "lab_endpoints[2].ports[0].port is 30080; allowed: a port that is free on this address;"
            " argocd and grafana both want '192.168.1.241' TCP 30080"
        )
    ]


def test_one_port_on_two_addresses_or_of_two_protocols_is_no_conflict(findings) -> None:
    elsewhere = {"lab_endpoints[2].ports[0].port": 30080, "lab_endpoints[2].address": "192.168.1.242"}
    assert findings(endpoint_rules.ports_are_taken_once, elsewhere) == []
    other_protocol = {"lab_endpoints[2].ports[0]": {"name": "http", "port": 30080, "protocol": "UDP"}}
    assert findings(endpoint_rules.ports_are_taken_once, other_protocol) == []


def test_endpoints_inside_the_cluster_do_not_take_ports(findings) -> None:
    inside = {"lab_endpoints[1].address": "(absent)", "lab_endpoints[2].ports[0].port": 30080}
    assert findings(endpoint_rules.ports_are_taken_once, inside) == []
