# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task in a playbook: its result, and what an interrupt leaves behind."""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import binaries
from ansible_collections.srelab.url_shortener.tests import go_modules

PLAYBOOK = pathlib.Path(sys.executable).with_name("ansible-playbook")


@pytest.fixture(scope="module")
def toolchain():
    return go_modules.real_toolchain()


@pytest.fixture(scope="module")
def runtime(tmp_path_factory, toolchain):
    return go_modules.compiled_runtime(tmp_path_factory.mktemp("compiled"), toolchain)


@pytest.fixture
def cache(tmp_path, toolchain, runtime):
    """A cache with the runtime: a build in it takes a few seconds for the program's own packages."""
    return go_modules.cache_with(tmp_path / "cache", toolchain, runtime)


@pytest.fixture
def run(tmp_path, cache):
    """Starts a playbook that builds a program of many packages and writes the task's result to result.json."""
    module = go_modules.make_module(tmp_path / "module", tmp_path / "proxy", packages=100)
    options = {
        "builds": [go_modules.declaration(module)],
        "go_requirement": str(go_modules.REQUIREMENT),
        "cache_dir": str(cache),
    }
    copy = {"content": "{{ result | to_json }}", "dest": str(tmp_path / "result.json"), "mode": "0600"}
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": [
            {"name": "Built", "srelab.url_shortener.rehearsal_binaries": options, "register": "result"},
            {"name": "Shown", "ansible.builtin.copy": copy, "check_mode": False},
        ],
    }
    (tmp_path / "play.json").write_text(json.dumps([play]))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(go_modules.ROOT / "collections"),
        "GOPROXY": (tmp_path / "proxy").as_uri(),
        "PYTHONUNBUFFERED": "1",
    }

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [PLAYBOOK, "-i", "localhost,", *arguments, "play.json"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def finish(process: subprocess.Popen[str]) -> str:
    output, _none = process.communicate(timeout=240)
    assert process.returncode == 0, output
    return output


def compiled(cache: pathlib.Path) -> int:
    return sum(1 for _entry in (cache / "go" / "build").glob("*/*-d"))


def unfinished(cache: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in (cache / "building").glob("*") if path.is_dir()]


def processes_of(folder: pathlib.Path) -> list[str]:
    """The command lines, and for processes without one of ours the work, that have to do with a folder."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_text().replace("\0", " ")
            # A forked worker has the playbook's command line; its working folder tells whose it is.
            belongs = str(folder) in words or (process / "cwd").readlink().is_relative_to(folder)
        except OSError:
            continue
        if belongs:
            found.append(words)
    return found


def wait_until(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def test_check_mode_the_run_and_the_second_run_agree(run, tmp_path, cache):
    results = []
    for arguments in (["--check", "--diff"], ["--diff"], ["--diff"]):
        output = finish(run(*arguments))
        results.append(json.loads((tmp_path / "result.json").read_text()))
        assert ("hello 1.2.3 (1 of 1): built in " in output) == (len(results) == 2)
    checked, real, again = results
    assert checked["objects"] == real["objects"] == ["build hello 1.2.3"]
    assert (checked["changed"], real["changed"], again["changed"]) == (True, True, False)
    assert checked["binaries"] == real["binaries"] == again["binaries"]
    assert pathlib.Path(real["binaries"]["hello"]).is_relative_to(cache)
    assert again["objects"] == again["diff"] == []


def test_a_wrong_declaration_is_one_message_without_a_traceback(run, tmp_path):
    (tmp_path / "module" / "go.sum").unlink()
    output, _none = run().communicate(timeout=60)
    assert "builds[0].module_dir is" in output
    assert "a folder with go.mod and go.sum (No such file or directory)" in output
    assert "Traceback" not in output


def test_a_killed_build_leaves_no_process_and_nothing_finished_and_the_next_run_resumes(run, tmp_path, cache):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        before = compiled(cache)
        process = run()
        try:
            assert wait_until(lambda enough=before + 5: compiled(cache) >= enough, 120)
        finally:
            process.send_signal(number)
        process.communicate(timeout=30)
        assert process.returncode != 0
        assert wait_until(lambda: not processes_of(tmp_path), 10), (number, processes_of(tmp_path))
        assert not (cache / "servers").exists()

    output = finish(run())
    assert "more are there from an earlier build" in output
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["objects"] == ["build hello 1.2.3"]
    ran = subprocess.run([result["binaries"]["hello"]], capture_output=True, text=True, check=True)
    assert ran.stderr == "hello from v1.2.3\n"
    assert not unfinished(cache)


def test_a_run_that_waits_for_another_says_so_and_leaves_no_process_when_it_is_killed(run, tmp_path, cache):
    declarations = [go_modules.declaration(tmp_path / "module")]
    planned = binaries.built(declarations, go_modules.REQUIREMENT, cache, check_mode=True, say=print)
    target = pathlib.Path(planned["binaries"]["hello"]).parent.relative_to(cache)
    (cache / "building").mkdir()
    with (cache / "building" / f"{'-'.join(target.parts)}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("process 42 in /a clone")
        lock.flush()
        process = run()
        try:
            said = next(line for line in process.stdout if "waiting" in line)
        finally:
            process.kill()
            process.communicate(timeout=30)
        assert said == "hello 1.2.3: waiting, process 42 in /a clone is making it\n"
        assert wait_until(lambda: not processes_of(tmp_path), 10), processes_of(tmp_path)
