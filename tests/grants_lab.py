# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database with objects of all kinds and roles, on a running server, and tasks on them."""

from __future__ import annotations

import contextlib
import typing as t

import postgresql_lab
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants import driver, runner
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.declaration import read_grants
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import quoted
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.session import Server
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors

ROLES = ["app", "bob", "carol", "readers", 'Odd "role"; --']
SCHEMA = """
CREATE TABLE visits (id serial PRIMARY KEY, ip text, agent text);
CREATE TABLE short_urls (id integer GENERATED ALWAYS AS IDENTITY, code text);
CREATE VIEW recent AS SELECT 1 AS one;
CREATE SEQUENCE alone;
CREATE FUNCTION add(integer, integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION add(text) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE tidy(IN a integer, OUT b integer) LANGUAGE sql AS 'SELECT 1';
CREATE TYPE mood AS ENUM ('calm');
CREATE DOMAIN code AS text;
CREATE FUNCTION feel(mood, timestamptz[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE SCHEMA "Odd ""schema";
CREATE TABLE "Odd ""schema"."ta.b'le\\ :x" ("co l" text, "select" text);
CREATE FUNCTION "Odd ""schema"."f(x"(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
"""


class Lab:
    """A database "lab" with objects and roles on a running server."""

    def __init__(self, server: postgresql_lab.Server) -> None:
        self.server = server
        self.version = server.version

    def reset(self) -> None:
        """Roles without any right, and a new database; other databases of a test are gone."""
        databases = "SELECT quote_ident(datname) FROM pg_database WHERE oid >= 16384 AND datname <> 'objects'"
        roles = self.sql(
            "SELECT string_agg(quote_ident(rolname), ', ') FROM pg_roles WHERE oid >= 16384", at="postgres"
        )
        names = [quoted(name) for name in ROLES]
        self.sql(
            *(f"DROP DATABASE {name} WITH (FORCE)" for (name,) in self.sql(databases, at="postgres")),
            *(f"DROP ROLE {names}" for (names,) in roles if names),
            *(f"CREATE ROLE {name} LOGIN" for name in names),
            "CREATE DATABASE lab TEMPLATE objects STRATEGY file_copy",
            at="postgres",
        )

    def run(
        self, grants: t.Any, *, user: str = "postgres", reach: Server | None = None, **options: t.Any
    ) -> dict[str, t.Any]:
        """The result of a task with these grants."""
        errors = InputErrors()
        declaration = read_grants(grants, errors)
        assert not errors, errors.message("Grants")
        task = runner.Task(declaration, **options)
        result: dict[str, t.Any] = runner.run(task, reach or driver.DsnServer(self.server.dsn(user=user))).result()
        return result

    def settle(self, grants: t.Any, **options: t.Any) -> dict[str, t.Any]:
        """Check mode, the real run and a second one, under the check-mode contract; the real run's result."""
        foreseen = self.run(grants, check=True, **options)
        real = self.run(grants, **options)
        assert foreseen == real
        again = self.run(grants, **options)
        assert (again["changed"], again["statements"], again["objects"]) == (False, [], [])
        return real

    def sql(self, *statements: str, at: str = "lab") -> list[tuple[t.Any, ...]]:
        """Executes statements as superuser; the rows of the last one."""
        return self.server.execute(at, *statements)

    def may(self, function: str, *arguments: str) -> t.Any:
        """What has_*_privilege says."""
        texts = ", ".join("'" + one.replace("'", "''") + "'" for one in arguments)
        return self.sql(f"SELECT {function}({texts})")[0][0]


@contextlib.contextmanager
def running(version: int) -> t.Iterator[postgresql_lab.Server]:
    """A server that can make such databases, for as long as the block takes."""
    with postgresql_lab.running(version) as server:
        server.execute("postgres", "CREATE DATABASE objects")
        server.execute("objects", SCHEMA)
        yield server
