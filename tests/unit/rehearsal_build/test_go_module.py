# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""go.mod: which programs there are and which version they have."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.go_module import (
    parse_go_mod,
    program_name,
)
from hypothesis import given
from hypothesis import strategies as st

SERVERS = pathlib.Path(__file__).parents[3] / "roles" / "rehearsal" / "files" / "servers"


@pytest.mark.parametrize(
    ("import_path", "name"),
    [
        ("go.etcd.io/etcd/server/v3", "server"),
        ("k8s.io/kubernetes/cmd/kube-apiserver", "kube-apiserver"),
        ("example.org/v2", "example.org"),
        ("example.org/tool/v1alpha", "v1alpha"),
        ("example.org/tool/v0", "v0"),
        ("v2", "v2"),
    ],
)
def test_a_program_has_the_name_that_go_gives_it(import_path, name):
    assert program_name(import_path) == name


def test_the_version_is_that_of_the_module_with_the_longest_matching_path():
    module = parse_go_mod(
        "module m\n"
        "require (\n"
        "\texample.org/a v1.0.0 // indirect\n"
        "\texample.org/a/b v2.0.0 // indirect\n"
        "\texample.org/a/bc v3.0.0\n"
        ")\n"
        "tool example.org/a/b/cmd/x\n"
    )
    assert module.version == "v2.0.0"


def test_the_first_tool_decides_the_version_when_tools_come_from_several_modules():
    module = parse_go_mod("require a.org/x v1.0.0\nrequire b.org/y v2.0.0\ntool (\n\tb.org/y\n\ta.org/x/cmd/z\n)\n")
    assert module.version == "v2.0.0"
    assert module.programs == {"y": "b.org/y", "z": "a.org/x/cmd/z"}


def test_comments_and_other_blocks_are_not_read_as_requirements():
    module = parse_go_mod(
        "// require c.org/z v9.0.0\n"
        "replace (\n\tk8s.io/api => k8s.io/api v0.36.3\n)\n"
        "exclude a.org/x v0.9.0\n"
        "require a.org/x v1.0.0 // require me\n"
        'tool "a.org/x" // the server\n'
    )
    assert module.requires == {"a.org/x": "v1.0.0"}
    assert module.tools == ("a.org/x",)


@pytest.mark.parametrize("text", ["", "module m\n", "tool a.org/x\n", "require a.org/x v1.0.0\ntool a.org/xy\n"])
def test_a_go_mod_that_names_no_released_program_has_no_version(text):
    assert parse_go_mod(text).version == ""


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}\.org(/[a-z]{1,8}){0,2}", fullmatch=True), st.just("v1.2.3"), min_size=1),
    st.booleans(),
)
def test_requirements_read_the_same_alone_and_in_a_block(requires, indirect):
    comment = " // indirect" if indirect else ""
    lines = [f"{path} {version}{comment}" for path, version in requires.items()]
    block = "require (\n" + "".join(f"\t{line}\n" for line in lines) + ")\n"
    alone = "".join(f"require {line}\n" for line in lines)
    assert parse_go_mod(block).requires == parse_go_mod(alone).requires == requires


@pytest.mark.parametrize("server", sorted(path.parent.name for path in SERVERS.glob("*/go.mod")))
def test_each_server_of_the_role_names_programs_and_a_version(server):
    module = parse_go_mod((SERVERS / server / "go.mod").read_text())
    assert module.programs
    assert module.version.startswith("v")
