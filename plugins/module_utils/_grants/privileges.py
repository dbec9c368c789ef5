# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which privileges exist, by kind of object and server version (PostgreSQL 18, table 5.2 of its manual)."""

from __future__ import annotations

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import Kind

ALL = "ALL"
MAINTAIN = "MAINTAIN"
MAINTAIN_SINCE = 17
_OF_KIND = {
    Kind.DATABASE: ("CREATE", "CONNECT", "TEMPORARY"),
    Kind.SCHEMA: ("CREATE", "USAGE"),
    Kind.TABLE: ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", MAINTAIN),
    Kind.COLUMN: ("SELECT", "INSERT", "UPDATE", "REFERENCES"),
    Kind.SEQUENCE: ("SELECT", "UPDATE", "USAGE"),
    Kind.FUNCTION: ("EXECUTE",),
    Kind.TYPE: ("USAGE",),
}
# What default privileges can be about, and the kind of object that each means.
DEFAULTS_ON = {
    "tables": Kind.TABLE,
    "sequences": Kind.SEQUENCE,
    "functions": Kind.FUNCTION,
    "types": Kind.TYPE,
    "schemas": Kind.SCHEMA,
}


def known(kind: Kind, version: int | None = None) -> tuple[str, ...]:
    """The privileges on a kind of object, of a server's major version or (None) of the newest."""
    return tuple(one for one in _OF_KIND[kind] if one != MAINTAIN or version is None or version >= MAINTAIN_SINCE)
