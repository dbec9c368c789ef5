# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exclusive lists, errors, faults and psql: what holds for all kinds of grants, on a real server."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants import driver, psql
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import GrantsError
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.session import ConnectionLostError

SELECT = {
    "type": "table",
    "database": "lab",
    "schema": "public",
    "names": ["visits"],
    "privileges": ["SELECT"],
    "roles": ["app"],
}


def texts(result):
    return [one["statement"] for one in result["statements"]]


def test_exclusive_takes_all_else_from_the_roles_of_the_list_and_from_no_other(lab):
    lab.sql(
        "GRANT ALL ON visits, short_urls TO app, bob",
        "GRANT UPDATE (ip) ON visits TO app",
        "GRANT CREATE ON DATABASE lab TO app",
        "GRANT USAGE ON SCHEMA public TO app",
        "GRANT USAGE ON SEQUENCE alone TO app",
        "ALTER DEFAULT PRIVILEGES FOR ROLE carol GRANT SELECT ON TABLES TO app, bob",
        "GRANT readers TO app, bob",
        "ALTER TYPE mood OWNER TO app",
    )
    lab.settle([SELECT], exclusive=True)
    assert lab.may("has_table_privilege", "app", "public.visits", "SELECT")
    assert not lab.may("has_any_column_privilege", "app", "public.visits", "INSERT, UPDATE")
    assert not lab.may("has_table_privilege", "app", "public.visits", "TRUNCATE")
    assert not lab.may("has_table_privilege", "app", "public.short_urls", "SELECT")
    assert lab.may("has_table_privilege", "bob", "public.short_urls", "SELECT")
    assert not lab.may("has_database_privilege", "app", "lab", "CREATE")
    assert not lab.may("has_sequence_privilege", "app", "public.alone", "USAGE")
    assert not lab.may("pg_has_role", "app", "readers", "MEMBER")
    assert lab.may("pg_has_role", "bob", "readers", "MEMBER")
    grantees = "SELECT DISTINCT grantee::regrole::text FROM pg_default_acl, aclexplode(defaclacl) ORDER BY 1"
    assert lab.sql(grantees) == [("bob",), ("carol",)]
    assert lab.sql("SELECT pg_get_userbyid(typowner) FROM pg_type WHERE typname = 'mood'") == [("app",)]


def test_exclusive_leaves_databases_outside_the_list_alone(lab):
    lab.sql("CREATE DATABASE other", at="postgres")
    lab.sql("GRANT CREATE ON DATABASE other TO app", "CREATE TABLE one ()", "GRANT SELECT ON one TO app", at="other")
    assert texts(lab.settle([SELECT], exclusive=True)) == ['GRANT SELECT ON TABLE "public"."visits" TO "app"']


def test_exclusive_leaves_system_schemas_and_extensions_alone(lab):
    grants = [{**SELECT, "roles": ["PUBLIC"]}]
    before = lab.sql("SELECT count(*) FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proacl IS NULL")
    lab.settle(
        [
            *grants,
            {
                "type": "function",
                "database": "lab",
                "schema": "pg_catalog",
                "names": ["pg_ls_dir(text)"],
                "privileges": ["EXECUTE"],
                "roles": ["app"],
            },
        ],
        exclusive=True,
    )
    assert before == lab.sql(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proacl IS NULL"
    )
    assert lab.may("has_function_privilege", "bob", "plpgsql_call_handler()", "EXECUTE")
    assert not lab.may("has_function_privilege", "bob", "public.add(text)", "EXECUTE")


def test_exclusive_takes_a_grant_option_that_the_list_does_not_name(lab):
    lab.sql("GRANT SELECT ON visits TO app WITH GRANT OPTION")
    assert texts(lab.settle([SELECT], exclusive=True)) == [
        'REVOKE GRANT OPTION FOR SELECT ON TABLE "public"."visits" FROM "app"'
    ]


def test_everything_absent_is_listed_in_one_error_and_nothing_is_changed(lab):
    grants = [
        SELECT,
        {**SELECT, "roles": ["app", "ghost"], "names": ["visits", "nothing"]},
        {**SELECT, "database": "nowhere", "owner": "phantom"},
        {**SELECT, "schema": "void"},
        {**SELECT, "columns": ["ip", "gap"]},
        {**SELECT, "type": "function", "names": ["add(nosuchtype)"], "privileges": ["EXECUTE"]},
        {"type": "membership", "groups": ["none"], "roles": ["app"]},
    ]
    with pytest.raises(GrantsError) as error:
        lab.run(grants)
    lines = str(error.value).splitlines()
    assert lines[0] == "Grants: 8 errors"
    for number, value in enumerate(
        ["ghost", "nothing", "nowhere", "phantom", "void", "gap", "add(nosuchtype)", "none"]
    ):
        assert any(f"is '{value}'; allowed: " in line for line in lines), (number, value, lines)
    assert not lab.may("has_table_privilege", "app", "public.visits", "SELECT")
    result = lab.settle(grants, skip_absent=True)
    assert len(result["skipped_absent"]) == 8
    assert texts(result) == [
        'GRANT SELECT ON TABLE "public"."visits" TO "app"',
        'GRANT SELECT ("ip") ON TABLE "public"."visits" TO "app"',
    ]


def test_entries_that_contradict_each_other_are_refused(lab):
    with pytest.raises(GrantsError, match=r"grants\[1\].state is absent for SELECT of app on table visits"):
        lab.run([SELECT, {**SELECT, "all_in_schema": True, "names": None, "state": "absent"}])


def test_grant_that_the_server_only_warns_about_is_an_error(lab):
    """bob owns nothing and holds one privilege without its option: PostgreSQL says WARNING and goes on."""
    lab.sql("GRANT SELECT ON visits TO bob")
    with pytest.raises(GrantsError, match=r"database lab stays unchanged: .*the login role may lack a grant option"):
        lab.run([SELECT], user="bob")


def test_refused_statement_leaves_its_whole_transaction_undone(lab):
    lab.sql("GRANT SELECT ON short_urls TO bob WITH GRANT OPTION")
    with pytest.raises(GrantsError, match=r"SQLSTATE 42501"):
        lab.run([{**SELECT, "names": ["short_urls"]}, {**SELECT, "roles": ["carol"]}], user="bob")
    assert not lab.may("has_table_privilege", "app", "public.short_urls", "SELECT")


def test_role_with_the_grant_option_can_grant(lab):
    lab.sql("GRANT SELECT ON visits TO bob WITH GRANT OPTION")
    lab.settle([SELECT], user="bob")


@pytest.mark.skipif(bool(driver.MISSING_LIBRARY), reason="psycopg 3 is not installed")
def test_dsn_that_cannot_be_read_is_not_shown():
    with pytest.raises(GrantsError) as error:
        driver.DsnServer("password=s3cret nonsense")
    assert "s3cret" not in str(error.value)
    assert "nonsense" not in str(error.value)


def test_wrong_password_fails_at_once_without_showing_it(lab):
    with pytest.raises(ConnectionLostError) as error:
        lab.run([SELECT], reach=driver.DsnServer(lab.server.dsn(user="nobody_at_all") + " password=s3cret"))
    assert "s3cret" not in str(error.value)


class Interrupted:
    """A server to which something happens, once, just before the first such statement of a writing transaction."""

    def __init__(self, lab, moment, happens):
        self.moment, self.happens, self.times = moment, happens, 0
        self.server = driver.DsnServer(lab.server.dsn())

    def connect(self, database):
        session = self.server.connect(database)
        run, writing = session.run, []

        def interrupted(statement):
            writing.extend(["yes"] if "READ WRITE" in statement else [])
            if writing and statement.startswith(self.moment) and not self.times:
                self.times += 1
                self.happens()
            return run(statement)

        session.run = interrupted
        return session


CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'postgresql_grants'"
TWO = [SELECT, {**SELECT, "names": ["short_urls"], "privileges": ["INSERT"], "state": "absent"}]


@pytest.mark.parametrize("moment", ["REVOKE", "GRANT", "COMMIT"])
def test_connection_cut_in_the_middle_is_made_up_for(lab, moment):
    lab.sql("GRANT INSERT ON short_urls TO app")
    reach = Interrupted(lab, moment, lambda: lab.sql(CUT, at="postgres"))
    result = lab.run(TWO, reach=reach)
    assert reach.times == 1
    assert len(result["statements"]) == 2
    assert lab.may("has_table_privilege", "app", "public.visits", "SELECT")
    assert not lab.run(TWO)["changed"]


@pytest.mark.parametrize("moment", ["GRANT", "COMMIT"])
def test_server_that_dies_in_the_middle_leaves_nothing_and_the_next_run_finishes(lab, moment):
    lab.sql("GRANT INSERT ON short_urls TO app")
    with pytest.raises(ConnectionLostError):
        lab.run(TWO, reach=Interrupted(lab, moment, lab.server.stop), timeout_s=1)
    lab.server.start()
    assert not lab.may("has_table_privilege", "app", "public.visits", "SELECT")
    assert lab.may("has_table_privilege", "app", "public.short_urls", "INSERT")
    lab.settle(TWO)


class Psql:
    """psql as a process, which stands for one at the other end of an exec."""

    def __init__(self, lab):
        self.lab = lab

    def connect(self, database):
        return psql.PsqlSession(Process([*self.lab.server.psql(database), *psql.ARGUMENTS[1:]]))


class Process:
    def __init__(self, command):
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen(command, text=True, encoding="utf-8", **streams)

    def write(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def read_line(self):
        return self.process.stdout.readline()

    def end(self):
        _output, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


def test_psql_does_what_the_driver_does(lab):
    odd = {**SELECT, "schema": 'Odd "schema', "names": ["ta.b'le\\ :x"], "roles": ['Odd "role"; --']}
    grants = [SELECT, odd, {"type": "membership", "groups": ["readers"], "roles": ["app"]}]
    foreseen = lab.run(grants, check=True)
    assert lab.run(grants, reach=Psql(lab)) == foreseen
    assert not lab.run(grants, reach=Psql(lab))["changed"]
    assert not lab.run(grants)["changed"]


def test_psql_reports_what_the_server_refuses(lab):
    session = Psql(lab).connect("lab")
    with pytest.raises(GrantsError, match=r"42P01.*nothing"):
        session.run("SELECT * FROM nothing")
    session.close()


def test_psql_that_is_killed_before_commit_leaves_nothing(lab):
    session = Psql(lab).connect("lab")
    session.run("BEGIN")
    session.run("GRANT SELECT ON visits TO app")
    session._pipe.process.kill()
    with pytest.raises(ConnectionLostError):
        session.run("COMMIT")
    assert not lab.may("has_table_privilege", "app", "public.visits", "SELECT")


def test_revoking_default_privileges_on_sequences_leaves_those_on_tables(lab):
    """community.postgresql's postgresql_privs takes both."""
    both = "ALTER DEFAULT PRIVILEGES FOR ROLE carol IN SCHEMA public GRANT {} TO app"
    lab.sql(both.format("SELECT ON TABLES"), both.format("USAGE ON SEQUENCES"))
    lab.settle(
        [
            {
                "type": "default_privileges",
                "database": "lab",
                "schema": "public",
                "creators": ["carol"],
                "objects": "sequences",
                "privileges": ["ALL"],
                "roles": ["app"],
                "state": "absent",
            }
        ]
    )
    assert lab.sql("SELECT defaclobjtype::text FROM pg_default_acl") == [("r",)]
