# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The builder against the real go command: small modules, served from a folder."""

from __future__ import annotations

import hashlib
import os
import pathlib
import re
import subprocess
import threading

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import binaries
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.failure import BuildError
from ansible_collections.srelab.url_shortener.tests import go_modules


@pytest.fixture(scope="module")
def toolchain():
    return go_modules.real_toolchain()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory, toolchain):
    return go_modules.compiled_runtime(tmp_path_factory.mktemp("compiled"), toolchain)


@pytest.fixture
def proxy(tmp_path, monkeypatch):
    monkeypatch.setenv("GOPROXY", (tmp_path / "proxy").as_uri())
    return tmp_path / "proxy"


@pytest.fixture
def cache(tmp_path, toolchain, compiled):
    return go_modules.cache_with(tmp_path / "cache", toolchain, compiled)


@pytest.fixture
def module(tmp_path, proxy):
    return go_modules.make_module(tmp_path / "module", proxy)


def build(module, cache, *, check_mode=False, say=lambda _line: None, **changes):
    declarations = [go_modules.declaration(module, **changes)]
    return binaries.built(declarations, go_modules.REQUIREMENT, cache, check_mode=check_mode, say=say)


def output_of(program) -> str:
    return subprocess.run([program], capture_output=True, text=True, check=True).stderr


def contents(folder: pathlib.Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


def finished(cache) -> list[str]:
    return [path.name for path in (cache / "servers").rglob("*") if path.is_file()]


def unfinished(cache) -> list[str]:
    return [path.name for path in (cache / "building").iterdir() if path.is_dir()]


def test_a_module_is_built_with_its_version_and_its_folder_is_not_touched(module, cache):
    before = contents(module)
    said = []
    result = build(module, cache, say=said.append)
    assert result["changed"]
    assert result["objects"] == ["build hello 1.2.3"]
    assert output_of(result["binaries"]["hello"]) == "hello from v1.2.3\n"
    assert contents(module) == before
    assert unfinished(cache) == []
    assert said[0] == "hello 1.2.3 (1 of 1): reading its modules (0 s)"
    assert said[-1].startswith("hello 1.2.3 (1 of 1): built in ")


def test_a_second_run_changes_nothing_says_nothing_and_needs_no_registry(module, cache, monkeypatch):
    first = build(module, cache)
    monkeypatch.setenv("GOPROXY", "off")
    said = []
    second = build(module, cache, say=said.append)
    assert second == {"changed": False, "objects": [], "diff": [], "binaries": first["binaries"]}
    assert said == []


def test_check_mode_names_what_the_next_run_builds_and_writes_nothing(module, cache):
    before = contents(cache)
    checked = build(module, cache, check_mode=True)
    assert contents(cache) == before
    assert build(module, cache) == checked


def test_what_another_build_finished_in_the_meantime_is_not_called_a_change(module, cache):
    results, said = [], []

    def run() -> None:
        results.append(build(module, cache, say=said.append))

    threads = [threading.Thread(target=run) for _clone in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert sorted(result["changed"] for result in results) == [False, True]
    assert results[0]["binaries"] == results[1]["binaries"]
    waits = [line for line in said if "waiting" in line]
    assert waits == [f"hello 1.2.3: waiting, process {os.getpid()} in {pathlib.Path.cwd()} is making it"]


def test_a_path_with_spaces_and_a_strict_umask_work(tmp_path, toolchain, compiled, monkeypatch):
    monkeypatch.setenv("GOPROXY", (tmp_path / "a proxy").as_uri())
    folder = tmp_path / "a clone"
    before = os.umask(0o077)
    try:
        cache = go_modules.cache_with(folder / "my cache", toolchain, compiled)
        module = go_modules.make_module(folder / "a module", tmp_path / "a proxy")
        result = build(module, cache)
    finally:
        os.umask(before)
    binary = pathlib.Path(result["binaries"]["hello"])
    assert output_of(binary) == "hello from v1.2.3\n"
    assert binary.stat().st_mode & 0o777 == 0o700


def test_no_registry_is_said_at_once_with_its_address_and_the_variable(module, cache, monkeypatch):
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")
    with pytest.raises(BuildError) as raised:
        build(module, cache)
    message = str(raised.value)
    assert message.startswith("hello 1.2.3 was not built: a Go module could not be fetched: ")
    assert "http://127.0.0.1:9/" in message
    assert "connection refused" in message
    assert "GOPROXY" in message
    assert finished(cache) == unfinished(cache) == []


@pytest.mark.parametrize(
    "users", [{}, {"GOSUMDB": "off", "GONOSUMDB": "*", "GOFLAGS": "-mod=mod"}], ids=["plain", "lax"]
)
def test_a_module_that_is_not_the_pinned_one_is_refused_whatever_the_user_switched_off(
    module, cache, monkeypatch, users
):
    for name, value in users.items():
        monkeypatch.setenv(name, value)
    sums = (module / "go.sum").read_text()
    (module / "go.sum").write_text(re.sub("h1:....", "h1:AAAA", sums, count=1))
    with pytest.raises(BuildError, match=r"is not the one pinned in .*go\.sum"):
        build(module, cache)
    assert finished(cache) == []


def test_a_program_that_does_not_compile_ends_with_what_go_says(tmp_path, proxy, cache):
    module = go_modules.make_module(tmp_path / "broken", proxy, "package main\nfunc main() { undefinedThing() }\n")
    with pytest.raises(BuildError) as raised:
        build(module, cache, name="broken")
    assert str(raised.value).startswith("broken 1.2.3 was not built; go says:\n")
    assert "undefined: undefinedThing" in str(raised.value)
    assert finished(cache) == unfinished(cache) == []


def test_a_missing_checksum_is_reported_and_not_added_even_where_the_user_lets_go_do_so(
    tmp_path, proxy, cache, monkeypatch
):
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOSUMDB", "off")
    module = go_modules.make_module(tmp_path / "nosum", proxy)
    (module / "go.sum").write_text("")
    with pytest.raises(BuildError, match=r"missing go\.sum entry"):
        build(module, cache)
    assert (module / "go.sum").read_text() == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_one_sentence(module, cache):
    (cache / "go").chmod(0o500)
    cache.chmod(0o500)
    with pytest.raises(BuildError, match=r"cannot be written \(Permission denied.*XDG_CACHE_HOME"):
        build(module, cache)


@pytest.mark.parametrize("variable", ["GOROOT", "GOOS", "GOWORK", "GO111MODULE", "GOTOOLCHAIN"])
def test_settings_of_the_users_own_go_do_not_reach_the_build(module, cache, monkeypatch, tmp_path, variable):
    values = {"GOOS": "plan9", "GO111MODULE": "off", "GOTOOLCHAIN": "go1.99.0"}
    monkeypatch.setenv(variable, values.get(variable, str(tmp_path / "nowhere")))
    assert output_of(build(module, cache)["binaries"]["hello"]) == "hello from v1.2.3\n"
