# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes statements: rights of many objects grouped into few."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.acl import Rights
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import PUBLIC, Key, Kind, quoted

ByObject = t.Mapping[Key, Rights]


class _Target(t.NamedTuple):
    """What a statement is about: one object, and the words around a list of such objects.

    ``defaults`` is None for objects, and where in a database ("IN SCHEMA x", "") default privileges hold.
    """

    defaults: str | None
    on: str
    name: str


def grants(rights: ByObject) -> list[str]:
    """GRANT statements for all rights; an option is granted together with its privilege."""
    optional = {key: frozenset(one for one in some if one.option) for key, some in rights.items()}
    plain = {
        key: frozenset(one for one in some if not one.option and one._replace(option=True) not in some)
        for key, some in rights.items()
    }
    return [
        f"{prefix}GRANT {what} TO {roles}{suffix}"
        for some, suffix in ((plain, ""), (optional, " WITH GRANT OPTION"))
        for prefix, what, roles in _grouped(some)
    ]


def revokes(rights: ByObject, *, cascade: bool = False) -> list[str]:
    """REVOKE statements for all rights; of an option alone where the privilege stays."""
    optional = {key: frozenset(one for one in some if one.option) for key, some in rights.items()}
    plain = {key: frozenset(one for one in some if not one.option) for key, some in rights.items()}
    return [
        f"{prefix}REVOKE {option}{what} FROM {roles}{' CASCADE' if cascade else ''}"
        for some, option in ((optional, "GRANT OPTION FOR "), (plain, ""))
        for prefix, what, roles in _grouped(some)
    ]


def owner(key: Key, role: str) -> str:
    """The statement that gives an object to a role."""
    target = _target(key)
    return f"ALTER {target.on.removeprefix('ON ')} {target.name} OWNER TO {quoted(role)}"


def role_names(names: t.Iterable[str]) -> str:
    """Roles for a statement, PUBLIC among them."""
    return ", ".join("PUBLIC" if name == PUBLIC else quoted(name) for name in sorted(names))


def _grouped(rights: ByObject) -> list[tuple[str, str, str]]:
    """Prefix, "privileges ON objects" and roles of as few statements as have the same in two of three."""
    by_target: dict[tuple[_Target, tuple[str, ...]], set[str]] = collections.defaultdict(set)
    for (target, grantee), spelled in _spelled(rights).items():
        by_target[target, spelled].add(grantee)
    by_roles: dict[tuple[str | None, str, tuple[str, ...], frozenset[str]], list[str]] = collections.defaultdict(list)
    for (target, spelled), some in by_target.items():
        by_roles[target.defaults, target.on, spelled, frozenset(some)].append(target.name)
    statements = []
    for (defaults, on, spelled, grantees), names in by_roles.items():
        what, objects, roles = f"{', '.join(spelled)} {on}", ", ".join(names), role_names(grantees)
        if defaults is None:
            statements.append(("", f"{what} {objects}", roles))
        else:
            statements.append((f"ALTER DEFAULT PRIVILEGES FOR ROLE {objects}{defaults} ", what, roles))
    return statements


def _spelled(rights: ByObject) -> dict[tuple[_Target, str], tuple[str, ...]]:
    """The privileges of each object and role; those on columns are spelled "SELECT (a, b)" and are their table's."""
    columns: dict[tuple[_Target, str], dict[str, list[str]]] = collections.defaultdict(dict)
    for key in sorted(rights):
        for right in sorted(rights[key]):
            of_role = columns[_target(key), right.grantee]
            of_role.setdefault(right.privilege, []).extend([quoted(key.part)] if key.kind is Kind.COLUMN else [])
    return {
        place: tuple(privilege + (f" ({', '.join(names)})" if names else "") for privilege, names in of_role.items())
        for place, of_role in columns.items()
    }


def _target(key: Key) -> _Target:
    if key.kind is Kind.DEFAULT:
        schema = f" IN SCHEMA {quoted(key.schema)}" if key.schema else ""
        return _Target(schema, f"ON {key.part.upper()}", quoted(key.name))
    if key.kind in (Kind.DATABASE, Kind.SCHEMA):
        return _Target(None, f"ON {key.kind.upper()}", quoted(key.name))
    if key.kind is Kind.FUNCTION:
        # ROUTINE means functions, procedures and aggregates; the name comes from the server with its types, quoted.
        return _Target(None, "ON ROUTINE", f"{quoted(key.schema)}.{key.name}")
    kind = Kind.TABLE if key.kind is Kind.COLUMN else key.kind
    return _Target(None, f"ON {kind.upper()}", f"{quoted(key.schema)}.{quoted(key.name)}")
