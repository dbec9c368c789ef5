# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads, plans, applies and verifies, over any way to reach a server."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants import catalog, plan
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import (
    Declaration,
    GrantsError,
    Key,
    Kind,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.resolve import Resolver
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.session import (
    ConnectionLostError,
    Server,
    Session,
    transaction,
)

_PAUSE_S = 1.0


@dataclasses.dataclass(frozen=True)
class Task:
    """What is asked for. ``timeout_s`` bounds waiting for locks, and for a server that went away in the middle."""

    declaration: Declaration
    exclusive: bool = False
    skip_absent: bool = False
    check: bool = False
    timeout_s: int = 60


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The plan that was carried out (or, in check mode, would be), and what was skipped since it does not exist."""

    plan: plan.GrantPlan
    skipped: list[str]

    def result(self) -> dict[str, t.Any]:
        """The task's result: that of every plan, with the statements by database ("" for the whole cluster)."""
        statements = [
            {"database": database, "statement": one} for database, some in self.plan.statements.items() for one in some
        ]
        result = self.plan.plan.result()
        if statements:
            lines = [f"{one['statement']};" for one in statements]
            result["diff"].append({"prepared": "\n".join(["SQL:", *lines]) + "\n"})
        return result | {"changed": bool(statements), "statements": statements, "skipped_absent": self.skipped}


def run(task: Task, server: Server, sleep: t.Callable[[float], None] = time.sleep) -> Outcome:
    """Makes the server agree with the declaration. Raises GrantsError.

    When the connection is lost after the first look, it starts again from a new snapshot until the time is up. What
    is returned is the difference that the first look found: in the end all of it is in place.
    """
    first: Outcome | None = None
    deadline = time.monotonic() + task.timeout_s
    while True:
        attempt = _Attempt(task, server)
        try:
            outcome = attempt.look()
            first = first or outcome
            if not task.check:
                attempt.apply(outcome.plan)
        except ConnectionLostError:
            if first is None or time.monotonic() >= deadline:
                raise
            sleep(_PAUSE_S)
        else:
            return first


class _Attempt:
    """One pass over the server."""

    def __init__(self, task: Task, server: Server) -> None:
        self._task = task
        self._server = server
        self._databases: dict[str, catalog.Database] = {}

    def look(self) -> Outcome:
        """The plan, from read-only transactions; raises GrantsError with all that is absent or contradictory."""
        with self._transaction("", read_only=True) as session:
            self._cluster = catalog.read_cluster(session.run(catalog.CLUSTER))
        if self._cluster.standby and not self._task.check:
            raise ConnectionLostError("the server is a standby, which cannot be written to; connect to the primary")
        for name in self._task.declaration.databases:
            if Key(Kind.DATABASE, "", name) in self._cluster.databases:
                with self._transaction(name, read_only=True) as session:
                    self._databases[name] = self._database(session, name)
        return self._plan()

    def apply(self, wanted: plan.GrantPlan) -> None:
        """One transaction for the whole cluster's part, then one for each database; each is verified before COMMIT."""
        done: list[str] = []
        for name, statements in wanted.statements.items():
            if not statements:
                continue
            try:
                with self._transaction(name, read_only=False) as session:
                    for statement in statements:
                        session.run(statement)
                    self._verify(session, name)
            except ConnectionLostError:
                raise
            except GrantsError as error:
                kept = f"; changed before that: {', '.join(done)}" if done else ""
                raise GrantsError(f"{_place(name)} stays unchanged: {error}{kept}") from None
            done.append(_place(name))

    def _transaction(self, database: str, *, read_only: bool) -> t.ContextManager[Session]:
        return transaction(self._server, database, self._task.timeout_s, read_only=read_only)

    def _database(self, session: Session, name: str) -> catalog.Database:
        query = catalog.database_query(self._task.declaration, name, everything=self._task.exclusive)
        return catalog.read_database(name, session.run(query))

    def _plan(self) -> Outcome:
        resolver = Resolver(self._cluster, self._databases)
        wishes = resolver.resolve(self._task.declaration)
        errors = resolver.errors
        if not self._task.skip_absent:
            for one in resolver.missing:
                errors.add(one.variable, one.value, one.allowed, one.where)
        if errors:
            raise GrantsError(errors.message("Grants"))
        exclusive_for = self._task.declaration.grantees if self._task.exclusive else ()
        built = plan.build(self._cluster, self._databases, wishes, exclusive_for)
        return Outcome(built, [str(one) for one in resolver.missing])

    def _verify(self, session: Session, name: str) -> None:
        """A second look, inside the transaction, must leave nothing to do: some refusals are only warnings."""
        if name:
            self._databases[name] = self._database(session, name)
        else:
            self._cluster = catalog.read_cluster(session.run(catalog.CLUSTER))
        if left := self._plan().plan.statements[name]:
            raise GrantsError(
                "the server accepted all statements, but the catalogs do not show their effect (the login role may lack"
                f" a grant option). Left to do: {'; '.join(left)}"
            )


def _place(database: str) -> str:
    return f"database {database}" if database else "the whole cluster's part"
