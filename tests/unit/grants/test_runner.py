# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail-over between the first look and the last COMMIT, told by a server that is not there."""

from __future__ import annotations

import json

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants import catalog, runner
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.declaration import read_grants
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.session import ConnectionLostError
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors

GRANTS = [{"type": "membership", "groups": ["readers"], "roles": ["app"]}]


class Server:
    """Keeps memberships; ``events`` happen at connections, by number."""

    def __init__(self, **events):
        self.events, self.connections, self.members, self.standby = events, 0, [], False

    def connect(self, _database):
        event = self.events.get(f"at_{self.connections}")
        self.connections += 1
        if event == "down":
            raise ConnectionLostError("down")
        return Session(self, standby=event == "standby")


class Session:
    def __init__(self, server, *, standby):
        self.server, self.standby, self.pending = server, standby, []

    def run(self, statement):
        if statement == catalog.CLUSTER:
            rows = [*self.server.members, *self.pending]
            cluster = {"version": 18, "standby": self.standby, "bootstrap": "postgres", "databases": []}
            return json.dumps(cluster | {"roles": ["app", "readers"], "members": rows})
        if statement.startswith("GRANT"):
            self.pending.append(["readers", "app", "postgres", False, True, True])
        if statement == "COMMIT":
            self.server.members += self.pending
        return ""

    def close(self):
        pass


def run(server, **options):
    declaration = read_grants(GRANTS, InputErrors())
    return runner.run(runner.Task(declaration, **options), server, sleep=lambda _seconds: None)


def test_two_connections_are_enough_to_change_and_one_to_find_nothing_to_do():
    server = Server()
    assert run(server).result()["objects"] == ["members of readers"]
    assert server.connections == 2
    assert not run(server).result()["changed"]
    assert server.connections == 3


def test_server_that_is_away_for_a_while_after_the_first_look_is_waited_for():
    server = Server(at_1="down", at_2="down", at_3="standby")
    assert run(server).result()["statements"] == [{"database": "", "statement": 'GRANT "readers" TO "app"'}]
    assert server.members


def test_server_that_does_not_answer_at_first_is_an_error_at_once():
    with pytest.raises(ConnectionLostError):
        run(Server(at_0="down"))


def test_server_that_stays_away_is_an_error_when_the_time_is_up():
    with pytest.raises(ConnectionLostError):
        run(Server(**{f"at_{number}": "down" for number in range(1, 99)}), timeout_s=0)


def test_standby_is_refused_but_for_check_mode():
    with pytest.raises(ConnectionLostError, match="standby"):
        run(Server(at_0="standby"))
    assert run(Server(at_0="standby"), check=True).result()["changed"]
