# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the gates of quality by group, `python tests/gates.py lint unit`, and counts what passed.

A failing gate does not stop the next. The last line is `N passed, N failed`, with `, N skipped` when something was; a
pytest gate counts its tests, any other gate counts one. The exit status is 0 when nothing failed, 1 when something did
and 130 after an interrupt.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS_TO_STOP = 30
INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


@dataclasses.dataclass(frozen=True)
class Gate:
    """One command; `counts_tests` tells a pytest gate from the others."""

    group: str
    name: str
    command: tuple[str, ...]
    counts_tests: bool = False


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a gate came to; `skips` are texts "test: reason", `note` says why a gate failed that could not count."""

    passed: int = 0
    failed: int = 0
    skips: tuple[str, ...] = ()
    note: str = ""
    seconds: float = 0.0

    @property
    def result(self) -> str:
        """The word that stands in the table."""
        return "failed" if self.failed else "passed" if self.passed else "skipped"


def script(group: str, name: str, *command: str) -> Gate:
    """A gate that is a Python program of this project."""
    return Gate(group, name, (sys.executable, *command))


def pytest(group: str, *options: str) -> Gate:
    """A gate that runs the tests of the group's folder."""
    command = (sys.executable, "-m", "pytest", f"tests/{group}", *options)
    return Gate(group, f"pytest tests/{group}", command, counts_tests=True)


GATES = (
    Gate("lint", "ruff check", ("ruff", "check", ".")),
    Gate("lint", "ruff format", ("ruff", "format", "--check", ".")),
    Gate("lint", "mypy plugins", ("mypy", "-p", "ansible_collections.srelab.url_shortener.plugins")),
    script("lint", "mypy tools", "tests/gate_mypy_tools.py"),
    Gate("lint", "ansible-lint", ("ansible-lint", "--strict")),
    script("lint", "shellcheck", "tests/gate_shellcheck.py"),
    Gate("lint", "changelog fragments", ("antsibull-changelog", "lint")),
    script("lint", "role READMEs", "tools/role_readmes.py", "--check"),
    script("lint", "documentation", "tests/gate_docs.py"),
    script("lint", "ansible-test sanity", "tests/gate_sanity.py"),
    pytest("unit", "-n", "auto"),
    pytest("artifact"),
    # A file's tests share servers: they stay in one process.
    pytest("servers", "-n", "auto", "--dist", "loadfile"),
    Gate("molecule", "molecule default", ("molecule", "test", "-s", "default")),
    script("py312", "second Python set", "tests/gate_second_python.py"),
    pytest("root"),
    pytest("walks"),
)


def main(arguments: list[str], gates: tuple[Gate, ...] = GATES) -> int:
    """Runs the groups named in `arguments`, in their order; returns the exit status."""
    groups = list(dict.fromkeys(gate.group for gate in gates))
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("groups", nargs="+", choices=groups, metavar="GROUP", help=", ".join(groups))
    parser.add_argument(
        "--record",
        default=os.environ.get("GATES_RECORD"),
        help="file to which each gate's outcome is added as a JSON line (default: $GATES_RECORD)",
    )
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    outcomes: list[tuple[Gate, Outcome]] = []
    status = 0
    for gate in (gate for group in options.groups for gate in gates if gate.group == group):
        print(f"\n=== {gate.group}: {gate.name}", flush=True)
        try:
            outcome = run(gate)
        except KeyboardInterrupt:
            outcome = Outcome(failed=1, note="interrupted")
            status = 130
        outcomes.append((gate, outcome))
        if options.record:
            record(Path(options.record), gate, outcome)
        if status:
            break
    print(summary(outcomes), flush=True)
    return status or int(any(outcome.failed for gate, outcome in outcomes))


def run(gate: Gate) -> Outcome:
    """Runs one gate, its output going straight to the terminal, and says what it came to."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    if shutil.which(gate.command[0], path=path) is None:
        return Outcome(failed=1, note=f"{gate.command[0]} is not installed (looked in {path})")
    with tempfile.TemporaryDirectory(prefix="gates-") as scratch:
        report = Path(scratch) / "junit.xml"
        command = [*gate.command, *([f"--junitxml={report}"] if gate.counts_tests else [])]
        started = time.monotonic()
        exit_status = _exit_status(command, {**os.environ, "PATH": path})
        outcome = tally(report, exit_status) if gate.counts_tests else _one(exit_status)
        return dataclasses.replace(outcome, seconds=round(time.monotonic() - started, 1))


def tally(report: Path, exit_status: int) -> Outcome:
    """Counts the tests of a pytest run by its JUnit report.

    A run that failed without a failing test in the report, or that ended before it wrote one, counts one failure.
    """
    passed = 0
    failed: set[str] = set()  # a test that fails, and again while it is taken down, stands there twice
    skips = []
    with contextlib.suppress(FileNotFoundError, ET.ParseError):
        for case in ET.parse(report).iter("testcase"):  # noqa: S314 (written by our own child)
            name = f"{case.get('classname')}::{case.get('name')}"
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                failed.add(name)
            elif skip is not None:
                skips.append(f"{name}: {skip.get('message', '')}")
            else:
                passed += 1
    broken = not failed and (exit_status != 0 or not (passed or skips))
    note = f"pytest ended with exit status {exit_status}, {passed} tests passed" if broken else ""
    return Outcome(passed, len(failed) + broken, tuple(skips), note)


def record(path: Path, gate: Gate, outcome: Outcome) -> None:
    """Adds one JSON line: group, gate, passed, failed, skips, note, seconds."""
    line = json.dumps({"group": gate.group, "gate": gate.name, **dataclasses.asdict(outcome)})
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def summary(outcomes: t.Sequence[tuple[Gate, Outcome]]) -> str:
    """The reasons of skipped tests, a table with a row a gate, and the line of totals."""
    lines = [f"skipped {skip}" for gate, outcome in outcomes for skip in outcome.skips]
    width = max((len(gate.name) for gate, outcome in outcomes), default=0)
    lines += ["", f"{'gate':{width}}  result   seconds  tests"]
    for gate, outcome in outcomes:
        counts = f"  {_totals([outcome])}" if gate.counts_tests else ""
        note = f"  {outcome.note}" if outcome.note else ""
        lines.append(f"{gate.name:{width}}  {outcome.result:7}  {outcome.seconds:7.1f}{counts}{note}")
    return "\n".join([*lines, "", _totals([outcome for gate, outcome in outcomes])])


def _totals(outcomes: t.Sequence[Outcome]) -> str:
    skipped = sum(len(outcome.skips) for outcome in outcomes)
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")


def _one(exit_status: int) -> Outcome:
    return Outcome(failed=1, note=f"exit status {exit_status}") if exit_status else Outcome(passed=1)


def _exit_status(command: list[str], environment: dict[str, str]) -> int:
    # An interrupt waits until the child is known, or nobody would end it.
    signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        # A session of its own: an interrupt reaches this program alone, which then ends all that the gate started.
        start_new_session=True,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS),
    )
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
        return child.wait()
    except KeyboardInterrupt:
        # The gentle signal first: pytest then takes down what its fixtures have started.
        for number in (signal.SIGINT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(SECONDS_TO_STOP)
        raise


def _interrupt(_number: int, _frame: object) -> t.NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
