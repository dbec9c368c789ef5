# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads agrees with what is checked: the README's rules, the example inventory's variables."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from ansible_collections.srelab.url_shortener.plugins.module_utils._preflight import check

ROOT = pathlib.Path(__file__).parents[3]


def test_the_readme_lists_every_rule_with_its_sentence() -> None:
    text = (ROOT / "roles/preflight/README.md").read_text()
    wanted = [f"| `{rule.__name__}` | {(rule.__doc__ or '').strip()} |" for rule in check.RULES]
    assert [row for row in wanted if row not in text] == []


@pytest.mark.parametrize("inventory", ["um790", "rehearsal"])
def test_a_shipped_inventory_sets_each_variable_of_the_lab_once(options, inventory) -> None:
    names = [
        name
        for path in (ROOT / "inventory" / inventory / "group_vars" / "all").glob("*.yml")
        for name in yaml.safe_load(path.read_text())
    ]
    assert sorted(names) == sorted(name for name, option in options.items() if option.required)


def test_the_rehearsal_differs_from_the_example_in_addresses_and_its_vault_id_only() -> None:
    def text(inventory: str) -> str:
        values = {}
        for path in (ROOT / "inventory" / inventory / "group_vars" / "all").glob("*.yml"):
            values |= yaml.safe_load(path.read_text())
        values["lab_network"].pop("dhcp_range", None)
        values.pop("lab_key_store_vault_id")
        return yaml.safe_dump(values)

    assert text("um790").replace("192.168.1.", "192.0.2.") == text("rehearsal")
