# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, networks and ranges."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight import addresses
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.addresses import Span
from hypothesis import given
from hypothesis import strategies as st

BASE = int(ipaddress.IPv4Address("192.168.1.0"))
SPANS = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(
    lambda ends: Span(ipaddress.IPv4Address(BASE + min(ends)), ipaddress.IPv4Address(BASE + max(ends)))
)


def members(span: Span) -> set[int]:
    return set(range(int(span.first), int(span.last) + 1))


@given(one=SPANS, other=SPANS)
def test_spans_overlap_and_contain_as_sets_of_addresses_do(one, other) -> None:
    assert one.overlaps(other) == bool(members(one) & members(other))
    assert one.within(other) == (members(one) <= members(other))


@given(span=SPANS)
def test_a_range_reads_back_as_it_is_shown(span) -> None:
    text = f"{span.first}-{span.last}"
    assert addresses.read_pool(text) == addresses.read_range(text) == span


@given(network=st.ip_addresses(v=4), prefix=st.integers(0, 32))
def test_a_cidr_spans_the_network_and_host_bits_are_refused(network, prefix) -> None:
    wanted = ipaddress.IPv4Network((network, prefix), strict=False)
    assert members_count(addresses.read_cidr(str(wanted))) == wanted.num_addresses
    if network != wanted.network_address:
        with pytest.raises(ValueError, match="host bits"):
            addresses.read_cidr(f"{network}/{prefix}")


def refused(read: t.Callable[[str], Span], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return True
    return False


def members_count(span: Span) -> int:
    return int(span.last) - int(span.first) + 1


@given(text=st.text(alphabet="0123456789./- :a", max_size=20))
def test_any_text_is_read_or_refused_with_a_value_error(text) -> None:
    for read in (addresses.read_address, addresses.read_cidr, addresses.read_range, addresses.read_pool):
        assert refused(read, text) or read(text).first <= read(text).last


@pytest.mark.parametrize(
    "text", ["192.168.1.0", "192.168.1.0/", "192.168.1.0/33", "192.168.1.0/255.255.255.0", "fe80::/64", "10.42.0.0/8"]
)
def test_malformed_cidrs_are_refused(text) -> None:
    assert refused(addresses.read_cidr, text)


@pytest.mark.parametrize("text", ["192.168.1.9-192.168.1.8", "192.168.1.9-", "-", "192.168.1.9-12", "a-b"])
def test_malformed_and_reversed_ranges_are_refused(text) -> None:
    assert refused(addresses.read_range, text)


def test_blanks_around_the_hyphen_are_allowed() -> None:
    assert str(addresses.read_range("192.168.1.8 - 192.168.1.9")) == "192.168.1.8-192.168.1.9"
