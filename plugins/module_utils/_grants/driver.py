# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections by a DSN, with psycopg 3."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import GrantsError
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.session import (
    ConnectionLostError,
    RefusedError,
    Session,
)

try:
    import psycopg
    from psycopg import conninfo
except ImportError as error:
    MISSING_LIBRARY = str(error)
else:
    MISSING_LIBRARY = ""

_FROM_SERVER = ("message_primary", "message_detail", "message_hint", "context")


class DsnServer:
    """A server that a libpq connection string names; the string is shown nowhere, since it may hold a password."""

    def __init__(self, dsn: str) -> None:
        try:
            given = conninfo.conninfo_to_dict(dsn)
        except psycopg.Error:
            # The driver's message quotes the string.
            raise GrantsError("dsn is (hidden); allowed: a connection string or URI as libpq reads it") from None
        self._defaults: dict[str, t.Any] = {"connect_timeout": 10, "application_name": "postgresql_grants", **given}

    def connect(self, database: str) -> Session:
        """A session on a database, or ("") on the DSN's own."""
        settings = self._defaults | ({"dbname": database} if database else {})
        try:
            return DriverSession(psycopg.connect(autocommit=True, **settings))
        except (psycopg.Error, UnicodeError) as error:
            where = f"database {database}" if database else "the database of dsn"
            raise ConnectionLostError(f"{where} cannot be connected to: {error}") from None


class DriverSession:
    """One connection of psycopg."""

    def __init__(self, connection: psycopg.Connection[tuple[t.Any, ...]]) -> None:
        self._connection = connection

    def run(self, statement: str) -> str:
        """Executes one statement and gives its only value."""
        try:
            cursor = self._connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        except (psycopg.Error, UnicodeError) as error:
            raise self._error(error, statement) from None
        return str(row[0]) if row else ""

    def close(self) -> None:
        """Ends the connection."""
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _error(self, error: Exception, statement: str) -> GrantsError:
        if self._connection.broken or self._connection.closed:
            return ConnectionLostError(f"the connection was lost: {str(error).strip()}")
        diagnosis = getattr(error, "diag", None)
        parts = [part for name in _FROM_SERVER if (part := getattr(diagnosis, name, None))]
        state = getattr(error, "sqlstate", None)
        words = "; ".join(parts) or str(error)
        return RefusedError(f"{words} (SQLSTATE {state or 'unknown'}) at: {statement.strip()[:300]}")
