# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong options are refused with their path, their value and what is allowed: all of them at once."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan import inputs
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.model import Port

SERVICE = {"name": "web", "namespace": "lab", "ports": [{"port": 80}]}
POOL = {"name": "lab", "addresses": ["192.0.2.0/28"]}


def refused(services=(), pools=(), namespaces=None):
    """The messages for these options."""
    errors = InputErrors()
    found = inputs.read_services(list(services) if isinstance(services, tuple) else services, errors)
    labels = inputs.read_namespaces({} if namespaces is None else namespaces, [one.namespace for one in found], errors)
    inputs.read_pools(list(pools) if isinstance(pools, tuple) else pools, labels, errors)
    return [str(error) for error in errors]


@pytest.mark.parametrize(
    ("change", "start"),
    [
        ({"name": None}, "services[0].name is not set; allowed: a DNS label"),
        ({"name": "Web_1"}, "services[0].name is 'Web_1'; allowed: a DNS label"),
        ({"namespace": 7}, "services[0].namespace is 7; allowed: a DNS label"),
        ({"ports": None}, "services[0].ports is not set; allowed: a list with at least one item"),
        ({"ports": []}, "services[0].ports is []; allowed: a list with at least one item"),
        ({"ports": [80]}, "services[0].ports[0] is 80; allowed: a dictionary with port, protocol"),
        ({"ports": [{}]}, "services[0].ports[0].port is not set; allowed: a whole number from 1 to 65535"),
        ({"ports": [{"port": 0}]}, "services[0].ports[0].port is 0; allowed: a whole number from 1 to 65535"),
        ({"ports": [{"port": 70000}]}, "services[0].ports[0].port is 70000; allowed: a whole number"),
        ({"ports": [{"port": True}]}, "services[0].ports[0].port is True; allowed: a whole number"),
        ({"ports": [{"port": "http"}]}, "services[0].ports[0].port is 'http'; allowed: a whole number"),
        ({"ports": [{"port": 80}, {"port": 80}]}, "services[0].ports[1].port is 80; allowed: a port that the Service"),
        (
            {"ports": [{"port": 80, "protocol": "HTTP"}]},
            "services[0].ports[0].protocol is 'HTTP'; allowed: one of TCP, UDP, SCTP",
        ),
        ({"adress": "192.0.2.1"}, "services[0].adress is '192.0.2.1'; allowed: the keys name, "),
        ({"address": "192.0.2"}, "services[0].address is '192.0.2'; allowed: an address, or an IPv4 and an IPv6"),
        ({"address": ["192.0.2.1"]}, "services[0].address is ['192.0.2.1']; allowed: an address, or"),
        ({"address": "192.0.2.1,192.0.2.2"}, "services[0].address is '192.0.2.1,192.0.2.2'; allowed: an address, or"),
        ({"load_balancer_ip": "192.0.2.1,2001:db8::1"}, "services[0].load_balancer_ip is"),
        ({"external_traffic_policy": "local"}, "services[0].external_traffic_policy is 'local'; allowed: one of"),
        ({"selector": ["app"]}, "services[0].selector is ['app']; allowed: a dictionary of texts"),
        ({"labels": {"tier": 1}}, "services[0].labels is {'tier': 1}; allowed: a dictionary of texts"),
        ({"ip_families": ["IPv5"]}, "services[0].ip_families is ['IPv5']; allowed: a list of IPv4, IPv6 or both"),
        ({"ip_families": ["IPv4", "IPv6"]}, "services[0].ip_families is ['IPv4', 'IPv6']; allowed: with ip_family_pol"),
        ({"ip_family_policy": "Dual"}, "services[0].ip_family_policy is 'Dual'; allowed: one of SingleStack"),
        ({"sharing_key": 5}, "services[0].sharing_key is 5; allowed: a text"),
    ],
)
def test_a_wrong_service_is_refused_with_path_value_and_what_is_allowed(change, start):
    (message,) = refused((SERVICE | change,), (POOL,))
    assert message.startswith(start)


@pytest.mark.parametrize(
    ("change", "start"),
    [
        ({"name": None}, "pools[0].name is not set; allowed: a DNS name"),
        ({"addresses": []}, "pools[0].addresses is []; allowed: a list with at least one item"),
        ({"addresses": "192.0.2.0/28"}, "pools[0].addresses is '192.0.2.0/28'; allowed: a list"),
        ({"addresses": ["192.0.2.0/33"]}, "pools[0].addresses[0] is '192.0.2.0/33'; allowed: a CIDR"),
        ({"addresses": ["192.0.2.9-192.0.2.1"]}, "pools[0].addresses[0] is '192.0.2.9-192.0.2.1'; allowed: a CIDR"),
        ({"addresses": [None]}, "pools[0].addresses[0] is not set; allowed: a CIDR"),
        ({"auto_assign": "yes"}, "pools[0].auto_assign is 'yes'; allowed: true or false"),
        ({"priority": -1}, "pools[0].priority is -1; allowed: a whole number from 0"),
        ({"namespaces": "lab"}, "pools[0].namespaces is 'lab'; allowed: a list"),
        ({"namespaces": ["lab", "lab"]}, "pools[0].namespaces[1] is 'lab'; allowed: a text that is in the list once"),
        (
            {"service_selectors": [{"app": "a"}]},
            "pools[0].service_selectors[0].app is 'a'; allowed: the keys matchLabe",
        ),
        (
            {"service_selectors": [{"matchExpressions": [{"key": "a", "operator": "In"}]}]},
            "pools[0].service_selectors[0].matchExpressions[0].values is not set; allowed: a list with at least one",
        ),
        (
            {"service_selectors": [{"matchExpressions": [{"key": "a", "operator": "Like", "values": ["b"]}]}]},
            "pools[0].service_selectors[0].matchExpressions[0].operator is 'Like'; allowed: one of In, NotIn",
        ),
        (
            {"namespace_selectors": [{"matchLabels": {"a": "b"}}, {"matchLabels": {"a": "b"}}]},
            "pools[0].namespace_selectors[1] is {'matchLabels': {'a': 'b'}}; allowed: a selector that the list has",
        ),
    ],
)
def test_a_wrong_pool_is_refused_with_path_value_and_what_is_allowed(change, start):
    (message,) = refused((SERVICE,), (POOL | change,))
    assert message.startswith(start)


def test_an_unknown_key_gets_the_nearest_known_one_suggested():
    (message,) = refused((SERVICE | {"adress": "192.0.2.1"},))
    assert message.endswith("(did you mean address?)")


def test_two_services_with_one_name_are_refused_but_not_in_two_namespaces():
    assert refused((SERVICE, SERVICE | {"namespace": "other"})) == []
    (message,) = refused((SERVICE, SERVICE))
    assert message.startswith("services[1].name is 'lab/web'")


def test_two_pools_with_one_name_are_refused():
    (message,) = refused((), (POOL, POOL | {"addresses": ["198.51.100.0/30"]}))
    assert message.startswith("pools[1].name is 'lab'")


@pytest.mark.parametrize("wrong", [None, "web", 7, {"name": "web"}])
def test_what_is_no_list_is_refused(wrong):
    messages = refused(wrong, wrong)
    assert [message.split(";")[1] for message in messages] == [" allowed: a list"] * 2


@pytest.mark.parametrize("wrong", [None, "web", 7, ["name"]])
def test_an_item_that_is_no_dictionary_is_refused_without_a_traceback(wrong):
    assert refused(([wrong]), ([wrong]))[0].startswith("services[0] is ")


def test_wrong_namespaces_are_refused():
    assert refused((SERVICE,), (POOL,), ["lab"])[0].startswith("namespaces is ['lab']; allowed: a dictionary with")
    assert refused((SERVICE,), (POOL,), {"lab": "x"})[0].startswith("namespaces.lab is 'x'; allowed: a dictionary")


def test_all_errors_come_in_one_message():
    errors = InputErrors()
    wrong = copy.deepcopy(SERVICE) | {"address": "x", "ports": [{"port": 0}, {"port": 70000, "protocol": "IP"}]}
    inputs.read_services([wrong, SERVICE | {"pol": "lab"}], errors)
    inputs.read_pools([{"name": "lab", "addresses": ["192.0.2.0/40", "b-a"]}], {}, errors)
    lines = errors.message("Port plan").splitlines()
    assert lines[0] == "Port plan: 8 errors"
    assert len(lines) == 9


def test_the_protocol_is_tcp_unless_it_is_said():
    services = inputs.read_services(
        [SERVICE | {"ports": [{"port": 53}, {"port": 53, "protocol": "UDP"}]}], InputErrors()
    )
    assert services[0].ports == (Port("TCP", 53), Port("UDP", 53))
