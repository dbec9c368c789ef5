# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role's argument spec says what its defaults are, and describes every variable."""

from __future__ import annotations

import re

import pytest
import role_readmes
import yaml
from project_tree import ROOT, project_files

ROLES = sorted({name.parts[1] for name in project_files() if name.parts[0] == "roles"})
# How the description of a variable that may stay unset says what happens then.
SAYS_WHAT_HOLDS_WITHOUT = re.compile(r"\b([Ww]ithout|left out|derived)\b")


def specs(role):
    return yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"]


def defaults(role):
    folder = ROOT / "roles" / role / "defaults"
    merged = {}
    for path in (folder / "main.yml", *sorted((folder / "main").glob("*.yml"))):
        if path.exists():
            merged.update(yaml.safe_load(path.read_text()) or {})
    return merged


def with_keys_inside(options, parent=""):
    for name, option in options.items():
        yield parent + name, option
        yield from with_keys_inside(option.get("options", {}), f"{parent}{name}.")


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_of_the_spec(role):
    options = specs(role)["main"]["options"]
    documented = {name: option["default"] for name, option in options.items() if "default" in option}
    # A spec of another type than text cannot hold a template: its description says how the value is derived.
    derived = {name for name, value in defaults(role).items() if "{{" in str(value) and name not in documented}
    assert derived <= set(options)
    assert {name: value for name, value in defaults(role).items() if name not in derived} == documented


@pytest.mark.parametrize("role", ROLES)
def test_a_variable_without_default_is_required_or_its_description_says_what_holds_without_it(role):
    unclear = [
        name
        for name, option in specs(role)["main"]["options"].items()
        if "default" not in option
        and not option.get("required")
        and not SAYS_WHAT_HOLDS_WITHOUT.search("".join(option["description"]))
    ]
    assert unclear == []


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_and_every_key_inside_is_described(role):
    bare = [
        f"{entry_point}: {name}"
        for entry_point, spec in specs(role).items()
        for name, option in with_keys_inside(spec.get("options", {}))
        if not option.get("description")
    ]
    assert bare == []


@pytest.mark.parametrize("role", ROLES)
def test_variables_carry_the_role_s_name_and_shared_ones_stand_in_preflight(role):
    # The versions stand in preflight until the roles that install them exist.
    prefixes = {"preflight": ("preflight_", "lab_", "k3s_", "argocd_", "metallb_")}.get(role, (f"{role}_",))
    strange = [
        name for spec in specs(role).values() for name in spec.get("options", {}) if not name.startswith(prefixes)
    ]
    assert strange == []


@pytest.mark.parametrize("role", ROLES)
def test_each_entry_point_is_a_task_file(role):
    missing = [name for name in specs(role) if not (ROOT / "roles" / role / "tasks" / f"{name}.yml").exists()]
    assert missing == []


def uses_of_entry_points(tree):
    """Every (role, tasks_from) in a YAML tree."""
    if isinstance(tree, list):
        for item in tree:
            yield from uses_of_entry_points(item)
    elif isinstance(tree, dict):
        if "tasks_from" in tree:
            role = str(tree.get("role", tree.get("name"))).rpartition(".")[2]
            yield role, str(tree["tasks_from"]).removesuffix(".yml")
        for item in tree.values():
            yield from uses_of_entry_points(item)


class AnyTag(yaml.SafeLoader):
    """Reads Ansible's own tags (!vault, !unsafe) as what they hold."""


AnyTag.add_multi_constructor("!", lambda _loader, _suffix, node: node.value)


def test_each_task_file_called_from_outside_its_role_has_a_spec():
    used = set()
    for folder in ("playbooks", "molecule", "roles/*/tasks"):
        for path in ROOT.glob(f"{folder}/**/*.yml"):
            used.update(uses_of_entry_points(list(yaml.load_all(path.read_text(), Loader=AnyTag))))
    assert {(role, entry_point) for role, entry_point in used if entry_point not in specs(role)} == set()


def test_the_table_of_variables_has_a_row_a_variable_and_a_row_a_key_inside():
    options = {
        "lab_pools": {
            "type": "list",
            "elements": "dict",
            "description": "Pools, see O(lab_nodes).",
            "required": True,
            "options": {"name": {"description": ["One.", "Two | three."], "default": ""}},
        },
        "lab_mode": {"description": "How.", "choices": ["a", 2], "default": True, "type": "bool"},
        "lab_extra": {"description": "See L(the book,https://example.com/book).", "type": "dict"},
    }
    assert role_readmes.table(options).splitlines()[2:] == [
        "| `lab_pools` | list of dict | *required* | Pools, see `lab_nodes`. |",
        '| `lab_pools[].name` | str | `""` | One. Two \\| three. |',
        "| `lab_mode` | bool | `true` | How. One of `a`, `2`. |",
        "| `lab_extra` | dict |  | See [the book](https://example.com/book). |",
    ]


def test_a_readme_keeps_what_stands_around_the_table_and_a_second_pass_changes_nothing():
    readme = f"# Role\n\n{role_readmes.BEGIN}\nold\n{role_readmes.END}\n\nMore.\n"
    spec = {
        "stop": {"short_description": "Stop it", "options": {}},
        "main": {"options": {"role_port": {"type": "int", "default": 1, "description": "A port."}}},
    }
    once = role_readmes.with_tables(readme, spec)
    assert once.startswith("# Role\n")
    assert once.endswith("\n\nMore.\n")
    assert "old" not in once
    assert once.index("| `role_port` | int | `1` | A port. |") < once.index("`tasks_from: stop`, Stop it:")
    assert role_readmes.with_tables(once, spec) == once
