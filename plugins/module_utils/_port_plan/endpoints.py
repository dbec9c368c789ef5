# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of endpoints as input of the planner."""

from __future__ import annotations

import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.inputs import (
    read_namespaces,
    read_pools,
    read_services,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.plan import PortPlan, plan

_SAME_KEYS = ("namespace", "address", "sharing_key", "external_traffic_policy")


class PlanError(ValueError):
    """The endpoints or pools are wrong, or contradict each other; the message names every error."""


def services_of(endpoints: t.Any) -> list[t.Any]:
    """The endpoints that have an address, as the module's option `services`; what is no endpoint is left as it is."""
    listed = endpoints if isinstance(endpoints, list) else [endpoints]
    return [
        _service_of(endpoint) if isinstance(endpoint, dict) else endpoint
        for endpoint in listed
        if not isinstance(endpoint, dict) or endpoint.get("address")
    ]


def annotations_of(endpoints: t.Any, name: str, pools: t.Any) -> dict[str, str]:
    """The annotations for the Service of one endpoint; none for an endpoint without an address. Raises PlanError."""
    listed = endpoints if isinstance(endpoints, list) else []
    named = {str(one.get("name")): one for one in listed if isinstance(one, dict)}
    if str(name) not in named:
        raise PlanError(f"no endpoint is called {name!r}; there are {', '.join(named) or 'none'}")
    if not named[name].get("address"):
        return {}
    found = planned(services_of(endpoints), pools)
    key = f"{named[name]['namespace']}/{named[name]['service']}"
    return next(one.planned.annotations for one in found.assignments if one.service.key == key)


def planned(services: t.Any, pools: t.Any) -> PortPlan:
    """The plan of declared services and pools. Raises PlanError when there are input errors or conflicts."""
    errors = InputErrors()
    read = read_services(services, errors)
    namespaces = read_namespaces({}, (service.namespace for service in read), errors)
    read_as_pools = read_pools(pools, namespaces, errors)
    if errors:
        raise PlanError(errors.message("Port plan"))
    found = plan(read_as_pools, read)
    if found.conflicts:
        raise PlanError(found.conflict_message())
    return found


def _service_of(endpoint: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    ports = endpoint.get("ports")
    return {
        "name": endpoint.get("service"),
        "ports": [_port_of(port) for port in ports] if isinstance(ports, list) else ports,
        **{key: endpoint[key] for key in _SAME_KEYS if key in endpoint},
    }


def _port_of(port: t.Any) -> t.Any:
    return {key: port[key] for key in ("port", "protocol") if key in port} if isinstance(port, dict) else port
