# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, networks and ranges as a user writes them."""

from __future__ import annotations

import dataclasses
import ipaddress
import re

ADDRESS = "an IPv4 address such as 192.168.1.21"
CIDR = "an IPv4 network as a CIDR such as 192.168.1.0/24, with no bit set beyond its prefix"
RANGE = "first-last with two IPv4 addresses in ascending order, such as 192.168.1.240-192.168.1.249"


@dataclasses.dataclass(frozen=True)
class Span:
    """Consecutive addresses, both ends included; a single address is a span of one."""

    first: ipaddress.IPv4Address
    last: ipaddress.IPv4Address

    def overlaps(self, other: Span) -> bool:
        """Whether an address is in both."""
        return self.first <= other.last and other.first <= self.last

    def within(self, other: Span) -> bool:
        """Whether all its addresses are in the other."""
        return other.first <= self.first and self.last <= other.last

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def read_address(text: str) -> Span:
    """One address. Raises ValueError."""
    address = ipaddress.IPv4Address(text)
    return Span(address, address)


def read_cidr(text: str) -> Span:
    """The addresses of a network, its own and the broadcast address included. Raises ValueError."""
    # A bare address or a dotted mask would pass too.
    if not re.search(r"/\d{1,2}$", text):
        raise ValueError(text)
    network = ipaddress.IPv4Network(text)
    return Span(network.network_address, network.broadcast_address)


def read_range(text: str) -> Span:
    """A range "first-last"; blanks around the hyphen are allowed, as MetalLB allows them. Raises ValueError."""
    first, _hyphen, last = text.partition("-")
    span = Span(ipaddress.IPv4Address(first.strip()), ipaddress.IPv4Address(last.strip()))
    if span.first > span.last:
        raise ValueError(text)
    return span


def read_pool(text: str) -> Span:
    """What an IPAddressPool takes: a range or a CIDR. Raises ValueError."""
    return read_range(text) if "-" in text else read_cidr(text)
