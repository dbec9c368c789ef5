# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""supervisord's configuration, what its log tells, private files, the lock."""

from __future__ import annotations

import configparser
import multiprocessing
import os
import socket
import time

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import files, ports, status, supervisor
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.servers import Live


def test_configuration_listens_on_the_loopback_address_behind_a_password(tmp_path):
    path = tmp_path / "supervisord.conf"
    path.write_text(supervisor.render(26440, "pass;word #%s", {"etcd": "abc"}))
    parser = configparser.RawConfigParser()
    parser.read(path)
    assert parser["inet_http_server"]["port"] == "127.0.0.1:26440"
    assert parser["program:etcd"]["environment"] == 'REHEARSAL_DIGEST="abc"'
    assert supervisor.access(path) == (26440, "pass;word #%s")


def test_generated_password_has_nothing_that_the_configuration_would_take_for_syntax():
    assert all(set(supervisor.new_password()).isdisjoint(" ;#%\"'") for _attempt in range(50))


@pytest.mark.parametrize("text", [None, "", "[inet_http_server]\nport=x\npassword=y\n", "no section\n"])
def test_damaged_configuration_gives_no_access(tmp_path, text):
    if text is not None:
        (tmp_path / "conf").write_text(text)
    assert supervisor.access(tmp_path / "conf") is None


def test_head_of_a_configuration_does_not_depend_on_the_servers():
    one = supervisor.render(26440, "p", {})
    two = supervisor.render(26440, "p", {"etcd": "abc", "kwok": "def"})
    assert supervisor.head_of(one) == supervisor.head_of(two) != supervisor.head_of(supervisor.render(26441, "p", {}))


def test_only_exits_since_the_last_start_that_nobody_asked_for_count():
    log = (
        "INFO supervisord started with pid 1\nWARN exited: etcd (exit status 1; not expected)\n"
        "INFO supervisord started with pid 2\nWARN exited: etcd (terminated by SIGKILL; not expected)\n"
        "INFO exited: kwok (exit status 0; expected)\nWARN exited: etcd (exit status 1; not expected)\n"
    )
    assert status.unexpected_exits(log) == {"etcd": 2}


def test_table_is_aligned():
    rows = [status.Row("etcd", "running", 12, "today", [1, 2], 0), status.Row("kube", "stopped", 0, "", [], 3)]
    assert status.table(rows).splitlines() == [
        "server  state    pid  since  ports  restarts",
        "etcd    running  12   today  1 2    0",
        "kube    stopped  -    -      -      3",
    ]


def test_nothing_runs_for_a_state_folder_that_does_not_exist(make_rehearsal):
    layout = make_rehearsal().layout
    assert status.rows(layout, Live({}, None, ())) == []


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
def test_files_and_folders_have_their_modes_whatever_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        files.write_file(tmp_path / "a" / "b" / "file", "text", 0o640)
    finally:
        os.umask(before)
    assert (tmp_path / "a" / "b" / "file").read_text() == "text"
    assert files.mode_of(tmp_path / "a" / "b" / "file") == 0o640
    assert files.mode_of(tmp_path / "a") == files.mode_of(tmp_path / "a" / "b") == 0o700


def test_failed_write_leaves_the_old_content(tmp_path):
    path = tmp_path / "file"
    files.write_file(path, "old")
    with pytest.raises(UnicodeEncodeError):
        files.write_file(path, "new \ud800")
    assert path.read_text() == "old"
    files.write_file(path, "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def _hold(folder, told, entered, seconds):
    with files.locked(folder, told.send):
        entered.send(True)
        time.sleep(seconds)


def test_second_run_says_that_it_waits_and_a_killed_run_holds_nothing(tmp_path):
    context = multiprocessing.get_context("fork")
    told, tell = context.Pipe(duplex=False)
    entered, enter = context.Pipe(duplex=False)
    first = context.Process(target=_hold, args=(tmp_path, tell, enter, 60))
    first.start()
    assert entered.recv()
    second = context.Process(target=_hold, args=(tmp_path, tell, enter, 0))
    second.start()
    assert "another run is at work" in told.recv()
    assert not entered.poll(0.3)
    first.kill()
    assert entered.poll(10)
    second.join(10)
    assert second.exitcode == 0
    assert list(tmp_path.iterdir()) == []


def test_lock_of_a_folder_that_does_not_exist_makes_none(tmp_path):
    with files.locked(tmp_path / "absent", pytest.fail):
        assert not (tmp_path / "absent").exists()


def test_taken_port_names_the_process_and_is_fine_when_it_is_ours():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = ports.taken({"rehearsal_kwok_port": port}, ours=(), patience=0).message("x")
        assert f"rehearsal_kwok_port is {port}" in message
        assert f"held by process {os.getpid()}" in message
        assert not ports.taken({"rehearsal_kwok_port": port}, ours={os.getpid()}, patience=0)
        assert port in ports.listening(os.getpid())
    assert not ports.taken({"rehearsal_kwok_port": port}, ours=(), patience=0)


def test_port_that_comes_free_in_a_moment_is_waited_for():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        # The child holds the socket open for half a second after this process has closed it.
        holder = multiprocessing.get_context("fork").Process(target=time.sleep, args=(0.5,))
        holder.start()
    started = time.monotonic()
    assert not ports.taken({"rehearsal_kwok_port": port}, ours=(), patience=10)
    assert 0.2 < time.monotonic() - started < 8
    holder.join()
