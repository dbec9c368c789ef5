# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of endpoints goes into the planner, and the annotations of one Service come out."""

from __future__ import annotations

import copy
import pathlib

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.srelab.url_shortener.plugins.filter.metallb import FilterModule

FILTERS = FilterModule().filters()
annotations, services_of = FILTERS["metallb_annotations"], FILTERS["metallb_services"]
INVENTORY = pathlib.Path(__file__).parents[3] / "inventory"


def shipped(inventory):
    folder = INVENTORY / inventory / "group_vars" / "all"
    endpoints = yaml.safe_load((folder / "endpoints.yml").read_text())["lab_endpoints"]
    return endpoints, yaml.safe_load((folder / "network.yml").read_text())["lab_address_pools"]


@pytest.mark.parametrize("inventory", ["um790", "rehearsal"])
def test_every_shipped_endpoint_gets_its_declared_address_and_sharing_key(inventory):
    endpoints, pools = shipped(inventory)
    for endpoint in endpoints:
        wanted = {"metallb.io/loadBalancerIPs": endpoint["address"]}
        if "sharing_key" in endpoint:
            wanted["metallb.io/allow-shared-ip"] = endpoint["sharing_key"]
        assert annotations(endpoints, endpoint["name"], pools) == wanted


def test_an_endpoint_without_an_address_gets_no_annotation_and_is_not_planned():
    endpoints, pools = shipped("um790")
    inside = {"name": "vault", "namespace": "vault", "service": "vault", "ports": [{"name": "api", "port": 8200}]}
    assert annotations([*endpoints, inside], "vault", pools) == {}
    assert len(services_of([*endpoints, inside])) == len(endpoints)


def test_endpoints_in_conflict_are_refused_with_both_names():
    endpoints, pools = copy.deepcopy(shipped("um790"))
    endpoints[2] |= {"ports": [{"name": "http", "port": 80}], "address": endpoints[0]["address"]}
    with pytest.raises(AnsibleFilterError, match="monitoring/grafana and istio-ingress/istio-ingressgateway both want"):
        annotations(endpoints, "argocd", pools)


def test_wrong_endpoints_and_pools_are_refused_in_one_message():
    endpoints, _pools = copy.deepcopy(shipped("um790"))
    endpoints[0]["ports"][0]["port"] = 70000
    with pytest.raises(AnsibleFilterError, match=r"(?s)Port plan: 2 errors.*services\[0\].*pools\[0\]"):
        annotations(endpoints, "gateway", [{"name": "lab", "addresses": ["192.168.1.249-192.168.1.240"]}])


@pytest.mark.parametrize("endpoints", [None, "gateway", [], [None], [{"name": ["gateway"]}]])
def test_an_unknown_endpoint_is_refused_without_a_traceback(endpoints):
    with pytest.raises(AnsibleFilterError, match="no endpoint is called 'gateway'"):
        annotations(endpoints, "gateway", [])


def test_what_is_no_endpoint_is_left_for_the_planner_to_refuse():
    assert services_of([7, {"service": "web", "address": "192.0.2.1", "ports": "http"}]) == [
        7,
        {"name": "web", "ports": "http", "address": "192.0.2.1"},
    ]
