# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions by psql, whose standard streams lead to it by any pipe: an exec in the operator's primary pod, a process.

psql reads a statement when it is complete and answers at once, so that a session can look at an answer before it
sends COMMIT. A marker printed after each statement tells where its answer ends; the stream needs no end of input.
"""

from __future__ import annotations

import contextlib
import secrets
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.session import (
    ConnectionLostError,
    RefusedError,
)

# No start-up file, no prompts, values alone; the first error ends psql (exit 3) and so rolls back.
ARGUMENTS = ("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose")
_STATEMENT_FAILED = 3


class Pipe(t.Protocol):
    """The streams of a running psql."""

    def write(self, text: str) -> None:
        """Sends to its standard input. Raises OSError."""

    def read_line(self) -> str:
        """The next line of its standard output with its newline; "" at the end. Raises OSError."""

    def end(self) -> tuple[int | None, str]:
        """Ends it, if it still runs; its exit status (None where the stream was cut) and standard error."""


class PsqlSession:
    """One psql."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._ended = False

    def run(self, statement: str) -> str:
        """Executes one statement and gives its only value."""
        marker = f"end-{secrets.token_hex(8)}"
        try:
            self._pipe.write(f"{statement};\n\\echo {marker}\n")
            return self._answer(marker)
        except _EndedError:
            status, words = self._end()
        except OSError as error:
            status, words = self._end()
            words = words or str(error)
        if status == _STATEMENT_FAILED:
            raise RefusedError(f"{words.strip()} at: {statement.strip()[:300]}")
        raise ConnectionLostError(f"psql ended (status {status}): {words.strip()}")

    def close(self) -> None:
        """Ends psql by its own command, which does not need the end of input."""
        if not self._ended:
            with contextlib.suppress(OSError):
                self._pipe.write("\\q\n")
            self._end()

    def _answer(self, marker: str) -> str:
        lines: list[str] = []
        while (line := self._pipe.read_line()).rstrip("\n") != marker:
            if not line:
                raise _EndedError
            lines.append(line)
        return "".join(lines).rstrip("\n")

    def _end(self) -> tuple[int | None, str]:
        self._ended = True
        return self._pipe.end()


class _EndedError(Exception):
    """Standard output came to its end before the marker."""
