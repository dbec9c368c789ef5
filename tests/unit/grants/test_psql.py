# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conversation with psql over a pipe."""

from __future__ import annotations

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants import session
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.psql import PsqlSession


class Pipe:
    """Answers each statement with lines, then its marker; ends where an answer is None."""

    def __init__(self, *answers, status=0, errors=""):
        self.answers, self.status, self.errors = list(answers), status, errors
        self.sent, self.lines, self.ended = "", [], 0

    def write(self, text):
        self.sent += text
        if "\\echo " in text:
            answer = self.answers.pop(0)
            marker = text.split("\\echo ")[1]
            self.lines += [] if answer is None else [*answer.splitlines(keepends=True), marker]

    def read_line(self):
        return self.lines.pop(0) if self.lines else ""

    def end(self):
        self.ended += 1
        return self.status, self.errors


class Server:
    def __init__(self, pipe):
        self.pipe = pipe

    def connect(self, _database):
        return PsqlSession(self.pipe)


def test_answer_ends_at_its_marker_and_keeps_its_lines():
    assert PsqlSession(Pipe('[1,\n "end-"]\n')).run("SELECT 1") == '[1,\n "end-"]'


def test_transaction_is_explicit_and_committed_last():
    pipe = Pipe("", "", "")
    with session.transaction(Server(pipe), "lab", 5, read_only=False) as opened:
        opened.run("GRANT 1")
    statements = [line for line in pipe.sent.splitlines() if not line.startswith("\\echo")]
    assert "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE" in statements[0]
    assert statements[1:] == ["GRANT 1;", "COMMIT;", "\\q"]
    assert pipe.ended == 1


def test_check_mode_opens_a_read_only_transaction():
    pipe = Pipe("", "")
    with session.transaction(Server(pipe), "lab", 5, read_only=True):
        pass
    assert "READ ONLY;" in pipe.sent


def test_refused_statement_is_never_committed():
    pipe = Pipe("", None, status=3, errors="ERROR:  42501: permission denied")
    refused = pytest.raises(session.RefusedError, match=r"42501: permission denied at: GRANT 1")
    with refused, session.transaction(Server(pipe), "lab", 5, read_only=False) as opened:
        opened.run("GRANT 1")
    assert "COMMIT;" not in pipe.sent


@pytest.mark.parametrize("status", [None, 2, 137])
def test_cut_stream_is_a_lost_connection(status):
    pipe = Pipe(None, status=status, errors="gone")
    with pytest.raises(session.ConnectionLostError, match=rf"status {status}\): gone"):
        PsqlSession(pipe).run("COMMIT")
