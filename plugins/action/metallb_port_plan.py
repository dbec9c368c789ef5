# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of `metallb_port_plan`: reads options and cluster, plans, compares; it never changes anything."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan import addresses, cluster, inputs, live
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.model import Pool, Service
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.plan import plan

_OPTIONS: dict[str, t.Any] = {
    "services": {"type": "raw"},
    "pools": {"type": "raw"},
    "namespaces": {"type": "raw"},
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
    "metallb_namespace": {"type": "str", "default": "metallb-system"},
    "on_conflict": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
}


class ActionModule(ActionBase):
    """Plans on the control node, whose Python has the libraries that it needs."""

    _supports_check_mode = True
    _supports_diff = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(_OPTIONS)
        if addresses.MISSING_LIBRARY:
            return result | {"failed": True, "msg": f"Ansible's Python lacks netaddr: {addresses.MISSING_LIBRARY}"}
        try:
            return result | planned(options)
        except (cluster.ClusterError, ValueError) as error:
            return result | {"failed": True, "msg": str(error)}


def planned(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """The task's result. Raises ValueError with all input errors in one message, or ClusterError."""
    errors = InputErrors()
    found = _cluster(options, errors)
    services, pools = _declared(options, found, errors)
    if errors:
        raise ValueError(errors.message("Port plan"))
    keys = {service.key for service in services}
    others = [(one.service, one.addresses) for one in found.handled if one.addresses and one.service.key not in keys]
    result = plan(pools, services, found.held, others)
    failed = bool(result.conflicts) and options["on_conflict"] == "fail"
    return {
        "changed": False,
        **result.as_dict(),
        "absent": live.absent_of(result.assignments, found),
        "drift": live.drift_of(result.assignments, pools, found),
        "squatters": live.squatters_of(result.assignments, found),
        **({"failed": True, "msg": result.conflict_message()} if failed else {}),
    }


def _cluster(options: dict[str, t.Any], errors: InputErrors) -> live.Cluster:
    """The cluster that the options name, or an empty one."""
    if not options["kubeconfig"] and not options["context"]:
        for name in ("services", "pools"):
            if options[name] is None:
                errors.add(name, None, "a list, or kubeconfig or context of a cluster to read from")
        return live.Cluster((), {}, {})
    return cluster.read_cluster(options["kubeconfig"], options["context"], options["metallb_namespace"], errors)


def _declared(options: dict[str, t.Any], found: live.Cluster, errors: InputErrors) -> tuple[list[Service], list[Pool]]:
    """Services and pools: declared ones, and the cluster's for those that are not declared."""
    if options["services"] is None:
        services = [one.service for one in found.handled]
    else:
        services = inputs.read_services(options["services"], errors)
    used = {service.namespace for service in services} - found.namespaces.keys()
    namespaces = {**found.namespaces, **inputs.read_namespaces(options["namespaces"] or {}, used, errors)}
    if options["pools"] is None:
        return services, list(found.pools)
    return services, inputs.read_pools(options["pools"], namespaces, errors)
