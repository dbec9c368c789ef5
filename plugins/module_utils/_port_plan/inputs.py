# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options `services` and `pools` as users write them, read into the model; every error is collected."""

from __future__ import annotations

import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._fields import Fields
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.addresses import (
    FAMILIES,
    Address,
    Block,
    parse_block,
    parse_request,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.model import (
    Pool,
    Port,
    Requirement,
    Selector,
    Service,
    ServiceAllocation,
    pairs,
)

_SERVICE = (
    *("name", "namespace", "ports", "address", "load_balancer_ip", "pool", "sharing_key", "external_traffic_policy"),
    *("selector", "labels", "ip_families", "ip_family_policy", "load_balancer_class"),
)
_POOL = (
    *("name", "addresses", "auto_assign", "avoid_buggy_ips", "priority"),
    *("namespaces", "namespace_selectors", "service_selectors"),
)
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_POLICIES = ("SingleStack", "PreferDualStack", "RequireDualStack")
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_CIDR_OR_RANGE = "a CIDR (192.0.2.0/28), or a range with its lower address first (192.0.2.1-192.0.2.9)"
_ONE_OR_TWO = "an address, or an IPv4 and an IPv6 address with a comma between them"


def read_services(raw: t.Any, errors: InputErrors, variable: str = "services") -> list[Service]:
    """The Services of a list such as the module's option; incomplete where ``errors`` got entries."""
    services: dict[str, Service] = {}
    for path, item in _items(raw, variable, errors):
        service = _service(Fields(item, path, _SERVICE, errors), errors)
        if service.name and service.key in services:
            errors.add(f"{path}.name", service.key, "a Service that the list has once")
        services.setdefault(service.key, service)
    return list(services.values())


def read_pools(
    raw: t.Any, namespaces: t.Mapping[str, t.Mapping[str, str]], errors: InputErrors, variable: str = "pools"
) -> list[Pool]:
    """The pools of a list such as the module's option; ``namespaces`` (name to labels) resolve namespace selectors."""
    pools: dict[str, Pool] = {}
    for path, item in _items(raw, variable, errors):
        pool = _pool(Fields(item, path, _POOL, errors), namespaces, errors)
        if pool.name and pool.name in pools:
            errors.add(f"{path}.name", pool.name, "a pool that the list has once")
        pools.setdefault(pool.name, pool)
    return list(pools.values())


def read_namespaces(
    raw: t.Any, used: t.Iterable[str], errors: InputErrors, variable: str = "namespaces"
) -> dict[str, dict[str, str]]:
    """The labels of each namespace, those that are only ``used`` included; Kubernetes labels each with its name."""
    names = tuple(raw) if isinstance(raw, dict) else ("a name with its labels",)
    fields = Fields(raw, variable, names, errors)
    given = {name: fields.labels(name) for name in names} if isinstance(raw, dict) else {}
    return {name: {"kubernetes.io/metadata.name": name} | given.get(name, {}) for name in (*used, *given)}


def _items(raw: t.Any, variable: str, errors: InputErrors) -> list[tuple[str, t.Any]]:
    if isinstance(raw, list):
        return [(f"{variable}[{index}]", item) for index, item in enumerate(raw)]
    errors.add(variable, raw, "a list")
    return []


def _service(fields: Fields, errors: InputErrors) -> Service:
    versions, policy = _families(fields)
    addresses, given = _addresses(fields, "address")
    balancer_addresses, also_given = _addresses(fields, "load_balancer_ip")
    return Service(
        namespace=fields.dns_label("namespace"),
        name=fields.dns_label("name"),
        ports=_ports(fields, errors),
        addresses=addresses or balancer_addresses,
        by_load_balancer_ip=also_given,
        request_problem="requested_twice" if given and also_given else "",
        pool=fields.text("pool") or "",
        sharing_key=fields.text("sharing_key"),
        external_traffic_policy=fields.choice("external_traffic_policy", ("Cluster", "Local"), "Cluster"),
        selector=pairs(fields.labels("selector")),
        labels=pairs(fields.labels("labels")),
        versions=versions,
        family_policy=policy,
        load_balancer_class=fields.text("load_balancer_class"),
    )


def _addresses(fields: Fields, name: str) -> tuple[tuple[Address, ...], bool]:
    """What a field asks for, and whether it asks for anything."""
    text = fields.text(name, allowed=_ONE_OR_TWO)
    if not text:
        return (), False
    addresses = parse_request(text)
    single = name == "load_balancer_ip"
    if addresses is None or (single and len(addresses) > 1):
        fields.wrong(name, "an address" if single else _ONE_OR_TWO)
    return addresses or (), True


def _families(fields: Fields) -> tuple[tuple[int, ...], str]:
    """The versions of the cluster IPs, and the family policy; RequireDualStack alone means both families."""
    policy = fields.choice("ip_family_policy", _POLICIES, "SingleStack")
    names = fields.texts("ip_families")
    if names is None:
        return ((4, 6) if policy == "RequireDualStack" else (4,)), policy
    versions = tuple(version for name in names for version, family in FAMILIES.items() if family == name)
    if len(versions) != len(names) or not versions:
        fields.wrong("ip_families", "a list of IPv4, IPv6 or both")
    elif (len(versions) == 2 and policy == "SingleStack") or (len(versions) == 1 and policy == "RequireDualStack"):
        fields.wrong("ip_families", f"with ip_family_policy {policy}, {'one family' if len(versions) == 2 else 'both'}")
    return versions or (4,), policy


def _ports(fields: Fields, errors: InputErrors) -> tuple[Port, ...]:
    ports: list[Port] = []
    for path, item in fields.items("ports", required=True) or []:
        entry = Fields(item, path, ("port", "protocol"), errors)
        number = entry.number("port", 1, 65535)
        protocol = entry.choice("protocol", _PROTOCOLS, "TCP")
        if number is None and isinstance(item, dict) and item.get("port") is None:
            entry.wrong("port", "a whole number from 1 to 65535")
        if number and Port(protocol, number) in ports:
            entry.wrong("port", "a port that the Service has once for each protocol")
        elif number:
            ports.append(Port(protocol, number))
    return tuple(ports)


def _pool(fields: Fields, namespaces: t.Mapping[str, t.Mapping[str, str]], errors: InputErrors) -> Pool:
    return Pool(
        name=fields.dns_label("name", dots=True),
        blocks=_blocks(fields, errors),
        auto_assign=fields.flag("auto_assign", default=True),
        avoid_buggy_ips=fields.flag("avoid_buggy_ips", default=False),
        allocation=_allocation(fields, namespaces, errors),
    )


def _blocks(fields: Fields, errors: InputErrors) -> tuple[Block, ...]:
    blocks = []
    for path, item in fields.items("addresses", required=True) or []:
        block = parse_block(item) if isinstance(item, str) else None
        if block is None:
            errors.add(path, item, _CIDR_OR_RANGE)
        else:
            blocks.append(block)
    return tuple(blocks)


def _allocation(
    fields: Fields, namespaces: t.Mapping[str, t.Mapping[str, str]], errors: InputErrors
) -> ServiceAllocation | None:
    """Upstream: config.addressPoolServiceAllocationsFromCR; with a priority alone, the pool is for everybody."""
    priority = fields.number("priority", 0, 2**31 - 1)
    names = fields.texts("namespaces")
    namespace_selectors = _selectors(fields, "namespace_selectors", errors)
    service_selectors = _selectors(fields, "service_selectors", errors)
    if priority is None and names is None and namespace_selectors is None and service_selectors is None:
        return None
    if not names and not namespace_selectors and not service_selectors:
        return ServiceAllocation(priority or 0, service_selectors=(Selector(),))
    selected = {
        name
        for name, labels in namespaces.items()
        for selector in namespace_selectors or ()
        if selector.matches(labels)
    }
    return ServiceAllocation(priority or 0, frozenset({*(names or ()), *selected}), tuple(service_selectors or ()))


def _selectors(fields: Fields, name: str, errors: InputErrors) -> list[Selector] | None:
    items = fields.items(name)
    if items is None:
        return None
    selectors: list[Selector] = []
    for path, item in items:
        selector = _selector(Fields(item, path, ("matchLabels", "matchExpressions"), errors), errors)
        if selector in selectors:
            errors.add(path, item, "a selector that the list has once")
        selectors.append(selector)
    return selectors


def _selector(fields: Fields, errors: InputErrors) -> Selector:
    found = [Requirement(key, "In", frozenset([value])) for key, value in fields.labels("matchLabels").items()]
    for path, item in fields.items("matchExpressions") or []:
        entry = Fields(item, path, ("key", "operator", "values"), errors)
        values = entry.texts("values") or []
        operator = entry.choice("operator", _OPERATORS, "")
        if not operator:
            entry.wrong("operator", f"one of {', '.join(_OPERATORS)}")
        elif bool(values) != (operator in ("In", "NotIn")):
            entry.wrong("values", "a list with at least one item for In and NotIn, nothing for Exists and DoesNotExist")
        key = entry.text("key")
        if not key:
            entry.wrong("key", "the name of a label")
        found.append(Requirement(key or "", operator, frozenset(values)))
    return Selector(frozenset(found))
