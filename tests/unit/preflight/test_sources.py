# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a variable is set."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight.sources import (
    SourceFile,
    Sources,
    read_inventory,
    shown_path,
)


def write(root: pathlib.Path, files: dict[str, str]) -> pathlib.Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def sources(inventories: list[pathlib.Path], example: pathlib.Path, extra: tuple[str, ...] = ()) -> Sources:
    files = read_inventory([str(path) for path in inventories])
    return Sources(files, read_inventory([str(example)]), example, inventories[0], extra)


@pytest.fixture
def lab(tmp_path) -> pathlib.Path:
    return write(
        tmp_path / "lab",
        {
            "hosts.yml": "all:\n  vars:\n    lab_inline: 1\n  children:\n    k3s_servers:\n",
            "group_vars/all/nodes.yml": "# lab_commented: 1\nlab_nodes:\n  - lab_nested_not: 1\n",
            "group_vars/all/deep/er.yml": "lab_deep: 1\n",
            "group_vars/all.yml": "lab_plain: 1\n",
            "group_vars/k3s_servers.yml": "lab_nodes: 2\nlab_group: 1\n",
            "group_vars/k3s_agents.yml": "lab_nodes: 3\n",
            "host_vars/k3s-1/main.yml": "lab_group: 2\n",
            "group_vars/all/broken.yml": "lab_broken: {\n  : [\n",
            "group_vars/all/notes.txt": "lab_noted: 1\n",
            "group_vars/all/.hidden.yml": "lab_hidden: 1\n",
            "group_vars/all/data.json": '{"lab_json": 1}\n',
        },
    )


@pytest.mark.parametrize(
    ("variable", "scopes", "file"),
    [
        ("lab_nodes[1].address", (), "group_vars/all/nodes.yml"),
        ("lab_nodes", ("k3s_servers",), "group_vars/k3s_servers.yml"),
        ("lab_group", ("k3s_servers",), "group_vars/k3s_servers.yml"),
        ("lab_group", ("k3s_servers", "k3s-1"), "host_vars/k3s-1/main.yml"),
        ("lab_deep", (), "group_vars/all/deep/er.yml"),
        ("lab_plain", (), "group_vars/all.yml"),
        ("lab_inline", (), "hosts.yml"),
        ("k3s_servers", (), "hosts.yml"),
        ("lab_broken", (), "group_vars/all/broken.yml"),
        ("lab_json", (), "group_vars/all/data.json"),
    ],
)
def test_the_file_that_sets_a_variable_for_a_host_is_found(lab, tmp_path, variable, scopes, file) -> None:
    assert pathlib.Path(sources([lab], tmp_path / "none").where(variable, scopes)) == lab / file


@pytest.mark.parametrize("variable", ["lab_commented", "lab_noted", "lab_hidden"])
def test_a_variable_that_no_file_sets_belongs_in_a_file_for_all_hosts(lab, tmp_path, variable) -> None:
    assert sources([lab], tmp_path / "none").where(variable, ()) == f"a file of {lab / 'group_vars/all'}"


def test_of_two_inventories_the_later_wins(lab, tmp_path) -> None:
    overlay = write(tmp_path / "overlay", {"group_vars/all.yml": "lab_nodes: []\n"})
    assert pathlib.Path(sources([lab, overlay], tmp_path).where("lab_nodes", ())) == overlay / "group_vars/all.yml"


def test_a_variable_set_nowhere_belongs_where_the_example_sets_it(tmp_path) -> None:
    example = write(tmp_path / "example", {"group_vars/all/sizes.yml": "lab_host: {}\n"})
    empty = write(tmp_path / "empty", {"hosts.yml": "all:\n"})
    place = sources([empty], example).where("lab_host.cpus", ())
    assert pathlib.Path(place) == empty / "group_vars/all/sizes.yml"


def test_a_variable_of_the_command_line_is_said_to_be_there(lab, tmp_path) -> None:
    assert "--extra-vars" in sources([lab], tmp_path, ("lab_nodes",)).where("lab_nodes[0]", ())


def test_an_inventory_of_one_file_has_its_group_vars_beside_it(lab, tmp_path) -> None:
    assert "nodes.yml" in sources([lab / "hosts.yml"], tmp_path).where("lab_nodes", ())


def test_an_inventory_that_is_no_file_is_passed_over(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_inventory(["localhost,", str(tmp_path / "missing")]) == []


def test_a_longer_name_or_a_comparison_does_not_set_a_variable() -> None:
    file = SourceFile(pathlib.Path("x"), "all", 0, "my_lab_x: 1\nlab_xy: 2\na: '{{ lab_x == 1 }}'\n")
    assert not file.sets("lab_x")


def test_paths_below_the_current_folder_are_shown_relative_to_it(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown_path(tmp_path / "inventory/hosts.yml") == "inventory/hosts.yml"
    assert shown_path(pathlib.Path("/etc/hosts.yml")) == "/etc/hosts.yml"
