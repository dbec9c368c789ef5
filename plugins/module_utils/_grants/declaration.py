# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the list of grants that a user wrote; every error is collected, and no server is asked."""

from __future__ import annotations

import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._fields import Fields
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants import privileges, signature
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import (
    PUBLIC,
    Declaration,
    Entry,
    Kind,
    MemberOptions,
    Membership,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors, Words

_IN_SCHEMA = (Kind.TABLE, Kind.SEQUENCE, Kind.FUNCTION, Kind.TYPE)
_DEFAULTS = "default_privileges"
_MEMBERSHIP = "membership"
_TYPES = (Kind.DATABASE, Kind.SCHEMA, *_IN_SCHEMA, _DEFAULTS, _MEMBERSHIP)
_RIGHTS = ("type", "state", "privileges", "roles", "grant_option")
_KEYS: dict[str, tuple[str, ...]] = {
    Kind.DATABASE: (*_RIGHTS, "names", "owner"),
    Kind.SCHEMA: (*_RIGHTS, "names", "owner", "database"),
    Kind.TABLE: (*_RIGHTS, "names", "owner", "database", "schema", "all_in_schema", "columns"),
    **dict.fromkeys(_IN_SCHEMA[1:], (*_RIGHTS, "names", "owner", "database", "schema", "all_in_schema")),
    _DEFAULTS: (*_RIGHTS, "database", "schema", "creators", "objects"),
    _MEMBERSHIP: ("type", "state", "groups", "roles", "admin", "inherit", "set"),
}
_ROLE = "the name of a role"


def read_grants(raw: t.Any, errors: InputErrors, variable: str = "grants") -> Declaration:
    """The declaration; incomplete where ``errors`` got entries."""
    entries: list[Entry] = []
    memberships: list[Membership] = []
    if not isinstance(raw, list):
        errors.add(variable, raw, "a list of grants")
        raw = []
    for index, item in enumerate(raw):
        path = f"{variable}[{index}]"
        kind = item.get("type") if isinstance(item, dict) else None
        if kind not in _TYPES:
            errors.add(f"{path}.type", kind, f"one of {', '.join(_TYPES)}")
            continue
        fields = _Fields(item, path, _KEYS[kind], errors)
        if kind == _MEMBERSHIP:
            memberships.append(_membership(fields))
        else:
            entries.append(_entry(fields, Kind.DEFAULT if kind == _DEFAULTS else Kind(kind)))
    return Declaration(tuple(entries), tuple(memberships))


class _Fields(Fields):
    """Fields of one grant."""

    def __init__(self, raw: dict[str, t.Any], path: str, known: t.Collection[str], errors: InputErrors) -> None:
        super().__init__(raw, path, known, errors)
        self.has = {key for key in known if raw.get(key) is not None}
        self.errors = errors

    def identifier(self, name: str, *, required: bool = True) -> str:
        """One name, "" when it is unset or wrong."""
        value = self.text(name) if name in self.has or not required else None
        if required and name not in self.has:
            self.wrong(name, "a name")
        return self._named(name, value) if value is not None else ""

    def identifiers(self, name: str, *, required: bool = True, allowed: str = "a name") -> tuple[str, ...]:
        """Names without repetition."""
        values = self.texts(name, required=required or name in self.has) or []
        return tuple(filter(None, (self._named(name, value, allowed) for value in values)))

    def roles(self, name: str, *, required: bool = True, public: bool = False) -> tuple[str, ...]:
        """Names of roles, PUBLIC among them where it has a meaning."""
        names = self.identifiers(name, required=required, allowed=_ROLE)
        if not public and {"PUBLIC", PUBLIC} & set(names):
            self.wrong(name, "names of roles (PUBLIC is none)")
        return tuple(dict.fromkeys(PUBLIC if one == "PUBLIC" else one for one in names))

    def option(self, name: str) -> bool | None:
        """True, false, or None when nothing is said."""
        return self.flag(name, default=False) if name in self.has else None

    def is_absent(self) -> bool:
        return self.choice("state", ("present", "absent"), "present") == "absent"

    def _named(self, name: str, value: str, allowed: str = "a name") -> str:
        if value and "\0" not in value:
            return str(value)
        self.wrong(name, f"{allowed}, not empty and without NUL characters")
        return ""


def _membership(fields: _Fields) -> Membership:
    absent = fields.is_absent()
    said = [name for name in ("admin", "inherit", "set") if name in fields.has]
    if absent and said:
        fields.wrong(said[0], "nothing with state=absent, which takes the membership away with all its options")
    return Membership(
        path=fields.path,
        groups=fields.roles("groups"),
        members=fields.roles("roles"),
        admin=fields.option("admin"),
        options=MemberOptions(fields.option("inherit"), fields.option("set")),
        absent=absent,
    )


def _entry(fields: _Fields, kind: Kind) -> Entry:
    columns = fields.identifiers("columns", required=False)
    absent, option = fields.is_absent(), fields.flag("grant_option", default=False)
    owner = fields.identifier("owner", required=False)
    if owner in ("PUBLIC", PUBLIC) or (owner and (absent or columns)):
        fields.wrong("owner", "a role, with state=present and without columns")
    wants_rights = bool({"privileges", "roles"} & fields.has) or "owner" not in fields.has
    roles = fields.roles("roles", public=True) if wants_rights else ()
    if option and not absent and PUBLIC in roles:
        fields.wrong("grant_option", "false for PUBLIC, which cannot hand privileges on")
    on, names = _defaults(fields) if kind is Kind.DEFAULT else ("", _names(fields, kind))
    about = privileges.DEFAULTS_ON.get(on, kind)
    kind = Kind.COLUMN if columns else kind
    return Entry(
        path=fields.path,
        kind=kind,
        database="" if kind is Kind.DATABASE else fields.identifier("database"),
        schema=fields.identifier("schema", required=kind in (*_IN_SCHEMA, Kind.COLUMN)),
        names=names,
        columns=columns,
        on=on,
        privileges=_privileges(fields, Kind.COLUMN if columns else about) if wants_rights else (),
        roles=roles,
        option=option,
        absent=absent,
        owner=owner,
    )


def _defaults(fields: _Fields) -> tuple[str, tuple[str, ...]]:
    """The kind of objects and the roles that create them."""
    on = fields.choice("objects", tuple(privileges.DEFAULTS_ON), "")
    if "objects" not in fields.has:
        fields.wrong("objects", f"one of {', '.join(privileges.DEFAULTS_ON)}")
    if on == "schemas" and "schema" in fields.has:
        fields.wrong("schema", "nothing with objects=schemas, which are in no schema")
    return on, fields.roles("creators")


def _names(fields: _Fields, kind: Kind) -> tuple[str, ...] | None:
    """The names of the objects, or None for all in the schema."""
    if fields.flag("all_in_schema", default=False):
        for other in sorted({"names", "columns"} & fields.has):
            fields.wrong(other, "nothing with all_in_schema, which stands for every object")
        return None
    names = fields.identifiers("names")
    if kind is Kind.FUNCTION:
        for name in names:
            if signature.parse(name) is None:
                fields.errors.add(f"{fields.path}.names", name, "a name, or name(type, type) as in add(integer, text)")
    return names


def _privileges(fields: _Fields, kind: Kind) -> tuple[str, ...]:
    """Privileges in upper case and without abbreviations."""
    given = [value.upper() for value in fields.texts("privileges", required=True) or []]
    given = ["TEMPORARY" if one == "TEMP" else privileges.ALL if one == "ALL PRIVILEGES" else one for one in given]
    # A wrong kind of objects is reported by itself.
    allowed = () if kind is Kind.DEFAULT else (*privileges.known(kind), privileges.ALL)
    for one in given:
        if allowed and one not in allowed:
            fields.errors.add(f"{fields.path}.privileges", one, f"for a {kind}: {', '.join(allowed)}")
    if privileges.ALL in given and len(given) > 1:
        fields.errors.add(f"{fields.path}.privileges", Words(", ".join(given)), "ALL alone, or privileges without it")
    return tuple(dict.fromkeys(given))
