# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and blocks are read the way MetalLB reads them."""

from __future__ import annotations

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._port_plan.addresses import (
    Address,
    Block,
    is_avoided,
    parse_address,
    parse_block,
    parse_request,
)


@pytest.mark.parametrize(
    "text", ["", "192.0.2", "192.0.2.01", " 192.0.2.1", "fe80::1%lo", "192.0.2.1/32", "3221225985", "web"]
)
def test_what_go_does_not_take_for_an_address_is_none(text):
    assert parse_address(text) is None


def test_an_ipv4_address_inside_an_ipv6_address_is_the_ipv4_address():
    assert parse_address("::ffff:192.0.2.1") == parse_address("192.0.2.1")


def test_a_cidr_with_host_bits_means_its_network():
    assert str(parse_block("192.0.2.77/30")) == "192.0.2.76-192.0.2.79"


def test_a_range_has_both_its_ends_and_may_have_spaces():
    block = parse_block("192.0.2.1 - 192.0.2.3")
    assert [block.has(parse_address(f"192.0.2.{last}")) for last in range(5)] == [False, True, True, True, False]


def test_a_range_of_one_address_is_shown_as_that_address():
    assert str(Block(4, 1, 1)) == "0.0.0.1"


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.0",
        "192.0.2.0/33",
        "192.0.2.0/-1",
        "192.0.2.0/255.255.255.0",
        "192.0.2.9-192.0.2.1",
        "192.0.2.1-2001:db8::1",
        "192.0.2.1-",
        "::ffff:192.0.2.0/120",
        "/24",
    ],
)
def test_malformed_and_reversed_blocks_are_none(text):
    assert parse_block(text) is None


def test_a_request_is_one_address_or_one_of_each_family():
    assert [str(address) for address in parse_request("2001:db8::1, 192.0.2.1")] == ["2001:db8::1", "192.0.2.1"]
    assert parse_request("192.0.2.1,192.0.2.2") is None
    assert parse_request("192.0.2.1,") is None


def test_only_ipv4_addresses_that_end_in_0_or_255_are_avoided():
    assert [is_avoided(Address(4, value)) for value in (0x0A000000, 0x0A0000FF, 0x0A0000FE)] == [True, True, False]
    assert not is_avoided(Address(6, 0x0A000000))
