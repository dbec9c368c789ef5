# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: every sanity test of ansible-test passes on a copy of the project, and a planted fault is seen to fail.

ansible-test wants the collection in a folder `ansible_collections/<namespace>/<name>` that is a Git work tree and holds
no symbolic link to a folder: hence the copy, without the link through which a clone finds itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
import typing as t
import xml.etree.ElementTree as ET
from pathlib import Path

from project_tree import cache_home, copy_project

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
NOT_APPLICABLE = "No tests applicable."
# ansible-test downloads this script where its cache lacks it. The names are those of core 2.19 and of 2.20 and 2.21.
PIP_BOOTSTRAPS = ("get_pip_24_2.py", "get_pip_25_2.py")
PIP_BOOTSTRAP = """\
import subprocess, sys
subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
"""


def main() -> int:
    """Returns 0 when every test passed and the negative control failed as it should."""
    home = cache_home() / "ansible-test"
    with tempfile.TemporaryDirectory(prefix="sanity-") as scratch, _warm_home(home):
        copy = Path(scratch) / "ansible_collections/srelab/url_shortener"
        copy_project(copy, without={"collections"})
        _git(copy, "init", "--quiet")
        _git(copy, "add", "--all")
        names = _ansible_test(copy, home, "--list-tests", stdout=subprocess.PIPE).stdout.split()
        status = _ansible_test(copy, home, "--junit").returncode
        complaints = verdict(names, results(copy / "tests/output/junit"))
        if status:
            complaints.append(f"ansible-test ended with exit status {status}")
        complaints += _negative_control(copy, home)
    for complaint in complaints:
        print(f"sanity: {complaint}")
    return int(bool(complaints))


def results(folder: Path) -> dict[str, str]:
    """What each test came to, by its name: "passed", "failed", or the reason why it was skipped."""
    found = {}
    for report in sorted(folder.glob("ansible-test-sanity-*.xml")):
        for case in ET.parse(report).iter("testcase"):  # noqa: S314 (written by our own child)
            skip = case.find("skipped")
            failed = case.find("failure") is not None or case.find("error") is not None
            name = str(case.get("name")).removesuffix(f"-python-{PYTHON}")
            found[name] = "failed" if failed else "passed" if skip is None else str(skip.text)
    return found


def verdict(names: t.Iterable[str], found: dict[str, str]) -> list[str]:
    """What is wrong with a run that should have held the tests `names`; prints which of them ran.

    A test without a file to look at is no fault; one that lacked a tool, and a run that left a test out, are.
    """
    passed = [name for name in names if found.get(name) == "passed"]
    idle = [name for name in names if found.get(name) == NOT_APPLICABLE]
    print(f"{len(passed)} sanity tests passed: {', '.join(passed)}")
    print(f"{len(idle)} had no file to look at: {', '.join(idle)}", flush=True)
    others = [name for name in names if name not in {*passed, *idle}]
    complaints = [f"{name}: {found.get(name, 'did not run')}" for name in others]
    return complaints if passed else [*complaints, "no test ran"]


def _negative_control(copy: Path, home: Path) -> list[str]:
    print("Negative control: a module with a syntax error must fail", flush=True)
    planted = copy / "plugins/module_utils/planted.py"
    planted.write_text("def broken(:\n")
    _git(copy, "add", "--all")
    seen = _ansible_test(copy, home, "--test", "compile", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if seen.returncode and planted.name in seen.stdout:
        return []
    return [f"a planted syntax error was not reported, exit status {seen.returncode}:\n{seen.stdout}"]


def _ansible_test(copy: Path, home: Path, *options: str, **streams: t.Any) -> subprocess.CompletedProcess[str]:
    command = ["ansible-test", "sanity", "--local", "--python", PYTHON, *options]
    environment = {**os.environ, "HOME": str(home)}
    return subprocess.run(command, cwd=copy, env=environment, text=True, check=False, **streams)


def _git(copy: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=copy, check=True)


@contextlib.contextmanager
def _warm_home(home: Path) -> t.Iterator[None]:
    """Makes the home in which ansible-test keeps its virtual environments; two runs at a time would break them."""
    bootstraps = home / ".ansible/test/cache"
    bootstraps.mkdir(parents=True, exist_ok=True)
    for name in PIP_BOOTSTRAPS:
        (bootstraps / name).write_text(PIP_BOOTSTRAP)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
