# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types that grants are read, compared and written with."""

from __future__ import annotations

import dataclasses
import enum
import re
import typing as t

# What SQL calls PUBLIC, as a catalog would call it: no role can have this name, which PostgreSQL reserves.
PUBLIC = "public"
MEMBER = "MEMBER"

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class GrantsError(Exception):
    """What a task cannot do, in a sentence for the user."""


class Kind(enum.StrEnum):
    """The kinds of objects that have privileges, and how statements call them."""

    DATABASE = "database"
    SCHEMA = "schema"
    TABLE = "table"
    COLUMN = "column"
    SEQUENCE = "sequence"
    FUNCTION = "function"
    TYPE = "type"
    DEFAULT = "default privileges"
    ROLE = "role"


class Item(t.NamedTuple):
    """One entry of an access control list: who gave whom which privilege, and whether it may be handed on."""

    grantor: str
    grantee: str
    privilege: str
    grantable: bool


class Right(t.NamedTuple):
    """What a role may do, whoever gave it: use a privilege, or (``option``) hand it on."""

    grantee: str
    privilege: str
    option: bool = False


class Key(t.NamedTuple):
    """Which object: its kind, its schema ("" where it is in none) and its name.

    ``part`` is the column's name of a column. Of default privileges, ``name`` is the role that creates the objects
    and ``part`` the kind of objects ("tables").
    """

    kind: Kind
    schema: str
    name: str
    part: str = ""

    def label(self, database: str) -> str:
        """How a result names the object: "table public.visits in shlink"."""
        if self.kind is Kind.ROLE:
            return f"members of {shown(self.name)}"
        if self.kind is Kind.DATABASE:
            return f"database {shown(self.name)}"
        if self.kind is Kind.DEFAULT:
            schema = f" in schema {shown(self.schema)}" if self.schema else ""
            return f"default privileges on {self.part} of {shown(self.name)}{schema} in {shown(database)}"
        # A function's name has its argument types with it, already quoted by the server where that is needed.
        name = self.name if self.kind is Kind.FUNCTION else shown(self.name)
        path = [*([shown(self.schema)] if self.schema else []), name, *([shown(self.part)] if self.part else [])]
        return f"{self.kind} {'.'.join(path)} in {shown(database)}"


@dataclasses.dataclass(frozen=True)
class CatalogObject:
    """An object as a catalog has it.

    ``items`` is its access control list, PostgreSQL's built-in defaults counted in. ``follows`` is the table that a
    sequence belongs to and takes its owner from. ``foreign`` says that PostgreSQL or an extension made it.
    ``bare`` and ``arguments`` are a function's name without its types and the numbers of its input types.
    """

    key: Key
    owner: str
    items: frozenset[Item]
    follows: Key | None = None
    foreign: bool = False
    bare: str = ""
    arguments: tuple[int, ...] = ()


class MemberOptions(t.NamedTuple):
    """How a membership works on PostgreSQL 16 and later; None where nothing is said."""

    inherit: bool | None = None
    set: bool | None = None


@dataclasses.dataclass(frozen=True)
class Entry:
    """One entry of the list that has privileges or an owner; ``path`` is where the user wrote it (``grants[3]``).

    ``names`` is None for all objects of the kind in the schema. Privileges may be ``ALL``. For default privileges
    ``names`` are the creating roles and ``on`` is the kind of objects.
    """

    path: str
    kind: Kind
    database: str
    schema: str
    names: tuple[str, ...] | None
    columns: tuple[str, ...]
    on: str
    privileges: tuple[str, ...]
    roles: tuple[str, ...]
    option: bool
    absent: bool
    owner: str


@dataclasses.dataclass(frozen=True)
class Membership:
    """One entry that puts ``members`` into ``groups``, or takes them out."""

    path: str
    groups: tuple[str, ...]
    members: tuple[str, ...]
    admin: bool | None
    options: MemberOptions
    absent: bool


@dataclasses.dataclass(frozen=True)
class Declaration:
    """The whole list, as the user wrote it: nothing here depends on a server."""

    entries: tuple[Entry, ...]
    memberships: tuple[Membership, ...]

    @property
    def databases(self) -> list[str]:
        """The databases that the list names, in its order."""
        of_databases = [name for one in self.entries if one.kind is Kind.DATABASE for name in one.names or ()]
        return list(dict.fromkeys([*(one.database for one in self.entries if one.database), *of_databases]))

    @property
    def grantees(self) -> set[str]:
        """The roles that the list gives something to."""
        given = {role for one in self.entries if not one.absent for role in one.roles}
        return given | {role for one in self.memberships if not one.absent for role in one.members}


def shown(identifier: str) -> str:
    """An identifier for people: quoted only where it could be misread."""
    return identifier if _PLAIN.fullmatch(identifier) else quoted(identifier)


def quoted(identifier: str) -> str:
    """An identifier for a statement. Always quoted, so that case, spaces and reserved words survive."""
    return '"' + identifier.replace('"', '""') + '"'
