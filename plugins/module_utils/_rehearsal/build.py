# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the pinned Go programs of the rehearsal: declaration -> plan -> build into the shared cache."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._plan import Change, Plan
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import child, go_output, go_toolchain
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.cache import Cache
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.failure import BuildError
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.go_module import (
    parse_go_mod,
    program_name,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.progress import Progress

# Part of every cache key: raise it when the way of building below changes what comes out.
_RECIPE = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclasses.dataclass(frozen=True)
class Build:
    """One Go module and the programs wanted from it.

    ``binaries`` maps the wanted file names to import paths; ``target`` is the folder in the cache where the finished
    files are; ``version`` is that of go.mod, without its "v".
    """

    name: str
    version: str
    module_dir: pathlib.Path
    binaries: t.Mapping[str, str]
    ldflags: str
    target: pathlib.Path

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def paths(self) -> dict[str, pathlib.Path]:
        return {binary: self.target / binary for binary in self.binaries}

    def is_ready(self) -> bool:
        return all(is_program(path) for path in self.paths.values())

    def change(self) -> Change:
        return Change(f"build {self.title}", "", "\n".join(str(path) for path in self.paths.values()))


def is_program(path: pathlib.Path) -> bool:
    """Whether a path is a file that can be run; an empty one, as a power cut leaves it, is not."""
    return path.is_file() and os.access(path, os.X_OK) and path.stat().st_size > 0


def declared_builds(declarations: c.Sequence[t.Mapping[str, t.Any]], cache: Cache, go: str) -> list[Build]:
    """Reads the declared modules. ``go`` is the Go version, part of the cache key.

    Each declaration has ``name``, ``module_dir``, ``binaries`` (wanted name: the name that go gives the program) and
    ``ldflags`` or None, in which ``{version}`` stands for the module's version as go.mod has it. Raises BuildError
    that lists everything that is wrong with them.
    """
    errors = InputErrors()
    builds: list[Build] = []
    taken: dict[str, int] = {}
    for index, declaration in enumerate(declarations):
        build = _declared_build(f"builds[{index}]", declaration, cache, go, errors)
        if build is None:
            continue
        for binary in build.binaries:
            if taken.setdefault(binary, index) != index:
                errors.add(f"builds[{index}].binaries", binary, f"a name that builds[{taken[binary]}] does not give")
        builds.append(build)
    if errors:
        raise BuildError(errors.message("The servers to build are not declared correctly"))
    return builds


def _declared_build(
    place: str, declaration: t.Mapping[str, t.Any], cache: Cache, go: str, errors: InputErrors
) -> Build | None:
    name, module_dir = declaration["name"], pathlib.Path(declaration["module_dir"])
    ldflags: str = declaration["ldflags"] or ""
    if not _NAME.fullmatch(name):
        errors.add(f"{place}.name", name, "lower-case letters, digits and dashes")
    try:
        sources = [(module_dir / file).read_text(encoding="utf-8") for file in ("go.mod", "go.sum")]
    except OSError as error:
        errors.add(f"{place}.module_dir", str(module_dir), f"a folder with go.mod and go.sum ({error.strerror})")
        return None
    module = parse_go_mod(sources[0])
    if not module.version:
        errors.add(f"{place}.module_dir", str(module_dir), "a go.mod with a tool directive and its module's release")
        return None
    for binary, program in declaration["binaries"].items():
        if "/" in binary or binary in {"", ".", ".."}:
            errors.add(f"{place}.binaries", binary, "file names")
        if program not in module.programs:
            errors.add(f"{place}.binaries.{binary}", program, f"one of {', '.join(sorted(module.programs))}")
    imports = {binary: module.programs.get(program, "") for binary, program in declaration["binaries"].items()}
    key = [*sources, ldflags, go, go_toolchain.machine(), imports, _RECIPE]
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]
    version = module.version.removeprefix("v")
    target = cache.server(name, version, digest)
    return Build(name, version, module_dir, imports, ldflags.replace("{version}", module.version), target)


def plan(builds: c.Sequence[Build], tools: go_toolchain.Toolchain) -> Plan:
    """What is to be built, and the toolchain first if it is not there but needed. Reads the cache only."""
    changes = [build.change() for build in builds if not build.is_ready()]
    if changes and not tools.is_ready():
        changes.insert(0, _toolchain_change(tools))
    return Plan(tuple(changes))


def apply(builds: c.Sequence[Build], tools: go_toolchain.Toolchain, cache: Cache, progress: Progress) -> Plan:
    """Builds what is not there and returns what was really built: another process may have been quicker.

    Raises BuildError; what was finished until then stays.
    """
    missing = [build for build in builds if not build.is_ready()]
    done: list[Change] = []
    if missing and go_toolchain.install(tools, cache, progress):
        done.append(_toolchain_change(tools))
    for number, build in enumerate(missing, start=1):
        if _make(build, f"{build.title} ({number} of {len(missing)})", tools, cache, progress):
            done.append(build.change())
    return Plan(tuple(done))


def _toolchain_change(tools: go_toolchain.Toolchain) -> Change:
    return Change(f"toolchain Go {tools.version}", "", str(tools.folder))


def _make(build: Build, title: str, tools: go_toolchain.Toolchain, cache: Cache, progress: Progress) -> bool:
    def make(work: pathlib.Path) -> pathlib.Path:
        finished, out, temporary = work / "finished", work / "out", work / "tmp"
        for folder in (finished, out, temporary):
            folder.mkdir()
        environment = go_toolchain.go_environment(os.environ, tools, cache, temporary)
        counted = go_output.GoProgress()
        with progress.of(title, "built") as step:
            for arguments in (_list_arguments(build), _build_arguments(build, out)):
                step.at(counted.text)
                _go([str(tools.go), *arguments], build, cache, environment, counted, step.tick)
        for binary, import_path in build.binaries.items():
            (finished / binary).hardlink_to(out / program_name(import_path))
        return finished

    return cache.make_once(build.target, build.is_ready, make, progress.waiting(build.title))


def _flags(build: Build) -> list[str]:
    # go list must be told the same as go build: it says which packages a build with these flags would compile.
    return ["-mod=readonly", "-modcacherw", "-trimpath", f"-ldflags=-s -w {build.ldflags}".strip()]


def _list_arguments(build: Build) -> list[str]:
    return ["list", *_flags(build), "-deps", "-f", go_output.LIST_FORMAT, *build.binaries.values()]


def _build_arguments(build: Build, out: pathlib.Path) -> list[str]:
    return ["build", *_flags(build), "-v", "-o", f"{out}/", *build.binaries.values()]


def _go(
    command: c.Sequence[str],
    build: Build,
    cache: Cache,
    environment: dict[str, str],
    counted: go_output.GoProgress,
    on_tick: c.Callable[[], None],
) -> None:
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line)
        counted.read(line)

    if child.run(command, build.module_dir, environment, on_line, on_tick):
        raise _failure(build, cache, lines)


def _failure(build: Build, cache: Cache, lines: c.Sequence[str]) -> BuildError:
    cause, line = go_output.cause_of(lines)
    if cause is go_output.Cause.DISK_FULL:
        return BuildError(cache.full_disk())
    if cause is go_output.Cause.NOT_WRITABLE:
        return BuildError(cache.not_writable(line))
    if cause is go_output.Cause.CHECKSUM:
        return BuildError(
            f"{build.title} was not built: a downloaded Go module is not the one pinned in "
            f"{build.module_dir / 'go.sum'}. Nothing of it is used; look at what serves the modules (GOPROXY).\n"
            + go_output.last_lines(lines)
        )
    if cause is go_output.Cause.UNREACHABLE:
        return BuildError(
            f"{build.title} was not built: a Go module could not be fetched: {line}\nLook at GOPROXY and HTTPS_PROXY; "
            "what was fetched so far is used again by the next run."
        )
    return BuildError(f"{build.title} was not built; go says:\n{go_output.last_lines(lines)}")
