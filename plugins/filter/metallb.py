# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that bring the port plan into templates."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan import endpoints as registry


def metallb_annotations(endpoints: t.Any, name: str, pools: t.Any) -> dict[str, str]:
    """The annotations to put on the Service of the endpoint ``name``; see metallb_annotations.yml."""
    try:
        return registry.annotations_of(endpoints, name, pools)
    except registry.PlanError as error:
        raise AnsibleFilterError(str(error)) from error


def metallb_services(endpoints: t.Any) -> list[t.Any]:
    """The endpoints as the option `services` of metallb_port_plan; see metallb_services.yml."""
    return registry.services_of(endpoints)


class FilterModule:
    """Names the filters for Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"metallb_annotations": metallb_annotations, "metallb_services": metallb_services}
