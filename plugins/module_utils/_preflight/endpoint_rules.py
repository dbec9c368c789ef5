# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the declared endpoints."""

from __future__ import annotations

import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.network_rules import doubles

if t.TYPE_CHECKING:
    from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputError
    from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.lab import Endpoint, Lab


def endpoint_names_are_unique(lab: Lab) -> t.Iterator[InputError]:
    """No two endpoints have one name: links, reports and templates find them by it."""
    yield from doubles(endpoint.name for endpoint in lab.endpoints)


def endpoint_addresses_are_in_a_pool(lab: Lab) -> t.Iterator[InputError]:
    """Each endpoint's address is in a pool: MetalLB gives no other."""
    spans = [span for pool in lab.pools for span in pool.spans]
    for endpoint in lab.endpoints:
        if endpoint.address and spans and not any(endpoint.address.value.within(span.value) for span in spans):
            pools = ", ".join(repr(span.place.value) for span in spans)
            yield endpoint.address.error(f"an address of lab_address_pools: {pools}")


def ports_are_taken_once(lab: Lab) -> t.Iterator[InputError]:
    """No two endpoints have one port of a protocol on one address."""
    taken: dict[tuple[str, str, float], Endpoint] = {}
    for endpoint in lab.endpoints:
        for port in endpoint.ports:
            if not (endpoint.address and port.number):
                continue
            key = (str(endpoint.address.value), port.protocol, port.number.value)
            if key in taken:
                yield port.number.error(
                    f"a port that is free on this address; {_named(taken[key])} and {_named(endpoint)} both want"
                    f" {endpoint.address.place.value!r} {port.protocol} {port.number.value:g}"
                )
            taken.setdefault(key, endpoint)


def _named(endpoint: Endpoint) -> str:
    return endpoint.name.value if endpoint.name else "an endpoint without a name"
