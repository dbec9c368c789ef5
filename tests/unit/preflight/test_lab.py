# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the declared lab: malformed values are named, wrong types are left to the spec check, nothing raises."""

from __future__ import annotations

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputError, Words
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight import check, lab
from hypothesis import given, settings
from hypothesis import strategies as st

JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=4),
        st.sampled_from(
            ["192.168.1.1", "192.168.1.0/24", "192.168.1.3-192.168.1.9", "server", "k3s-1", "v1.36.3+k3s1"]
        ),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=5,
)
PATHS = [
    "lab_network",
    "lab_network.cidr",
    "lab_network.dns",
    "lab_network.dns[0]",
    "lab_network.dhcp_range",
    "lab_api_address",
    "lab_cluster_cidr",
    "lab_address_pools",
    "lab_address_pools[0]",
    "lab_address_pools[0].name",
    "lab_address_pools[0].addresses",
    "lab_address_pools[0].addresses[0]",
    "lab_nodes",
    "lab_nodes[1]",
    "lab_nodes[1].name",
    "lab_nodes[1].address",
    "lab_nodes[1].role",
    "lab_nodes[1].cpus",
    "lab_nodes[1].memory_gb",
    "lab_host",
    "lab_host.memory_gb",
    "lab_host.cpu_overcommit",
    "lab_endpoints",
    "lab_endpoints[0]",
    "lab_endpoints[0].ports",
    "lab_endpoints[0].ports[0]",
    "lab_endpoints[0].ports[0].port",
    "lab_endpoints[0].ports[0].protocol",
    "k3s_version",
    "argocd_version",
]


def report(options, values, groups) -> check.Report:
    roles = check.Specs(options, [name for name, option in options.items() if option.required])
    seen = check.Declaration(values, (), ())
    return check.check(roles, seen, [], groups, lambda _variable, _scopes: "a file")


@settings(max_examples=150)
@given(path=st.sampled_from(PATHS), junk=JUNK)
def test_junk_anywhere_is_reported_or_accepted_but_never_raises(declared, options, changed, path, junk) -> None:
    values = changed(declared, {path: junk})
    groups = {"all": ["localhost"], "k3s_servers": ["k3s-1", "k3s-2", "k3s-3"], "k3s_agents": []}
    outcome = report(options, values, groups)
    assert bool(outcome.errors) == (outcome.budget == [])


@pytest.mark.parametrize(
    ("path", "value", "allowed"),
    [
        ("lab_network.cidr", "192.168.1.0/33", "an IPv4 network as a CIDR"),
        ("lab_network.cidr", "192.168.1.7/24", "with no bit set beyond its prefix"),
        ("lab_network.gateway", "192.168.1.256", "an IPv4 address"),
        ("lab_network.dns[0]", "fe80::1", "an IPv4 address"),
        ("lab_network.domain", "Lab.internal", "a DNS name"),
        ("lab_network.domain", ".".join(["long" * 15] * 5), "253 characters at most"),
        ("lab_network.dhcp_range", "192.168.1.9-192.168.1.8", "in ascending order"),
        ("lab_api_address", "", "an IPv4 address"),
        ("lab_service_cidr", "10.43", "a CIDR"),
        ("lab_address_pools[0].name", "lab_pool", "a DNS label"),
        ("lab_address_pools[0].addresses[0]", "192.168.1.249-192.168.1.240", "first-last"),
        ("lab_nodes[0].name", "k3s_1", "a DNS label"),
        ("lab_nodes[0].name", "a" * 64, "63 characters at most"),
        ("lab_nodes[0].name", "k3s-1\n", "a DNS label"),
        ("lab_nodes[0].cpus", 0, "1 or more"),
        ("lab_nodes[0].memory_gb", -4, "1 or more"),
        ("lab_host.igpu_memory_gb", -1, "0 or more"),
        ("lab_host.cpu_overcommit", 0.5, "1 or more"),
        ("lab_host.cpu_overcommit", float("nan"), "1 or more"),
        ("lab_endpoints[0].namespace", "Istio", "a DNS label"),
        ("lab_endpoints[0].service", "-", "a DNS label"),
        ("lab_endpoints[0].host", "a..b", "a DNS name"),
        ("lab_endpoints[0].path", "kiali", "a path that starts with /"),
        ("lab_endpoints[0].ports[0].port", 0, "1 to 65535"),
        ("lab_endpoints[0].ports[0].port", 70000, "1 to 65535"),
        ("lab_endpoints[0].ports[0].name", "", "a DNS label"),
        ("lab_state_dir", "state", "an absolute path"),
        ("argocd_version", "3.6.1", "a release tag"),
    ],
)
def test_a_malformed_value_is_named_with_what_is_allowed(declared, changed, path, value, allowed) -> None:
    _lab, malformed = lab.read_lab(changed(declared, {path: value}), {})
    (error,) = malformed
    assert (error.variable, allowed in error.allowed) == (path, True)


def test_a_value_of_the_wrong_type_is_left_to_the_spec_check(declared, changed) -> None:
    _lab, malformed = lab.read_lab(changed(declared, {"lab_nodes[0].address": 5, "lab_nodes[1].cpus": False}), {})
    assert malformed == []


def test_a_node_with_a_wrong_size_does_not_hide_the_wrong_address_of_another(declared, changed, options) -> None:
    values = changed(declared, {"lab_nodes[0].cpus": "four", "lab_nodes[2].address": "10.0.0.1"})
    groups = {"all": ["localhost"], "k3s_servers": ["k3s-1", "k3s-2", "k3s-3"]}
    said = [error.variable for error in report(options, values, groups).errors]
    assert said == ["lab_nodes[0].cpus", "lab_nodes[2].address"]


def test_a_template_that_fails_is_reported_once(declared, options) -> None:
    failure = InputError("lab_nodes", Words("a template that fails"), "a template that renders")
    seen = check.Declaration(declared | {"lab_nodes": None}, [failure], ())
    roles = check.Specs(options, ["lab_nodes", "lab_host"])
    outcome = check.check(roles, seen, [], {"all": ["localhost"]}, lambda _variable, _scopes: "")
    assert [str(error) for error in outcome.errors] == [str(failure)]


def test_a_value_of_one_host_alone_is_checked_and_located_for_that_host(declared, options) -> None:
    roles = check.Specs(options, [])
    own = check.Declaration({"k3s_version": 1.36, "k3s_verson": "x"}, (), ("k3s_servers", "k3s-2"))
    groups = {"all": ["localhost"], "k3s_servers": ["k3s-1", "k3s-2", "k3s-3"]}
    outcome = check.check(
        roles, check.Declaration(declared, (), ()), [own], groups, lambda variable, scopes: f"{variable} of {scopes}"
    )
    assert [(error.variable, error.where) for error in outcome.errors] == [
        ("k3s_version", "k3s_version of ('k3s_servers', 'k3s-2')"),
        ("k3s_verson", "k3s_verson of ('k3s_servers', 'k3s-2')"),
    ]


def test_the_report_of_a_valid_lab_lays_out_the_budget(declared, options) -> None:
    groups = {"all": ["localhost"], "k3s_servers": ["k3s-1", "k3s-2", "k3s-3"]}
    assert report(options, declared, groups).budget == [
        "memory: k3s-1 10 + k3s-2 10 + k3s-3 10 = 30 GB, of 64 GB installed - 4 graphics - 4 host",
        "virtual CPUs: k3s-1 4 + k3s-2 4 + k3s-3 4 = 12, of 16 threads x 1.5 overcommit",
        "disk: k3s-1 80 + k3s-2 80 + k3s-3 80 = 240 GB, of 900 GB - 100 kept free",
    ]
