# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Meets the declaration with the catalogs: names become objects, ALL becomes privileges, what is absent is listed."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants import privileges, signature
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.acl import Rights, Wish
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.catalog import Cluster, Database
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import (
    MEMBER,
    PUBLIC,
    CatalogObject,
    Declaration,
    Entry,
    Key,
    Kind,
    MemberOptions,
    Membership,
    Right,
    shown,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors, Words


@dataclasses.dataclass
class Wishes:
    """What is wanted of each object, with the entry that said so."""

    present: dict[Key, dict[Right, str]] = dataclasses.field(default_factory=dict)
    absent: dict[Key, dict[Right, str]] = dataclasses.field(default_factory=dict)
    owners: dict[Key, tuple[str, str]] = dataclasses.field(default_factory=dict)
    options: dict[tuple[str, str], tuple[MemberOptions, str]] = dataclasses.field(default_factory=dict)

    def wish(self, key: Key) -> Wish:
        return Wish(frozenset(self.present.get(key, ())), frozenset(self.absent.get(key, ())))

    def owner(self, key: Key, current: str) -> str:
        return self.owners.get(key, (current, ""))[0]


class Resolver:
    """Collects the wishes of all entries; ``errors`` are contradictions, ``missing`` is what the server lacks."""

    def __init__(self, cluster: Cluster, databases: t.Mapping[str, Database]) -> None:
        self.errors = InputErrors()
        self.missing = InputErrors()
        self._cluster = cluster
        self._databases = databases
        self._shared: dict[str, Wishes] = {name: Wishes() for name in ("", *databases)}

    def resolve(self, declaration: Declaration) -> dict[str, Wishes]:
        """The wishes by database; those about databases and memberships are under ""."""
        for entry in declaration.entries:
            if entry.database and entry.database not in self._databases:
                self._lacks(f"{entry.path}.database", entry.database, "a database that exists")
                self._roles(entry)
                continue
            self._entry(entry, self._shared[entry.database])
        for membership in declaration.memberships:
            self._membership(membership, self._shared[""])
        for name, database in self._databases.items():
            self._linked_sequences(self._shared[name], database)
        return self._shared

    def _lacks(self, path: str, value: str, allowed: str) -> None:
        self.missing.add(path, value, allowed)

    def _existing(self, path: str, names: t.Iterable[str]) -> list[str]:
        """Those of the roles that exist."""
        found = []
        for name in names:
            if name == PUBLIC or name in self._cluster.roles:
                found.append(name)
            else:
                self._lacks(path, name, "a role that exists")
        return found

    def _roles(self, entry: Entry) -> tuple[list[str], str]:
        """The roles and the owner of an entry, as far as they exist."""
        owner = self._existing(f"{entry.path}.owner", [entry.owner]) if entry.owner else []
        return self._existing(f"{entry.path}.roles", entry.roles), "".join(owner)

    def _entry(self, entry: Entry, wishes: Wishes) -> None:
        roles, owner = self._roles(entry)
        about = privileges.DEFAULTS_ON[entry.on] if entry.on else entry.kind
        rights = _rights(roles, self._privileges(entry, about), entry)
        for key in self._keys(entry):
            self._want(wishes, key, rights, entry)
            if owner:
                said, path = wishes.owners.setdefault(key, (owner, entry.path))
                if said != owner:
                    self.errors.add(f"{entry.path}.owner", owner, f"{said!r}, which {path} gives the same object")

    def _want(self, wishes: Wishes, key: Key, rights: Rights, entry: Entry | Membership) -> None:
        """Records rights, and contradictions between two entries."""
        mine, others = wishes.present, wishes.absent
        if entry.absent:
            mine, others = others, mine
        for right in sorted(rights):
            path = others.get(key, {}).get(right)
            if path:
                what = f"{right.privilege}{' with grant option' if right.option else ''} of {right.grantee}"
                text = Words(f"{'absent' if entry.absent else 'present'} for {what} on {key.kind} {shown(key.name)}")
                self.errors.add(f"{entry.path}.state", text, f"the same as in {path}")
            mine.setdefault(key, {}).setdefault(right, entry.path)

    def _privileges(self, entry: Entry, about: Kind) -> tuple[str, ...]:
        """The privileges, with ALL as what this server's version has."""
        known = privileges.known(about, self._cluster.version)
        for one in entry.privileges:
            if one not in (*known, privileges.ALL):
                version = f"on PostgreSQL {self._cluster.version}"
                self.errors.add(f"{entry.path}.privileges", one, f"for a {about} {version}: {', '.join(known)}")
        return known if privileges.ALL in entry.privileges else entry.privileges

    def _keys(self, entry: Entry) -> list[Key]:
        """The objects that an entry names and the server has."""
        if entry.kind is Kind.DATABASE:
            keys = [Key(Kind.DATABASE, "", name) for name in entry.names or ()]
            return self._found(entry, keys, self._cluster.databases, "a database that exists")
        database = self._databases[entry.database]
        place = f"in database {shown(entry.database)}"
        if entry.kind is Kind.SCHEMA:
            keys = [Key(Kind.SCHEMA, "", name) for name in entry.names or ()]
            return self._found(entry, keys, database.objects, f"a schema that exists {place}")
        if entry.schema and Key(Kind.SCHEMA, "", entry.schema) not in database.objects:
            self._lacks(f"{entry.path}.schema", entry.schema, f"a schema that exists {place}")
            return []
        if entry.kind is Kind.DEFAULT:
            creators = self._existing(f"{entry.path}.creators", entry.names or ())
            return [Key(Kind.DEFAULT, entry.schema, name, entry.on) for name in creators]
        if entry.names is None:
            return [one.key for one in database.of(entry.kind, entry.schema)]
        if entry.kind is Kind.FUNCTION:
            return [key for name in entry.names for key in self._function(entry, name, database)]
        place = f"in schema {shown(entry.schema)} of database {shown(entry.database)}"
        kind = Kind.TABLE if entry.kind is Kind.COLUMN else entry.kind
        keys = [Key(kind, entry.schema, name) for name in entry.names]
        found = self._found(entry, keys, database.objects, f"a {kind} that exists {place}")
        if entry.kind is not Kind.COLUMN:
            return found
        columns = [Key(Kind.COLUMN, key.schema, key.name, column) for key in found for column in entry.columns]
        return self._found(entry, columns, database.objects, f"a column that each of the tables {place} has", "columns")

    def _found(
        self, entry: Entry, keys: list[Key], known: t.Container[Key], allowed: str, field: str = "names"
    ) -> list[Key]:
        for key in keys:
            if key not in known:
                self._lacks(f"{entry.path}.{field}", key.part or key.name, allowed)
        return [key for key in keys if key in known]

    def _function(self, entry: Entry, name: str, database: Database) -> list[Key]:
        """The function that a name or a signature means."""
        parsed = signature.parse(name)
        place = f"in schema {shown(entry.schema)} of database {shown(entry.database)}"
        if parsed is None:
            return []
        same = [one for one in database.of(Kind.FUNCTION, entry.schema) if one.bare == parsed.name]
        if parsed.types is not None:
            numbers = tuple(database.types[entry.schema, text] for text in parsed.types)
            same = [one for one in same if one.arguments == numbers]
        elif len(same) > 1:
            self.errors.add(f"{entry.path}.names", name, f"one of {', '.join(one.key.name for one in same)}")
        if not same:
            self._lacks(f"{entry.path}.names", name, f"a function that exists {place}")
        return [one.key for one in same]

    def _linked_sequences(self, wishes: Wishes, database: Database) -> None:
        """A sequence that belongs to a table's column cannot have another owner than the table."""
        for key, (owner, path) in wishes.owners.items():
            table = database.objects[key].follows
            if table and owner != wishes.owner(table, database.objects[key].owner):
                follows = f"the owner of table {shown(table.name)}, to which sequence {shown(key.name)} belongs"
                self.errors.add(f"{path}.owner", owner, follows)

    def _membership(self, entry: Membership, wishes: Wishes) -> None:
        groups = self._existing(f"{entry.path}.groups", entry.groups)
        members = self._existing(f"{entry.path}.roles", entry.members)
        if self._cluster.version < 16 and any(option is not None for option in entry.options):
            version = f"on PostgreSQL {self._cluster.version}, where it belongs to the role"
            for name, value in entry.options._asdict().items():
                if value is not None:
                    self.errors.add(f"{entry.path}.{name}", value, f"nothing {version}")
        for group in groups:
            key = Key(Kind.ROLE, "", group)
            wanted = frozenset(Right(member, MEMBER) for member in members)
            admins = frozenset(Right(member, MEMBER, True) for member in members)
            self._want(wishes, key, wanted | (admins if entry.absent or entry.admin else frozenset()), entry)
            if entry.admin is False:
                self._want(wishes, key, admins, dataclasses.replace(entry, absent=True))
            for member in members:
                said, path = wishes.options.setdefault((group, member), (entry.options, entry.path))
                if said != entry.options:
                    self.errors.add(entry.path, Words(f"another way for {member} to be in {group}"), f"that of {path}")


def _rights(roles: t.Iterable[str], names: t.Iterable[str], entry: Entry) -> Rights:
    """The rights that an entry is about: taking a privilege away takes its grant option with it."""
    plain = frozenset(Right(role, name) for role in roles for name in names)
    options = frozenset(one._replace(option=True) for one in plain)
    if entry.absent:
        return options if entry.option else plain | options
    return plain | options if entry.option else plain


def exclusive(wish: Wish, catalog: CatalogObject, owner: str, rights: Rights, roles: t.Collection[str]) -> Wish:
    """The wish with all else that ``roles`` hold on the object as absent; what their ownership gives them is none."""
    if catalog.foreign:
        return wish
    rest = frozenset(one for one in rights - wish.present if one.grantee in roles and one.grantee != owner)
    return Wish(wish.present, wish.absent | rest)
