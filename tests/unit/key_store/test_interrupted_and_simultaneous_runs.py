# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed in the middle of a write, and runs at the same time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest

PROCESSES = multiprocessing.get_context("fork")

# The calls of one replacing put, in order: sync of the data, rename, sync of the folder.
CALLS = [("fsync", 1), ("replace", 1), ("fsync", 2)]


def _kill_at(call, number, moment):
    """Makes this process kill itself before or after its ``number``-th call of the function."""
    real = getattr(os, call)
    calls = []

    def deadly(*arguments, **options):
        calls.append(arguments)
        if len(calls) == number and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **options)
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(os, call, deadly)


def _killed(store, value, call, number, moment):
    def run():
        _kill_at(call, number, moment)
        store.put("k3s_token", value, replace=True)

    process = PROCESSES.Process(target=run)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, "the put went through without being killed"


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("call", "number"), CALLS)
def test_a_killed_replacement_leaves_the_old_value_or_the_new_one(store, call, number, moment):
    store.put("k3s_token", "old")
    _killed(store, "new", call, number, moment)
    renamed = (call, number, moment) not in [("fsync", 1, "before"), ("fsync", 1, "after"), ("replace", 1, "before")]
    assert store.get("k3s_token") == ("new" if renamed else "old")
    assert store.names() == ["k3s_token"]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("call", "number"), CALLS)
def test_a_killed_creation_leaves_nothing_or_the_value_and_can_be_run_again(store, call, number, moment):
    store.prove_writable()
    _killed(store, "new", call, number, moment)
    assert store.names() in ([], ["k3s_token"])
    assert store.get_or_create("k3s_token", lambda: "new") == "new"


def test_the_next_write_removes_what_a_killed_one_left(store):
    store.put("k3s_token", "old")
    _killed(store, "new", "fsync", 1, "before")
    assert len(list(store.folder.glob(".*.tmp"))) == 1
    store.put("seal_key", "value")
    assert not list(store.folder.glob(".*.tmp"))


def test_a_write_does_not_disturb_one_that_is_under_way(store):
    """Its temporary file must not be taken for a stray one."""
    inside, go_on = PROCESSES.Event(), PROCESSES.Event()

    def slow_put():
        real = os.replace

        def waiting(*arguments):
            inside.set()
            assert go_on.wait(60)
            real(*arguments)

        os.replace = waiting
        store.put("k3s_token", "slow")

    slow = PROCESSES.Process(target=slow_put)
    quick = PROCESSES.Process(target=store.put, args=("seal_key", "quick"))
    slow.start()
    assert inside.wait(60)
    quick.start()
    time.sleep(0.3)
    go_on.set()
    slow.join(60)
    quick.join(60)
    assert (slow.exitcode, quick.exitcode) == (0, 0)
    assert (store.get("k3s_token"), store.get("seal_key")) == ("slow", "quick")


def test_a_second_creation_keeps_the_first_ones_value(store, open_store):
    def overtaken():
        open_store().put("k3s_token", "first")
        return "second"

    assert store.get_or_create("k3s_token", overtaken) == "first"


def test_runs_that_create_at_once_all_return_the_same_value(store):
    runs = 8
    start, results = PROCESSES.Barrier(runs), PROCESSES.Queue()

    def create(number):
        start.wait(60)
        results.put(store.get_or_create("k3s_token", lambda: f"value of run {number}"))

    processes = [PROCESSES.Process(target=create, args=(number,)) for number in range(runs)]
    for process in processes:
        process.start()
    values = {results.get(timeout=60) for _process in processes}
    for process in processes:
        process.join(60)
    assert values == {store.get("k3s_token")}
