# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random states of a server and random lists of grants, and an account of rights that is kept apart from the product.

Rights are read from the texts of access control lists, where the product uses aclexplode(), and expectations are
computed on sets of rights without a thought of who granted them.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import quoted
from hypothesis import strategies as st

Right = tuple[str, str, str, bool]
Entry = dict[str, t.Any]
Sql = t.Callable[[str], list[tuple[t.Any, ...]]]

ROLES = ["app", "bob", "carol", 'Odd "role"; --']
CREATORS = ["bob", "carol"]
LETTERS = dict(
    zip(
        "rawdDxtmXUCcT",
        [
            *("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"),
            *("EXECUTE", "USAGE", "CREATE", "CONNECT", "TEMPORARY"),
        ],
        strict=True,
    )
)
# Kind of the list, object, words of a statement, privileges. Each line is one object that a list can name.
OBJECTS: list[tuple[str, Entry, str, list[str]]] = [
    ("database", {"names": ["lab"]}, "DATABASE lab", ["CONNECT", "CREATE", "TEMPORARY"]),
    ("schema", {"names": ["public"]}, "SCHEMA public", ["CREATE", "USAGE"]),
    ("table", {"schema": "public", "names": ["visits"]}, "TABLE visits", ["SELECT", "INSERT", "UPDATE"]),
    ("table", {"schema": "public", "names": ["short_urls"]}, "TABLE short_urls", ["SELECT", "TRUNCATE"]),
    ("column", {"schema": "public", "names": ["visits"], "columns": ["ip"]}, "ip", ["SELECT", "UPDATE"]),
    ("sequence", {"schema": "public", "names": ["visits_id_seq"]}, "SEQUENCE visits_id_seq", ["USAGE", "UPDATE"]),
    ("function", {"schema": "public", "names": ["add(text)"]}, "FUNCTION add(text)", ["EXECUTE"]),
    ("type", {"schema": "public", "names": ["mood"]}, "TYPE mood", ["USAGE"]),
    ("default_privileges", {"objects": "tables", "creators": ["bob"]}, "TABLES", ["SELECT", "INSERT"]),
    ("default_privileges", {"objects": "functions", "creators": ["bob"]}, "FUNCTIONS", ["EXECUTE"]),
    ("membership", {"groups": ["readers"]}, "readers", ["MEMBER"]),
]
# Every right of the world: object, owner, grantee=letters/grantor.
READ = """
SELECT 'database', datdba::regrole::text, coalesce(datacl, acldefault('d', datdba))::text[]
  FROM pg_database WHERE datname = 'lab'
UNION ALL SELECT 'schema', nspowner::regrole::text, coalesce(nspacl, acldefault('n', nspowner))::text[]
  FROM pg_namespace WHERE nspname = 'public'
UNION ALL SELECT relname, relowner::regrole::text,
    coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))::text[]
  FROM pg_class WHERE relname IN ('visits', 'short_urls', 'visits_id_seq')
UNION ALL SELECT attname, relowner::regrole::text, attacl::text[]
  FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid WHERE relname = 'visits' AND attname = 'ip'
UNION ALL SELECT 'function', proowner::regrole::text, coalesce(proacl, acldefault('f', proowner))::text[]
  FROM pg_proc WHERE oid = 'public.add(text)'::regprocedure
UNION ALL SELECT 'type', typowner::regrole::text, coalesce(typacl, acldefault('T', typowner))::text[]
  FROM pg_type WHERE typname = 'mood'
UNION ALL SELECT 'defaults on ' || kind::text, 'bob', coalesce((SELECT defaclacl FROM pg_default_acl
    WHERE defaclrole = 'bob'::regrole AND defaclnamespace = 0 AND defaclobjtype = kind),
    acldefault(kind, 'bob'::regrole))::text[]
  FROM (VALUES ('r'::"char"), ('f'::"char")) kinds (kind)
"""
MEMBERS = (
    "SELECT member::regrole::text, bool_or(admin_option) FROM pg_auth_members"
    " WHERE roleid = 'readers'::regrole GROUP BY 1"
)
_ITEM = re.compile(r'("(?:[^"]|"")*"|[^=]*)=([^/]*)/.*', re.DOTALL)


def rights(sql: Sql) -> set[Right]:
    """All rights as a set of (object, role, privilege, whether it can be handed on)."""
    found: set[Right] = set()
    for name, owner, items in sql(READ):
        for item in items or []:
            match = _ITEM.fullmatch(item)
            assert match, item
            role, letters = match.groups()
            role = _plain(role) or "PUBLIC"
            for letter, star in re.findall(r"(.)(\*?)", letters):
                found.add((name, role, LETTERS[letter], False))
                # An owner can hand on anything, whatever its entry says.
                if star and role != _plain(owner):
                    found.add((name, role, LETTERS[letter], True))
    for role, admin in sql(MEMBERS):
        found |= {("readers", _plain(role), "MEMBER", option) for option in sorted({False, admin})}
    return found


def owners(sql: Sql) -> dict[str, str]:
    """The owner of each object."""
    return {name: _plain(owner) for name, owner, _items in sql(READ)}


def entry_rights(entry: Entry) -> set[Right]:
    """The rights that an entry of the list is about, as ``rights()`` says them."""
    absent = entry.get("state") == "absent"
    options = {True} if absent and entry.get("grant_option") else {False, True} if absent else {False}
    options |= {True} if entry.get("grant_option") or entry.get("admin") else set()
    names = entry.get("privileges", ["MEMBER"])
    return {(name_of(entry), role, name, option) for role in entry["roles"] for name in names for option in options}


def name_of(entry: Entry) -> str:
    """An entry's object as ``rights()`` says it."""
    kind = entry["type"]
    if kind == "default_privileges":
        return "defaults on " + {"tables": "r", "functions": "f"}[entry["objects"]]
    if kind in ("table", "sequence"):
        names: list[str] = entry["names"]
        names = entry.get("columns", names)
        return names[0]
    return "readers" if kind == "membership" else kind


@st.composite
def worlds(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Statements that bring about a state, each with the role that executes it; most of them may fail."""
    return draw(st.lists(_actions(), max_size=12))


@st.composite
def _actions(draw: st.DrawFn) -> tuple[str, str]:
    kind, _fields, words, names = draw(st.sampled_from(OBJECTS))
    actor = draw(st.sampled_from(["postgres", "postgres", *ROLES]))
    role = draw(st.sampled_from(ROLES))
    option = draw(st.booleans())
    name = draw(st.sampled_from(names))
    if draw(st.integers(0, 9)) == 0 and kind == "table":
        return "postgres", f"ALTER {words} OWNER TO {quoted(role)}"
    if kind == "membership":
        return actor, f"GRANT {words} TO {quoted(role)}{' WITH ADMIN OPTION' if option else ''}"
    what = f"{name} (ip) ON visits" if kind == "column" else f"{name} ON {words}"
    prefix = "ALTER DEFAULT PRIVILEGES FOR ROLE bob " if kind == "default_privileges" else ""
    return actor, f"{prefix}GRANT {what} TO {quoted(role)}{' WITH GRANT OPTION' if option else ''}"


@st.composite
def lists(draw: st.DrawFn) -> list[Entry]:
    """A list of grants without contradictions: what is absent for a role is present in no entry."""
    entries: list[Entry] = []
    taken: dict[Right, bool] = {}
    for _number in range(draw(st.integers(1, 7))):
        kind, fields, _words, names = draw(st.sampled_from(OBJECTS))
        absent = draw(st.booleans())
        wanted = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
        some = ROLES if kind == "membership" else [*ROLES, "PUBLIC"]
        roles = draw(st.lists(st.sampled_from(some), min_size=1, max_size=3, unique=True))
        entry: Entry = {"type": "table" if kind == "column" else kind, **fields, "roles": roles}
        entry |= {"state": "absent"} if absent else {}
        if kind not in ("database", "membership"):
            entry["database"] = "lab"
        if kind == "membership":
            entry |= {"admin": True} if not absent and draw(st.booleans()) else {}
        else:
            entry["privileges"] = wanted
            entry["grant_option"] = (absent or "PUBLIC" not in roles) and draw(st.booleans())
        about = entry_rights(entry)
        if all(taken.get(one, absent) == absent for one in about):
            taken |= dict.fromkeys(about, absent)
            entries.append(entry)
    return entries


def expected(before: set[Right], owned: dict[str, str], entries: list[Entry], *, exclusive: bool) -> set[Right]:
    """The rights after a list was applied to those before."""
    present = {one for entry in entries if entry.get("state") != "absent" for one in entry_rights(entry)}
    absent = {one for entry in entries if entry.get("state") == "absent" for one in entry_rights(entry)}
    present = {one for one in present if not (one[3] and owned.get(one[0]) == one[1])}
    if exclusive:
        given = {role for entry in entries if entry.get("state") != "absent" for role in entry["roles"]}
        rest = {one for one in before if one[1] in given and owned.get(one[0]) != one[1]}
        # Built-in default privileges stay while nobody has set any and the list does not speak of their creator.
        speaks = any(entry["type"] == "default_privileges" for entry in entries)
        built_in = {("defaults on f", role, "EXECUTE", False) for role in ("PUBLIC", "bob")}
        untouched = {one for one in before if one[0] == "defaults on f"} == built_in and not speaks
        absent |= {one for one in rest if not (untouched and one in built_in)}
    return (before - absent) | present


def names_the_database(entries: list[Entry]) -> bool:
    """Whether an exclusive list reaches all of the world, not memberships alone."""
    return any("database" in entry or entry["type"] == "database" for entry in entries)


def _plain(name: str) -> str:
    """A role's name as it is, from the way that PostgreSQL prints it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
