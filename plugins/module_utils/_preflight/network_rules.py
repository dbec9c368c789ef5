# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about addresses: inside their network, used once, networks apart from each other."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputError

if t.TYPE_CHECKING:
    from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.lab import Address, Lab


def addresses_are_inside_the_network(lab: Lab) -> t.Iterator[InputError]:
    """The gateway, the API, the nodes, the pools and the DHCP range lie inside lab_network.cidr."""
    if lab.network:
        for address in [*_single_addresses(lab), *_ranges(lab)]:
            if not address.value.within(lab.network.value):
                yield address.error(f"inside lab_network.cidr {lab.network.place.value!r}")


def addresses_can_belong_to_a_machine(lab: Lab) -> t.Iterator[InputError]:
    """No machine has the network's own (first) or broadcast (last) address."""
    if lab.network:
        network = lab.network.value
        for address in _single_addresses(lab):
            for reserved, what in ((network.first, "own"), (network.last, "broadcast")):
                if address.value.first == reserved:
                    yield address.error(
                        f"an address between {network.first + 1} and {network.last - 1}; this is the {what} address of "
                        f"lab_network.cidr {lab.network.place.value!r}"
                    )


def addresses_are_used_once(lab: Lab) -> t.Iterator[InputError]:
    """Gateway, hypervisor, API, nodes, pools and DHCP range have no address in common."""
    host = [lab.host.address] if lab.host.address else []
    users = [*_single_addresses(lab), *host, *_ranges(lab)]
    for first, second in itertools.combinations(users, 2):
        if first.value.overlaps(second.value):
            yield second.error(f"an address that nothing else uses; {_named(first)}")


def name_servers_have_their_own_address(lab: Lab) -> t.Iterator[InputError]:
    """A name server may be the gateway or the hypervisor, but no node, API address or pool, and none stands twice."""
    others = [
        address
        for address in [*_single_addresses(lab), *_ranges(lab)]
        if lab.gateway is None or address.place != lab.gateway.place
    ]
    for index, server in enumerate(lab.dns):
        for other in [*others, *lab.dns[:index]]:
            if server.value.overlaps(other.value):
                yield server.error(f"the address of a name server; {_named(other)}")


def networks_are_apart(lab: Lab) -> t.Iterator[InputError]:
    """The pods' network, the Services' network and the nodes' network have no address in common."""
    networks = [network for network in (lab.network, lab.cluster_cidr, lab.service_cidr) if network]
    for first, second in itertools.combinations(networks, 2):
        if first.value.overlaps(second.value):
            yield second.error(f"a network apart from the others; {_named(first)}")


def pool_names_are_unique(lab: Lab) -> t.Iterator[InputError]:
    """No two pools have one name: they would be one IPAddressPool."""
    yield from doubles(pool.name for pool in lab.pools)


def doubles(texts: t.Iterable[t.Any]) -> t.Iterator[InputError]:
    """An error for each parsed text that an earlier one equals; ``None`` is skipped."""
    seen: dict[str, str] = {}
    for text in filter(None, texts):
        if text.value in seen:
            yield text.error(f"a name used once; it is also {seen[text.value]}")
        seen.setdefault(text.value, text.place.path)


def _single_addresses(lab: Lab) -> list[Address]:
    return [a for a in (lab.gateway, lab.api_address, *(node.address for node in lab.nodes)) if a]


def _ranges(lab: Lab) -> list[Address]:
    dhcp = [lab.dhcp_range] if lab.dhcp_range else []
    return [*dhcp, *(span for pool in lab.pools for span in pool.spans)]


def _named(address: Address) -> str:
    return f"{address.place.path} is {address.place.value!r}"
