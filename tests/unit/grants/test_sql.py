# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements: grouped where two of objects, privileges and roles are the same, and quoted."""

from __future__ import annotations

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants import sql
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import PUBLIC, Key, Kind, Right

ONE, TWO = Key(Kind.TABLE, "s", "one"), Key(Kind.TABLE, "s", "two")


def rights(*texts):
    """Rights from "role privilege", with a star for the option."""
    pairs = [text.split() for text in texts]
    return frozenset(Right(role, name.rstrip("*"), name.endswith("*")) for role, name in pairs)


def test_same_privileges_of_many_roles_on_many_objects_are_one_statement():
    same = rights("a SELECT", "a INSERT", "b SELECT", "b INSERT")
    assert sql.grants({ONE: same, TWO: same}) == ['GRANT INSERT, SELECT ON TABLE "s"."one", "s"."two" TO "a", "b"']


def test_different_privileges_are_different_statements():
    assert sql.grants({ONE: rights("a SELECT"), TWO: rights("a INSERT")}) == [
        'GRANT SELECT ON TABLE "s"."one" TO "a"',
        'GRANT INSERT ON TABLE "s"."two" TO "a"',
    ]


def test_option_is_granted_with_its_privilege_and_revoked_alone():
    assert sql.grants({ONE: rights("a SELECT", "a SELECT*")}) == [
        'GRANT SELECT ON TABLE "s"."one" TO "a" WITH GRANT OPTION'
    ]
    assert sql.revokes({ONE: rights("a SELECT*")}, cascade=True) == [
        'REVOKE GRANT OPTION FOR SELECT ON TABLE "s"."one" FROM "a" CASCADE'
    ]


def test_columns_of_a_table_are_one_statement():
    columns = {Key(Kind.COLUMN, "s", "one", name): rights("a SELECT", "a UPDATE") for name in ("x", "y")}
    assert sql.grants(columns) == ['GRANT SELECT ("x", "y"), UPDATE ("x", "y") ON TABLE "s"."one" TO "a"']


def test_default_privileges_name_their_creators_and_schema():
    keys = [Key(Kind.DEFAULT, "s", name, "tables") for name in ("c", "d")]
    assert sql.grants(dict.fromkeys(keys, rights("a SELECT"))) == [
        'ALTER DEFAULT PRIVILEGES FOR ROLE "c", "d" IN SCHEMA "s" GRANT SELECT ON TABLES TO "a"'
    ]
    assert sql.revokes({Key(Kind.DEFAULT, "", "c", "functions"): rights(f"{PUBLIC} EXECUTE")}) == [
        'ALTER DEFAULT PRIVILEGES FOR ROLE "c" REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC'
    ]


def test_identifiers_are_quoted_and_public_is_not():
    odd = Key(Kind.SCHEMA, "", 'Odd "s')
    assert sql.grants({odd: frozenset([Right(PUBLIC, "USAGE"), Right("PUBLIC", "USAGE")])}) == [
        'GRANT USAGE ON SCHEMA "Odd ""s" TO "PUBLIC", PUBLIC'
    ]


def test_owner_statement_of_each_kind():
    assert sql.owner(Key(Kind.DATABASE, "", "d"), "r") == 'ALTER DATABASE "d" OWNER TO "r"'
    assert sql.owner(Key(Kind.FUNCTION, "s", "f(integer)"), "r") == 'ALTER ROUTINE "s".f(integer) OWNER TO "r"'
