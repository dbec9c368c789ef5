# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runner needs of a connection to one database, however it is made."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import GrantsError


class ConnectionLostError(GrantsError):
    """The server went away, or is no primary any more: of an open transaction, all is done or nothing."""


class RefusedError(GrantsError):
    """The server refused a statement; its transaction is rolled back."""


class Session(t.Protocol):
    """An open connection to one database."""

    def run(self, statement: str) -> str:
        """Executes one statement, or several without a value; the only value, or "" when there is none.

        Raises RefusedError or ConnectionLostError.
        """

    def close(self) -> None:
        """Ends the connection, whatever state it is in; what is not committed is rolled back."""


class Server(t.Protocol):
    """A way to reach a PostgreSQL server."""

    def connect(self, database: str) -> Session:
        """A session on a database, or ("") on the one that the user's settings name. Raises GrantsError."""


@contextlib.contextmanager
def transaction(server: Server, database: str, timeout_s: int, *, read_only: bool) -> t.Iterator[Session]:
    """A session inside BEGIN ... COMMIT; it is not committed when the block raises.

    An explicit COMMIT is sent only after all answers are there, so that a cut stream cannot commit a part.
    """
    session = server.connect(database)
    try:
        begin = f"BEGIN ISOLATION LEVEL READ COMMITTED, {'READ ONLY' if read_only else 'READ WRITE'}"
        session.run("; ".join([*_settings(timeout_s), begin]))
        yield session
        session.run("COMMIT")
    finally:
        session.close()


def _settings(timeout_s: int) -> list[str]:
    """What makes statements mean and print the same everywhere, and bounds their waiting."""
    return [
        "SET client_encoding TO 'UTF8'",
        "SET standard_conforming_strings TO on",
        # Types of arguments come back with their schema, and are looked up in the schema that the user wrote.
        "SET search_path TO ''",
        f"SET lock_timeout TO '{timeout_s}s'",
        # A psql that outlives its stream must not keep the catalogs' rows locked.
        f"SET idle_in_transaction_session_timeout TO '{timeout_s}s'",
    ]
