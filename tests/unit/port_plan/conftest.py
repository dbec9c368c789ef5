# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builders of pools and Services, out of the same dictionaries that users write."""

from __future__ import annotations

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan import inputs
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.plan import plan


def read(services, pools, namespaces=None):
    errors = InputErrors()
    found = inputs.read_services(services, errors)
    labels = inputs.read_namespaces(namespaces or {}, [service.namespace for service in found], errors)
    found_pools = inputs.read_pools(pools, labels, errors)
    assert not errors, errors.message("input of this test")
    return found, found_pools


@pytest.fixture
def service():
    """A Service as a dictionary: by default one that wants port 80."""

    def build(name, *ports, **options):
        wanted = [{"port": port} if isinstance(port, int) else port for port in ports or (80,)]
        return {"name": name, "namespace": "lab", "ports": wanted, **options}

    return build


@pytest.fixture
def pool():
    """A pool as a dictionary: by default ten addresses from 192.0.2.240."""

    def build(name="lab", *addresses, **options):
        return {"name": name, "addresses": list(addresses) or ["192.0.2.240-192.0.2.249"], **options}

    return build


@pytest.fixture
def read_world():
    """Services and pools of the model, out of dictionaries."""
    return read


@pytest.fixture
def plan_of():
    """The plan of dictionaries, as the task returns it."""

    def build(services, pools, namespaces=None):
        found, found_pools = read(services, pools, namespaces)
        return plan(found_pools, found).as_dict()

    return build
