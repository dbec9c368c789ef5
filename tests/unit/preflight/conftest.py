# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example inventory as data, and small changes to it."""

from __future__ import annotations

import copy
import pathlib
import re
import types
import typing as t

import pytest
import yaml
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputError
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight import lab, specs

ROOT = pathlib.Path(__file__).parents[3]
EXAMPLE = ROOT / "inventory" / "um790"
GROUPS = {
    "all": ["localhost", "um790", "k3s-1", "k3s-2", "k3s-3"],
    "k3s_servers": ["k3s-1", "k3s-2", "k3s-3"],
    "k3s_agents": [],
}
# A value that takes the variable away.
ABSENT = "(absent)"


@pytest.fixture(scope="session")
def options() -> dict[str, specs.Option]:
    """The variables of the whole lab as their role specifies them."""
    text = (ROOT / "roles/preflight/meta/argument_specs.yml").read_text()
    return specs.read_options(yaml.safe_load(text)["argument_specs"]["main"]["options"])


@pytest.fixture(scope="session")
def declared(options: dict[str, specs.Option]) -> dict[str, t.Any]:
    """All variables of the example inventory, as rendered."""
    values = {name: option.default for name, option in options.items()}
    for path in EXAMPLE.glob("group_vars/all/*.yml"):
        values |= yaml.safe_load(path.read_text())
    return values | {"lab_state_dir": "/srv/lab/.state"}


@pytest.fixture(scope="session")
def changed() -> t.Callable[[dict[str, t.Any], dict[str, t.Any]], dict[str, t.Any]]:
    """``changed(values, {"lab_nodes[1].address": "192.168.1.21"})``: a copy with the values at these paths."""

    def change(values: dict[str, t.Any], changes: dict[str, t.Any]) -> dict[str, t.Any]:
        result = copy.deepcopy(values)
        for path, value in changes.items():
            *steps, last = [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]
            place: t.Any = result
            for step in steps:
                place = place[step]
            if value == ABSENT:
                del place[last]
            elif isinstance(place, list) and last == len(place):
                place.append(value)
            else:
                place[last] = value
        return result

    return change


@pytest.fixture
def findings(
    declared: dict[str, t.Any], changed: t.Any
) -> t.Callable[[t.Callable[[lab.Lab], t.Iterator[InputError]], dict[str, t.Any]], list[str]]:
    """``findings(rule, changes)``: what a rule says about the example inventory after these changes, as texts."""

    def find(
        rule: t.Callable[[lab.Lab], t.Iterator[InputError]],
        changes: dict[str, t.Any],
        groups: t.Mapping[str, list[str]] = types.MappingProxyType(GROUPS),
    ) -> list[str]:
        the_lab, _malformed = lab.read_lab(changed(declared, changes), groups)
        return [str(error) for error in rule(the_lab)]

    return find
