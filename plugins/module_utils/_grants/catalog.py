# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalogs say: two queries, each with one JSON document as its answer, and the types these are read into.

JSON makes the answer the same through a driver and through psql's standard output.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants import signature
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import (
    CatalogObject,
    Declaration,
    Item,
    Key,
    Kind,
)


class Member(t.NamedTuple):
    """One row of pg_auth_members; ``inherit`` and ``set`` are None before PostgreSQL 16."""

    group: str
    member: str
    grantor: str
    admin: bool
    inherit: bool | None
    set: bool | None


@dataclasses.dataclass(frozen=True)
class Cluster:
    """What all databases of a server share. ``version`` is the major one, ``bootstrap`` the role made by initdb."""

    version: int
    standby: bool
    bootstrap: str
    roles: frozenset[str]
    databases: dict[Key, CatalogObject]
    members: tuple[Member, ...]


@dataclasses.dataclass(frozen=True)
class Database:
    """What one database has of the schemas asked for. ``types`` are the numbers of types, by schema and text."""

    name: str
    objects: dict[Key, CatalogObject]
    types: dict[tuple[str, str], int | None]

    def of(self, kind: Kind, schema: str) -> list[CatalogObject]:
        """All objects of a kind in a schema, by name."""
        return sorted(
            (one for key, one in self.objects.items() if key.kind is kind and key.schema == schema),
            key=lambda one: one.key,
        )


def read_cluster(answer: str) -> Cluster:
    """The answer to ``CLUSTER``."""
    raw = json.loads(answer)
    return Cluster(
        version=raw["version"],
        standby=raw["standby"],
        bootstrap=raw["bootstrap"],
        roles=frozenset(raw["roles"]),
        databases=_objects(raw["databases"]),
        members=tuple(Member(*row) for row in raw["members"]),
    )


def read_database(name: str, answer: str) -> Database:
    """The answer to ``database_query()``."""
    raw = json.loads(answer)
    types = {(schema, text): number for schema, text, number in raw["types"]}
    return Database(name, _objects(raw["objects"]), types)


def database_query(declaration: Declaration, database: str, *, everything: bool) -> str:
    """The query for what a declaration asks of a database; ``everything`` adds all schemas but the system's."""
    entries = [one for one in declaration.entries if one.database == database]
    functions = [
        (one.schema, signature.parse(name)) for one in entries if one.kind is Kind.FUNCTION for name in one.names or ()
    ]
    asked = {
        "everything": everything,
        "schemas": sorted({one.schema for one in entries if one.schema}),
        "columns": sorted((one.schema, name) for one in entries if one.kind is Kind.COLUMN for name in one.names or ()),
        "types": sorted({(schema, text) for schema, parsed in functions if parsed for text in parsed.types or ()}),
        "creators": sorted({name for one in entries if one.kind is Kind.DEFAULT for name in one.names or ()}),
    }
    # The server reads JSON's \u escapes, so that the literal is ASCII whatever the encoding of the connection.
    return _DATABASE.replace("@asked@", json.dumps(asked).replace("'", "''"))


def _objects(rows: list[list[t.Any]]) -> dict[Key, CatalogObject]:
    found = {}
    for kind, schema, name, part, owner, items, foreign, follows, bare, arguments in rows:
        key = Key(Kind(kind), schema, name, part)
        found[key] = CatalogObject(
            key=key,
            owner=owner,
            items=frozenset(Item(*item) for item in items),
            follows=Key(Kind.TABLE, *follows) if follows else None,
            foreign=foreign,
            bare=bare or "",
            arguments=tuple(int(number) for number in arguments.split()) if arguments else (),
        )
    return found


_ACL = """(
    SELECT coalesce(json_agg(json_build_array(
      pg_get_userbyid(a.grantor), CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END,
      a.privilege_type, a.is_grantable)), '[]')
    FROM aclexplode(coalesce(@column@, acldefault((@letter@)::"char", @owner@))) a)"""


def _acl(column: str, letter: str, owner: str) -> str:
    """An access control list as JSON; where there is none, PostgreSQL's built-in default for the kind of object."""
    replaced = _ACL.replace("@column@", column).replace("@letter@", letter)
    return replaced.replace("@owner@", owner)


CLUSTER = (
    """
SELECT json_build_object(
  'version', current_setting('server_version_num')::int / 10000,
  'standby', pg_is_in_recovery(),
  'bootstrap', pg_get_userbyid(10),
  'roles', (SELECT json_agg(rolname) FROM pg_roles),
  'databases', (SELECT json_agg(json_build_array('database', '', datname, '', pg_get_userbyid(datdba), @acl@,
    false, null, null, null)) FROM pg_database),
  'members', (SELECT coalesce(json_agg(json_build_array(pg_get_userbyid(roleid), pg_get_userbyid(member),
    pg_get_userbyid(grantor), admin_option,
    (to_jsonb(m) ->> 'inherit_option')::bool, (to_jsonb(m) ->> 'set_option')::bool)), '[]') FROM pg_auth_members m)
)::text"""
).replace("@acl@", _acl("datacl", "'d'", "datdba"))

# acldefault() calls sequences "s" where pg_default_acl says "S".
_DATABASE = r"""
WITH asked AS (SELECT '@asked@'::jsonb AS j),
extension AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
namespace AS (
  SELECT n.oid, nspname, nspowner, nspacl, nspname ~ '^pg_' OR nspname = 'information_schema' AS system
  FROM pg_namespace n
),
chosen AS (
  SELECT n.* FROM namespace n, asked WHERE j -> 'schemas' ? nspname OR ((j -> 'everything')::bool AND NOT system)
),
relation AS (
  SELECT c.*, n.nspname, n.system OR EXISTS (
    SELECT FROM extension WHERE classid = 'pg_class'::regclass AND objid = c.oid) AS made_elsewhere
  FROM pg_class c JOIN chosen n ON n.oid = relnamespace WHERE relkind IN ('r', 'v', 'm', 'f', 'p', 'S')
),
defaults (letter, part) AS (
  VALUES ('r', 'tables'), ('S', 'sequences'), ('f', 'functions'), ('T', 'types'), ('n', 'schemas')
),
objects AS (
  SELECT json_build_array('schema', '', nspname, '', pg_get_userbyid(nspowner), @nspacl@, system OR EXISTS (
    SELECT FROM extension WHERE classid = 'pg_namespace'::regclass AND objid = n.oid), null, null, null) AS line
  FROM namespace n
  UNION ALL
  SELECT json_build_array(CASE relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, r.nspname, r.relname, '',
    pg_get_userbyid(r.relowner), @relacl@, made_elsewhere, (
      SELECT json_build_array(tn.nspname, tc.relname)
      FROM pg_depend d JOIN pg_class tc ON tc.oid = d.refobjid JOIN pg_namespace tn ON tn.oid = tc.relnamespace
      WHERE r.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    ), null, null)
  FROM relation r
  UNION ALL
  SELECT json_build_array('column', nspname, relname, attname, pg_get_userbyid(relowner), @attacl@, made_elsewhere,
    null, null, null)
  FROM relation r JOIN pg_attribute ON attrelid = r.oid, asked
  WHERE relkind <> 'S' AND attnum > 0 AND NOT attisdropped
    AND (attacl IS NOT NULL OR j -> 'columns' @> jsonb_build_array(jsonb_build_array(nspname, relname)))
  UNION ALL
  SELECT json_build_array('function', nspname, quote_ident(proname) || '(' || oidvectortypes(proargtypes) || ')', '',
    pg_get_userbyid(proowner), @proacl@, system OR EXISTS (
      SELECT FROM extension WHERE classid = 'pg_proc'::regclass AND objid = p.oid), null, proname, proargtypes::text)
  FROM pg_proc p JOIN chosen n ON n.oid = pronamespace
  UNION ALL
  SELECT json_build_array('type', nspname, typname, '', pg_get_userbyid(typowner), @typacl@, system OR EXISTS (
    SELECT FROM extension WHERE classid = 'pg_type'::regclass AND objid = y.oid), null, null, null)
  FROM pg_type y JOIN chosen n ON n.oid = typnamespace
  WHERE typtype IN ('b', 'e', 'd', 'r', 'c') AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = y.oid)
    AND (typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = typrelid AND c.relkind = 'c'))
  UNION ALL
  SELECT json_build_array('default privileges', coalesce(nspname, ''), pg_get_userbyid(defaclrole), part,
    pg_get_userbyid(defaclrole), @defaclacl@, false, null, null, null)
  FROM pg_default_acl JOIN defaults ON letter = defaclobjtype LEFT JOIN pg_namespace n ON n.oid = defaclnamespace
  UNION ALL
  SELECT json_build_array('default privileges', '', rolname, part, rolname, @builtin@, false, null, null, null)
  FROM asked, pg_roles r, defaults
  WHERE j -> 'creators' ? rolname AND NOT EXISTS (
    SELECT FROM pg_default_acl WHERE defaclrole = r.oid AND defaclnamespace = 0 AND defaclobjtype = letter::"char")
)
SELECT json_build_object(
  'objects', (SELECT coalesce(json_agg(line), '[]') FROM objects),
  'types', (SELECT coalesce(json_agg(json_build_array(one ->> 0, one ->> 1,
    coalesce(to_regtype(one ->> 1), to_regtype(quote_ident(one ->> 0) || '.' || (one ->> 1)))::oid::int8)), '[]')
    FROM asked, jsonb_array_elements(j -> 'types') one)
)::text"""
for _name, _text in {
    "@nspacl@": _acl("nspacl", "'n'", "nspowner"),
    "@relacl@": _acl("r.relacl", "CASE relkind WHEN 'S' THEN 's' ELSE 'r' END", "r.relowner"),
    "@attacl@": _acl("attacl", "'c'", "relowner"),
    "@proacl@": _acl("proacl", "'f'", "proowner"),
    "@typacl@": _acl("typacl", "'T'", "typowner"),
    "@defaclacl@": _acl("defaclacl", "'r'", "defaclrole"),
    "@builtin@": _acl("NULL", "CASE letter WHEN 'S' THEN 's' ELSE letter END", "r.oid"),
}.items():
    _DATABASE = _DATABASE.replace(_name, _text)
