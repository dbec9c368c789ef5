# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How errors are worded and counted."""

from __future__ import annotations

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import Hidden, InputErrors, Words


def test_all_errors_stand_in_one_message_each_once() -> None:
    errors = InputErrors()
    for _time in range(2):
        errors.add("lab_nodes[0].cpus", "four", "a whole number", "nodes.yml")
    errors.add("lab_host", None, "a mapping")
    errors.add("lab_nodes", Words("2 servers"), "1, 3 or 5")
    assert errors.message("The inventory is not valid") == (
        "The inventory is not valid: 3 errors\n"
        "  - lab_nodes[0].cpus is 'four'; allowed: a whole number (set it in nodes.yml)\n"
        "  - lab_host is not set; allowed: a mapping\n"
        "  - lab_nodes is 2 servers; allowed: 1, 3 or 5"
    )


def test_a_hidden_value_is_a_text_that_is_not_shown_even_inside_a_structure() -> None:
    errors = InputErrors()
    errors.add("lab_x", Hidden("hunter2"), "another")
    errors.add("lab_y", [{"key": Hidden("hunter2")}], "another")
    assert "hunter2" not in errors.message("Wrong")
    assert Hidden("hunter2") == "hunter2"


def test_a_long_value_is_cut() -> None:
    errors = InputErrors()
    errors.add("lab_x", "a" * 500, "a short one")
    assert len(errors.message("Wrong")) < 200
