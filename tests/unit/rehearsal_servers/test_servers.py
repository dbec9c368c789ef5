# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the servers changes, and the start script."""

from __future__ import annotations

import dataclasses
import datetime
import os
import subprocess

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import (
    certificates,
    model,
    ports,
    servers,
    supervisor,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


def written(rehearsal):
    """The rehearsal's files as a run leaves them."""
    certificates.apply(rehearsal, certificates.plan(rehearsal, certificates.snapshot(rehearsal), NOW), NOW)
    for file in rehearsal.files:
        servers.write_file(rehearsal.layout.state / file.path, file.content, file.mode)
    for server in rehearsal.servers:
        servers.write_file(rehearsal.layout.server(server.name) / "run", servers.start_script(server), 0o700)
    servers.write_file(rehearsal.layout.configuration, supervisor.render(rehearsal.supervisor_port, "password", {}))
    return rehearsal


def running(rehearsal, states=None, also=()):
    """A snapshot in which all servers run with what lies on the disk."""
    names = [*(server.name for server in rehearsal.servers), *also]
    states = states or {}
    return dataclasses.replace(
        servers.snapshot(rehearsal),
        digests={server.name: servers.digest(rehearsal, server) for server in rehearsal.servers},
        live=servers.Live(
            processes={name: supervisor.Process(name, states.get(name, "RUNNING"), 1, 0) for name in names},
            daemon=supervisor.Supervisor(1, "password"),
            daemons=(1,),
        ),
    )


def test_blank_machine_builds_everything_in_order(make_rehearsal):
    rehearsal = make_rehearsal()
    plan = servers.plan(rehearsal, servers.snapshot(rehearsal), NOW)
    assert plan.objects[-4:] == ["file kubeconfig", "supervisord", "server etcd", "server api"]
    assert not rehearsal.layout.state.exists()


def test_running_rehearsal_changes_nothing(make_rehearsal):
    rehearsal = written(make_rehearsal())
    assert not servers.plan(rehearsal, running(rehearsal), NOW)


@pytest.mark.parametrize("state", ["STOPPED", "EXITED", "FATAL", "BACKOFF"])
def test_server_that_does_not_run_is_started_alone(make_rehearsal, state):
    rehearsal = written(make_rehearsal())
    assert servers.plan(rehearsal, running(rehearsal, {"api": state}), NOW).objects == ["server api"]


def test_new_certificate_restarts_the_server_that_reads_it(make_rehearsal):
    rehearsal = written(make_rehearsal())
    rehearsal.layout.certificate("admin").unlink()
    there = running(rehearsal)
    assert servers.plan(rehearsal, there, NOW).objects == ["certificate admin", "server api"]


def test_certificate_that_was_made_by_a_run_that_died_restarts_the_server_too(make_rehearsal):
    rehearsal = written(make_rehearsal())
    there = running(rehearsal)
    rehearsal.layout.certificate("admin").unlink()
    certificates.apply(rehearsal, certificates.plan(rehearsal, certificates.snapshot(rehearsal), NOW), NOW)
    fresh = dataclasses.replace(running(rehearsal), digests=there.digests)
    assert servers.plan(rehearsal, fresh, NOW).objects == ["server api"]


@pytest.mark.parametrize(
    "replaced",
    [
        {"command": ("/usr/bin/api", "--other")},
        {"environment": {"A": "b"}},
        {"files": (model.File("stages.yml", "a: 1\n", 0o600, False),)},
    ],
)
def test_changed_input_restarts_that_server_alone(make_rehearsal, replaced):
    rehearsal = written(make_rehearsal())
    there = running(rehearsal)
    first, second = rehearsal.servers
    changed = dataclasses.replace(rehearsal, servers=(first, dataclasses.replace(second, **replaced)))
    there = dataclasses.replace(there, files=servers.snapshot(changed).files)
    assert [name for name in servers.plan(changed, there, NOW).objects if name.startswith("server")] == ["server api"]


def test_moved_supervisor_port_restarts_everything(make_rehearsal):
    rehearsal = written(make_rehearsal())
    moved = dataclasses.replace(rehearsal, supervisor_port=1234)
    assert servers.plan(moved, running(moved), NOW).objects == ["supervisord", "server etcd", "server api"]


def test_server_that_is_no_longer_declared_is_removed(make_rehearsal):
    rehearsal = written(make_rehearsal())
    assert servers.plan(rehearsal, running(rehearsal, also=["old"]), NOW).objects == ["server old"]


def test_secret_file_is_not_in_the_diff(make_rehearsal):
    secret = (model.File("token", "hunter2 is the token", 0o600, True),)
    rehearsal = make_rehearsal(files=secret)
    blank = servers.plan(rehearsal, servers.snapshot(rehearsal), NOW).result()
    servers.write_file(rehearsal.layout.state / "token", "hunter1 was the token")
    changed = servers.plan(rehearsal, servers.snapshot(rehearsal), NOW).result()
    assert "file token" in changed["objects"]
    assert "hunter" not in str([blank, changed])


def test_file_with_a_lax_mode_is_written_again(make_rehearsal):
    rehearsal = written(make_rehearsal())
    (rehearsal.layout.state / "kubeconfig").chmod(0o644)
    assert servers.plan(rehearsal, running(rehearsal), NOW).objects == ["file kubeconfig"]


def test_port_of_two_variables_is_an_error_before_the_machine_is_asked(make_rehearsal, make_server):
    rehearsal = make_rehearsal(servers=(make_server("etcd", 26440),))
    with pytest.raises(model.RehearsalError, match=r"rehearsal_etcd_port is 26440.*rehearsal_supervisor_port has this"):
        servers.check_ports(rehearsal, servers.snapshot(rehearsal), servers.Plan())


@pytest.mark.parametrize("port", [0, -1, 65536, 700000])
def test_number_that_is_no_port_is_an_error(port):
    assert "1 to 65535" in ports.impossible({"rehearsal_kwok_port": port}).message("x")


@settings(deadline=None, max_examples=25)
@example(["two words --not-an-option", "'quoted' \"$HOME\" $(exit 9) `exit 9`"], {"A": "line\nline %s"})
@given(st.lists(TEXT, max_size=4), st.dictionaries(st.sampled_from(["A", "B_1"]), TEXT))
def test_start_script_hands_on_every_argument_and_variable_as_it_is(make_server, arguments, environment):
    show = 'import os, sys; print(ascii((sys.argv[1:], {name: os.environ.get(name) for name in ("A", "B_1")})))'
    server = make_server("etcd", command=("python3", "-c", show, *arguments), environment=environment)
    script = servers.start_script(server)
    output = subprocess.run(
        ["/bin/sh", "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"},
    ).stdout
    wanted = {name: environment.get(name) for name in ("A", "B_1")}
    assert output.strip() == ascii((arguments, wanted))


def test_missing_setpriv_is_named(make_server, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(model.RehearsalError, match="needs the program setpriv"):
        servers.start_script(make_server("etcd"))


def test_server_may_only_come_after_one_that_is_declared_before_it():
    ready = {"url": "https://127.0.0.1:1/", "authority": "a", "certificate": "c", "text": ""}
    server = {"command": ["x"], "environment": {}, "files": [], "ports": {}, "pki": [], "ready": ready}
    first, second = server | {"name": "one", "after": ["two"]}, server | {"name": "two", "after": []}
    arguments = {"state_dir": "/x", "supervisor_port": 1, "files": []}
    component = {"certificates": [], "signing_keys": []}
    assert model.from_arguments(arguments | {"components": [component | {"servers": [second, first]}]}).servers
    with pytest.raises(model.RehearsalError, match="one starts after two"):
        model.from_arguments(arguments | {"components": [component | {"servers": [first, second]}]})
