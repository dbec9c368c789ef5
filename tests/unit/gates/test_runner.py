# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of the gates: what it counts, what it prints, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import gates
import pytest

PASSES = gates.Gate("lint", "passes", (sys.executable, "-c", "print('said by the child')"))
FAILS = gates.Gate("lint", "fails", (sys.executable, "-c", "raise SystemExit(3)"))
LATER = gates.Gate("unit", "later", (sys.executable, "-c", ""))


def pytest_gate(folder, tests):
    folder.mkdir(exist_ok=True)
    (folder / "test_it.py").write_text(textwrap.dedent(tests))
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(folder))
    return gates.Gate("unit", "tests", command, counts_tests=True)


def last_line(capfd):
    return capfd.readouterr().out.splitlines()[-1]


@pytest.fixture(autouse=True)
def _unchanged_process(monkeypatch):
    monkeypatch.delenv("GATES_RECORD", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


def test_a_failing_gate_does_not_stop_the_next_and_sets_the_exit_status(capfd):
    status = gates.main(["lint", "unit"], (FAILS, PASSES, LATER))
    output = capfd.readouterr().out
    assert status == 1
    assert "said by the child" in output
    assert output.splitlines()[-1] == "2 passed, 1 failed"
    assert "exit status 3" in output


def test_all_gates_passed_is_exit_status_zero(capfd):
    assert gates.main(["lint"], (PASSES, LATER)) == 0
    assert last_line(capfd) == "1 passed, 0 failed"


def test_only_the_named_groups_run_in_the_named_order(capfd):
    gates.main(["unit", "lint"], (PASSES, LATER))
    output = capfd.readouterr().out
    assert output.index("=== unit: later") < output.index("=== lint: passes")


def test_a_missing_tool_fails_its_gate_by_name(capfd):
    missing = gates.Gate("lint", "tool", ("no-such-tool-anywhere",))
    assert gates.main(["lint"], (missing,)) == 1
    output = capfd.readouterr().out
    assert "no-such-tool-anywhere is not installed" in output
    assert output.splitlines()[-1] == "0 passed, 1 failed"


def test_tools_beside_the_running_python_are_found_first():
    assert gates.run(gates.Gate("lint", "tool", ("pytest", "--version"))).passed == 1


def test_a_pytest_gate_counts_its_tests_and_shows_why_some_were_skipped(tmp_path, capfd):
    gate = pytest_gate(
        tmp_path,
        """
        import pytest

        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_passes(number): pass

        def test_fails(): assert False

        @pytest.fixture
        def broken(): raise RuntimeError

        def test_cannot_be_set_up(broken): pass

        @pytest.mark.skip(reason="needs a moon")
        def test_left_out(): pass
        """,
    )
    assert gates.main(["unit"], (gate,)) == 1
    output = capfd.readouterr().out
    assert output.splitlines()[-1] == "3 passed, 2 failed, 1 skipped"
    assert "test_left_out: needs a moon" in output.split("=== unit")[1]


def test_a_test_whose_fixture_breaks_while_it_is_taken_down_counts_once(tmp_path):
    gate = pytest_gate(
        tmp_path,
        """
        import pytest

        @pytest.fixture
        def fragile():
            yield
            raise RuntimeError

        def test_fails_twice(fragile): assert False

        def test_passes_at_first(fragile): pass
        """,
    )
    outcome = gates.run(gate)
    assert (outcome.passed, outcome.failed) == (0, 2)


@pytest.mark.parametrize(
    "tests",
    ["import no_such_module_anywhere", "", "import os; os._exit(7)", "def test_dies(): import os; os._exit(0)"],
    ids=["collection error", "no test at all", "killed while it collects", "dies with exit status 0 in mid-run"],
)
def test_a_pytest_run_that_broke_is_one_failure(tmp_path, tests):
    outcome = gates.run(pytest_gate(tmp_path, tests))
    assert (outcome.passed, outcome.failed) == (0, 1)


def test_each_outcome_is_recorded_as_a_json_line(tmp_path, monkeypatch):
    record = tmp_path / "record.jsonl"
    monkeypatch.setenv("GATES_RECORD", str(record))
    gates.main(["lint"], (FAILS, PASSES))
    gates.main(["unit"], (LATER,))
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    assert [(line["gate"], line["passed"], line["failed"]) for line in lines] == [
        ("fails", 0, 1),
        ("passes", 1, 0),
        ("later", 1, 0),
    ]


def test_an_interrupt_ends_the_gate_with_all_it_started_and_still_counts(tmp_path):
    started = tmp_path / "pid"
    program = f"""
        import sys, gates
        shell = "sleep 60 & echo $! >'{started}'; wait"
        sleeper = gates.Gate("lint", "sleeper", ("sh", "-c", shell))
        sys.exit(gates.main(["lint", "unit"], (sleeper, gates.Gate("unit", "never", ("true",)))))
    """
    runner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": str(Path(gates.__file__).parent)},
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 20
    while not (started.exists() and started.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    runner.send_signal(signal.SIGTERM)
    output, _errors = runner.communicate(timeout=gates.SECONDS_TO_STOP + 20)
    assert runner.returncode == 130
    assert output.splitlines()[-1] == "0 passed, 1 failed"
    assert "never" not in output
    assert not running(int(started.read_text()))


def running(pid):
    """Whether the process lives; a zombie that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_every_gate_has_a_name_of_its_own():
    names = [gate.name for gate in gates.GATES]
    assert len(names) == len(set(names))
