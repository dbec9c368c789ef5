# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and blocks of addresses, parsed the way MetalLB's controller (Go's net package) parses them."""

from __future__ import annotations

import typing as t

MISSING_LIBRARY = ""
try:
    import netaddr
except ImportError as import_error:
    MISSING_LIBRARY = str(import_error)

_WIDTHS = {4: 32, 6: 128}
FAMILIES = {4: "IPv4", 6: "IPv6"}


class Address(t.NamedTuple):
    """One address as two numbers: planning thousands of Services compares and hashes it all the time."""

    version: int
    value: int

    def __str__(self) -> str:
        return str(netaddr.IPAddress(self.value, self.version))


class Block(t.NamedTuple):
    """Every address from ``first`` to ``last``, in one family.

    MetalLB splits a range into CIDRs in ascending order (config.ParseCIDR); walking those from the first to the last
    is walking the range, so that a range stays one block here.
    """

    version: int
    first: int
    last: int

    def has(self, address: Address) -> bool:
        return address.version == self.version and self.first <= address.value <= self.last

    def __str__(self) -> str:
        first, last = Address(self.version, self.first), Address(self.version, self.last)
        return str(first) if first == last else f"{first}-{last}"


def parse_address(text: str) -> Address | None:
    """The address that ``text`` spells, or None; an IPv4-mapped IPv6 address is its IPv4 address, as in Go."""
    try:
        parsed = netaddr.IPAddress(text)
    except (netaddr.AddrFormatError, ValueError):
        return None
    if parsed.is_ipv4_mapped():
        parsed = parsed.ipv4()
    return Address(parsed.version, int(parsed))


def parse_request(text: str) -> tuple[Address, ...] | None:
    """What the annotation loadBalancerIPs may ask for: one address, or one of each family; None for anything else.

    Upstream: controller/service.go getDesiredLbIPs and ipfamily.ForAddressesIPs.
    """
    parsed = [parse_address(part.strip()) for part in text.split(",")]
    addresses = tuple(address for address in parsed if address)
    versions = {address.version for address in addresses}
    return addresses if len(addresses) == len(parsed) == len(versions) else None


def parse_block(text: str) -> Block | None:
    """The block that a pool's CIDR or ``first-last`` range spells, or None when it is malformed or reversed.

    Upstream: config.ParseCIDR. A CIDR with host bits set means its network. Stricter than upstream in one point: a
    range from one family into the other, which upstream turns into no address at all, is refused.
    """
    if "-" in text:
        first, last = (parse_address(part.strip()) for part in text.split("-", 1))
        if first is None or last is None or first.version != last.version or first.value > last.value:
            return None
        return Block(first.version, first.value, last.value)
    head, slash, prefix = text.partition("/")
    address = parse_address(head)
    mapped = ":" in head and address is not None and address.version == 4
    if address is None or mapped or not slash or not (prefix.isascii() and prefix.isdigit()):
        return None
    if int(prefix) > _WIDTHS[address.version]:
        return None
    network = netaddr.IPNetwork((address.value, int(prefix)), version=address.version)
    return Block(address.version, network.first, network.last)


def is_avoided(address: Address) -> bool:
    """Whether avoidBuggyIPs skips it: an IPv4 address that ends in .0 or .255 (allocator.ipConfusesBuggyFirmwares)."""
    return address.version == 4 and address.value & 0xFF in (0, 0xFF)


def joined(addresses: t.Iterable[Address]) -> str:
    """Addresses as the annotation loadBalancerIPs wants them."""
    return ",".join(str(address) for address in addresses)
