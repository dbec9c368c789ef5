# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: the second pinned set, for Python 3.12 and newer, runs the project where such a Python is, else it resolves.

The virtual environment made for it is kept in the cache and shared by all clones.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from project_tree import ROOT, cache_home

LOCK = ROOT / "requirements/test-py312.txt"
NEWEST_FIRST = ("3.14", "3.13", "3.12")
SHOW_VERSION = "import sys, venv, ensurepip; print('.'.join(map(str, sys.version_info[:3])))"


def main() -> int:
    """Returns 0 when every step did."""
    if sys.version_info >= (3, 12):
        print("This run's own gates use the second set already: nothing to add")
        return 0
    found = find_python(os.environ.get("PATH", ""), Path.home() / ".pyenv/versions")
    if found is None:
        return only_resolve()
    try:
        return _run_with(*found)
    except subprocess.CalledProcessError as error:
        print(f"The environment for the second set could not be made: {error}")
        return 1


def find_python(path: str, pyenv_versions: Path) -> tuple[Path, str] | None:
    """The newest Python from 3.12 on that really runs, with its full version; None when there is none.

    A name on PATH proves nothing: a shim of pyenv is there for every installed version and runs the chosen one alone.
    """
    for wanted in NEWEST_FIRST:
        folders = [Path(folder) for folder in path.split(os.pathsep) if folder]
        folders += sorted(pyenv_versions.glob(f"{wanted}.*/bin"))
        for candidate in (folder / f"python{wanted}" for folder in folders):
            version = _version(candidate)
            if version.startswith(f"{wanted}."):
                return candidate, version
    return None


def _version(python: Path) -> str:
    try:
        seen = subprocess.run([python, "-c", SHOW_VERSION], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return seen.stdout.strip() if seen.returncode == 0 else ""


def _run_with(python: Path, version: str) -> int:
    with _environment(python, version) as folder:
        tools = folder / "bin"
        environment = {**os.environ, "PATH": os.pathsep.join([str(tools), os.environ["PATH"]])}
        modules = [f"srelab.url_shortener.{path.stem}" for path in sorted((ROOT / "plugins/modules").glob("*.py"))]
        steps: tuple[tuple[str, ...], ...] = (
            ("ansible-playbook", "--version"),
            ("ansible-playbook", "site.yml", "--syntax-check"),
            ("ansible-playbook", "-i", "inventory/um790", "playbooks/preflight.yml"),
            ("ansible-doc", "--json", "--type", "module", *modules),
            (str(tools / "python"), "-m", "pytest", "tests/unit"),
        )
        failed = []
        for step in steps:
            print(f"--- Python {version}: {' '.join(step)}", flush=True)
            # The documentation is only read here; its text is the documentation gate's matter.
            output = subprocess.DEVNULL if step[0] == "ansible-doc" else None
            if subprocess.run(step, cwd=ROOT, env=environment, stdout=output, check=False).returncode:
                failed.append(" ".join(step))
    print(f"Python {version}: {len(steps) - len(failed)} steps passed; failed: {', '.join(failed) or 'none'}")
    return int(bool(failed))


@contextlib.contextmanager
def _environment(python: Path, version: str) -> t.Iterator[Path]:
    """The virtual environment with the pinned set, made when the cache has none for this lock file and Python."""
    key = hashlib.sha256(LOCK.read_bytes() + f"{python} {version}".encode()).hexdigest()[:16]
    folder = cache_home() / "venvs" / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    finished = folder / "finished"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            print(
                f"Making a Python {version} environment in {folder}: about 700 MB, minutes the first time", flush=True
            )
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([python, "-m", "venv", folder], check=True)
            subprocess.run(_pip(folder / "bin/python", "install", "--progress-bar", "off"), check=True)
            finished.touch()
        yield folder


def only_resolve() -> int:
    """Shows that the set can be had for a Python that is not here; returns pip's exit status."""
    wanted = NEWEST_FIRST[1]
    print(
        f"No Python >= 3.12 runs here: {LOCK.name} is ONLY RESOLVED, for Python {wanted}; nothing runs on it",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="resolve-") as target:
        # pip chooses wheels for the Python that is asked for, but holds its own against their Requires-Python.
        options = ["--dry-run", "--ignore-installed", "--ignore-requires-python", "--only-binary=:all:", "--quiet"]
        pip = _pip(Path(sys.executable), "install", *options, "--python-version", wanted, "--target", target)
        status = subprocess.run(pip, check=False).returncode
    print(f"{LOCK.name}: {'does not resolve' if status else 'resolves; that is all that was shown'}")
    return status


def _pip(python: Path, *arguments: str) -> list[str]:
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    return [*pip, *arguments, "--require-hashes", "--requirement", str(LOCK)]


if __name__ == "__main__":
    sys.exit(main())
