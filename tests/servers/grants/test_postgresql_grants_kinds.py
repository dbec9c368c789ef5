# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of grant on a real server: foreseen by check mode, applied, seen by has_*_privilege, then nothing to do."""

from __future__ import annotations

import pytest

ODD_ROLE = 'Odd "role"; --'
ODD_SCHEMA = 'Odd "schema'
ODD_TABLE = "ta.b'le\\ :x"


def entry(kind, **fields):
    """A present grant to app in database lab."""
    place = {} if kind in ("database", "membership") else {"database": "lab"}
    if kind not in ("database", "membership", "schema", "default_privileges"):
        place["schema"] = "public"
    return {"type": kind, "roles": ["app"], **place, **fields}


def texts(result):
    return [one["statement"] for one in result["statements"]]


def test_migration_fails_with_42501_until_the_schema_is_granted(lab):
    import psycopg

    with psycopg.connect(lab.server.dsn("lab", user="app"), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            connection.execute("CREATE TABLE public.migrations (id integer)")
        assert refused.value.sqlstate == "42501"
        result = lab.settle([entry("schema", names=["public"], privileges=["CREATE", "USAGE"])])
        assert texts(result) == ['GRANT CREATE, USAGE ON SCHEMA "public" TO "app"']
        assert result["objects"] == ["schema public in lab"]
        connection.execute("CREATE TABLE public.migrations (id integer)")


def test_check_mode_executes_nothing(lab):
    grants = [entry("table", names=["visits"], privileges=["SELECT"])]
    assert lab.run(grants, check=True)["changed"]
    assert not lab.may("has_table_privilege", "app", "public.visits", "SELECT")


def test_database_privileges_and_owner(lab):
    lab.settle(
        [
            entry("database", names=["lab"], privileges=["CREATE", "temp"]),
            entry("database", names=["lab"], roles=["PUBLIC"], privileges=["CONNECT"], state="absent"),
            {"type": "database", "names": ["lab"], "owner": "carol"},
        ]
    )
    assert lab.may("has_database_privilege", "app", "lab", "CREATE")
    assert not lab.may("has_database_privilege", "bob", "lab", "CONNECT")
    assert lab.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'lab'") == [("carol",)]


def test_one_statement_grants_the_same_on_many_tables_to_many_roles(lab):
    result = lab.settle([entry("table", all_in_schema=True, privileges=["SELECT", "INSERT"], roles=["app", "bob"])])
    assert texts(result) == [
        'GRANT INSERT, SELECT ON TABLE "public"."recent", "public"."short_urls", "public"."visits" TO "app", "bob"'
    ]
    assert lab.may("has_table_privilege", "bob", "public.recent", "INSERT")


def test_new_table_in_the_schema_is_all_that_the_next_run_grants(lab):
    grants = [entry("table", all_in_schema=True, privileges=["SELECT"])]
    lab.settle(grants)
    lab.sql("CREATE TABLE late (id integer)")
    assert texts(lab.settle(grants)) == ['GRANT SELECT ON TABLE "public"."late" TO "app"']


def test_all_privileges_of_a_table_include_maintain_from_17_on(lab):
    lab.settle([entry("table", names=["visits"], privileges=["ALL"])])
    assert lab.may("has_table_privilege", "app", "public.visits", "TRUNCATE")
    if lab.version >= 17:
        assert lab.may("has_table_privilege", "app", "public.visits", "MAINTAIN")


def test_maintain_before_17_is_refused_with_what_the_server_has(lab):
    grants = [entry("table", names=["visits"], privileges=["MAINTAIN"])]
    if lab.version >= 17:
        lab.settle(grants)
        assert lab.may("has_table_privilege", "app", "public.visits", "MAINTAIN")
    else:
        with pytest.raises(Exception, match=rf"grants\[0\].privileges is 'MAINTAIN'.*PostgreSQL {lab.version}: SELECT"):
            lab.run(grants)


def test_columns(lab):
    lab.settle(
        [
            entry("table", names=["visits"], columns=["ip", "agent"], privileges=["SELECT", "UPDATE"]),
            entry("table", names=["visits"], columns=["ip"], privileges=["ALL"], roles=["bob"]),
        ]
    )
    assert lab.may("has_column_privilege", "app", "public.visits", "ip", "SELECT")
    assert not lab.may("has_column_privilege", "app", "public.visits", "id", "SELECT")
    assert lab.may("has_column_privilege", "bob", "public.visits", "ip", "REFERENCES")


def test_column_grant_survives_the_revocation_of_the_table_grant(lab):
    """REVOKE on a table takes the columns' privileges with it."""
    column = entry("table", names=["visits"], columns=["ip"], privileges=["SELECT"])
    lab.settle([column, entry("table", names=["visits"], privileges=["SELECT"])])
    lab.settle([column, entry("table", names=["visits"], privileges=["SELECT"], state="absent")])
    assert not lab.may("has_table_privilege", "app", "public.visits", "SELECT")
    assert lab.may("has_column_privilege", "app", "public.visits", "ip", "SELECT")


def test_sequences(lab):
    lab.settle([entry("sequence", all_in_schema=True, privileges=["USAGE"])])
    assert lab.may("has_sequence_privilege", "app", "public.visits_id_seq", "USAGE")
    assert not lab.may("has_sequence_privilege", "app", "public.alone", "UPDATE")


def test_functions_by_signature_with_any_spelling_of_types_and_procedures_by_name(lab):
    lab.sql("REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA public FROM PUBLIC")
    names = ["add(int, int4)", "tidy", "feel(mood, timestamp with time zone[])"]
    lab.settle([entry("function", names=names, privileges=["EXECUTE"])])
    assert lab.may("has_function_privilege", "app", "public.add(integer, integer)", "EXECUTE")
    assert not lab.may("has_function_privilege", "app", "public.add(text)", "EXECUTE")
    assert lab.may("has_function_privilege", "app", "public.feel(public.mood, timestamptz[])", "EXECUTE")


def test_name_of_two_functions_is_refused_with_their_signatures(lab):
    with pytest.raises(
        Exception, match=r"grants\[0\].names is 'add'; allowed: one of add\(integer, integer\), add\(text\)"
    ):
        lab.run([entry("function", names=["add"], privileges=["EXECUTE"])])


def test_types_and_domains(lab):
    lab.sql("REVOKE USAGE ON TYPE mood, code FROM PUBLIC")
    lab.settle(
        [
            entry("type", all_in_schema=True, privileges=["ALL"]),
            entry("type", names=["mood"], owner="bob", privileges=["USAGE"]),
        ]
    )
    assert lab.may("has_type_privilege", "app", "public.mood", "USAGE")
    assert lab.may("has_type_privilege", "app", "public.code", "USAGE")


@pytest.mark.parametrize("schema", [None, "public"])
@pytest.mark.parametrize("kind", ["tables", "sequences", "functions", "types"])
def test_default_privileges_hold_for_what_the_creator_creates(lab, kind, schema):
    create, check, privilege = {
        "tables": ("CREATE TABLE n ()", "has_table_privilege", "SELECT"),
        "sequences": ("CREATE SEQUENCE n", "has_sequence_privilege", "USAGE"),
        "functions": (
            "CREATE FUNCTION n() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            "has_function_privilege",
            "EXECUTE",
        ),
        "types": ("CREATE TYPE n AS ENUM ()", "has_type_privilege", "USAGE"),
    }[kind]
    where = {"schema": schema} if schema else {}
    defaults = entry("default_privileges", objects=kind, creators=["carol"], privileges=[privilege], **where)
    lab.settle([entry("schema", names=["public"], privileges=["ALL"], roles=["carol"]), defaults])
    lab.sql("SET ROLE carol", create)
    name = "public.n()" if kind == "functions" else "public.n"
    assert lab.may(check, "app", name, privilege)
    lab.settle([{**defaults, "state": "absent"}])


def test_built_in_default_of_functions_is_taken_from_public(lab):
    lab.settle(
        [
            entry(
                "default_privileges",
                objects="functions",
                creators=["carol"],
                privileges=["EXECUTE"],
                roles=["PUBLIC"],
                state="absent",
            )
        ]
    )
    lab.sql(
        "GRANT CREATE ON SCHEMA public TO carol",
        "SET ROLE carol",
        "CREATE FUNCTION n() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    )
    assert not lab.may("has_function_privilege", "app", "public.n()", "EXECUTE")


def test_default_privileges_on_schemas(lab):
    lab.settle([entry("default_privileges", objects="schemas", creators=["carol"], privileges=["ALL"])])
    lab.sql("GRANT CREATE ON DATABASE lab TO carol", "SET ROLE carol", "CREATE SCHEMA n")
    assert lab.may("has_schema_privilege", "app", "n", "CREATE")


def test_membership_with_admin(lab):
    lab.settle([{"type": "membership", "groups": ["readers"], "roles": ["app", "bob"], "admin": True}])
    assert lab.may("pg_has_role", "app", "readers", "MEMBER WITH ADMIN OPTION")
    lab.settle([{"type": "membership", "groups": ["readers"], "roles": ["app"], "admin": False}])
    assert not lab.may("pg_has_role", "app", "readers", "MEMBER WITH ADMIN OPTION")
    assert lab.may("pg_has_role", "app", "readers", "MEMBER")
    lab.settle([{"type": "membership", "groups": ["readers"], "roles": ["app"], "state": "absent"}])
    assert not lab.may("pg_has_role", "app", "readers", "MEMBER")
    assert lab.may("pg_has_role", "bob", "readers", "MEMBER")


def test_membership_options_from_16_on(lab):
    grants = [{"type": "membership", "groups": ["readers"], "roles": ["app"], "inherit": False, "set": False}]
    if lab.version < 16:
        with pytest.raises(Exception, match=r"grants\[0\].inherit is False; allowed: nothing on PostgreSQL 15"):
            lab.run(grants)
        return
    lab.settle(grants)
    assert not lab.may("pg_has_role", "app", "readers", "USAGE")
    assert not lab.may("pg_has_role", "app", "readers", "SET")
    lab.settle([{**grants[0], "set": True}])
    assert lab.may("pg_has_role", "app", "readers", "SET")


def test_membership_options_of_somebody_elses_grant_are_changed(lab):
    if lab.version < 16:
        pytest.skip("PostgreSQL 15 has no options of a membership")
    lab.sql("GRANT readers TO carol WITH ADMIN TRUE, INHERIT FALSE", "SET ROLE carol", "GRANT readers TO app")
    lab.settle([{"type": "membership", "groups": ["readers"], "roles": ["app"], "inherit": False}])
    assert not lab.may("pg_has_role", "app", "readers", "USAGE")
    assert lab.may("pg_has_role", "carol", "readers", "MEMBER WITH ADMIN OPTION")
    assert not lab.may("pg_has_role", "carol", "readers", "USAGE")


def test_member_admitted_by_an_administrator_stays_when_that_one_goes(lab):
    lab.sql("GRANT readers TO carol WITH ADMIN OPTION", "SET ROLE carol", "GRANT readers TO app")
    lab.settle([{"type": "membership", "groups": ["readers"], "roles": ["carol"], "state": "absent"}])
    assert not lab.may("pg_has_role", "carol", "readers", "MEMBER")
    assert lab.may("pg_has_role", "app", "readers", "MEMBER")


def test_owner_of_a_table_takes_its_sequences_with_it_and_grants_stay(lab):
    lab.sql("GRANT SELECT ON visits TO bob", "GRANT SELECT (ip) ON visits TO carol")
    result = lab.settle(
        [
            {"type": "table", "database": "lab", "schema": "public", "names": ["visits", "recent"], "owner": "app"},
            # The owner needs no grant.
            entry("sequence", names=["visits_id_seq"], privileges=["USAGE"]),
        ]
    )
    assert texts(result) == [
        'ALTER TABLE "public"."recent" OWNER TO "app"',
        'ALTER TABLE "public"."visits" OWNER TO "app"',
    ]
    assert "sequence public.visits_id_seq in lab" in result["objects"]
    assert lab.may("has_table_privilege", "bob", "public.visits", "SELECT")
    assert lab.may("has_column_privilege", "carol", "public.visits", "ip", "SELECT")


def test_owner_of_a_sequence_that_belongs_to_a_table_is_refused(lab):
    with pytest.raises(Exception, match="the owner of table visits, to which sequence visits_id_seq belongs"):
        lab.run(
            [{"type": "sequence", "database": "lab", "schema": "public", "names": ["visits_id_seq"], "owner": "app"}]
        )


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("sequence", "alone"),
        ("function", "add(text)"),
        ("function", "tidy"),
        ("type", "mood"),
        ("type", "code"),
        ("schema", "public"),
    ],
)
def test_owner_of_other_objects(lab, kind, name):
    schema = {} if kind == "schema" else {"schema": "public"}
    result = lab.settle([{"type": kind, "database": "lab", **schema, "names": [name], "owner": ODD_ROLE}])
    assert len(texts(result)) == 1


def test_odd_identifiers_everywhere(lab):
    place = {"roles": [ODD_ROLE], "schema": ODD_SCHEMA, "names": [ODD_TABLE]}
    lab.sql('REVOKE EXECUTE ON FUNCTION "Odd ""schema"."f(x"(integer) FROM PUBLIC')
    lab.settle(
        [
            entry("schema", names=[ODD_SCHEMA], privileges=["USAGE"], roles=[ODD_ROLE]),
            entry("table", **place, privileges=["SELECT"]),
            entry("table", **place, columns=["co l", "select"], privileges=["UPDATE"]),
            entry("function", **place | {"names": ["f(x(integer)"]}, privileges=["EXECUTE"]),
            entry(
                "default_privileges", schema=ODD_SCHEMA, creators=[ODD_ROLE], objects="tables", privileges=["SELECT"]
            ),
            {"type": "membership", "groups": ["readers"], "roles": [ODD_ROLE]},
        ]
    )
    assert lab.may("has_table_privilege", ODD_ROLE, '"Odd ""schema"."ta.b\'le\\ :x"', "SELECT")
    assert lab.may("has_column_privilege", ODD_ROLE, '"Odd ""schema"."ta.b\'le\\ :x"', "select", "UPDATE")


def test_grant_option_is_added_and_taken_alone(lab):
    grant = entry("table", names=["visits"], privileges=["SELECT"], grant_option=True)
    lab.settle([grant])
    assert lab.may("has_table_privilege", "app", "public.visits", "SELECT WITH GRANT OPTION")
    assert texts(lab.settle([{**grant, "state": "absent"}])) == [
        'REVOKE GRANT OPTION FOR SELECT ON TABLE "public"."visits" FROM "app"'
    ]
    assert lab.may("has_table_privilege", "app", "public.visits", "SELECT")


def test_what_a_role_handed_on_stays_when_its_own_right_goes(lab):
    lab.sql("GRANT SELECT ON visits TO app WITH GRANT OPTION", "SET ROLE app", "GRANT SELECT ON visits TO bob")
    lab.settle([entry("table", names=["visits"], privileges=["SELECT"], state="absent")])
    assert not lab.may("has_table_privilege", "app", "public.visits", "SELECT")
    assert lab.may("has_table_privilege", "bob", "public.visits", "SELECT")


def test_what_a_role_handed_on_is_taken_and_its_own_right_stays(lab):
    lab.sql("GRANT SELECT ON visits TO app WITH GRANT OPTION", "SET ROLE app", "GRANT SELECT ON visits TO bob")
    lab.settle([entry("table", names=["visits"], privileges=["SELECT"], roles=["bob"], state="absent")])
    assert lab.may("has_table_privilege", "app", "public.visits", "SELECT WITH GRANT OPTION")
    assert not lab.may("has_table_privilege", "bob", "public.visits", "SELECT")


def test_column_right_handed_on_by_a_tables_grant_option_is_taken(lab):
    lab.sql("GRANT SELECT ON visits TO app WITH GRANT OPTION", "SET ROLE app", "GRANT SELECT (ip) ON visits TO bob")
    columns = {"columns": ["ip"], "privileges": ["SELECT"]}
    lab.settle([entry("table", names=["visits"], roles=["bob"], state="absent", **columns)])
    assert not lab.may("has_column_privilege", "bob", "public.visits", "ip", "SELECT")
    assert lab.sql("SELECT attacl::text FROM pg_attribute WHERE attrelid = 'visits'::regclass AND attname = 'ip'") in (
        [(None,)],
        [("{}",)],
    )
