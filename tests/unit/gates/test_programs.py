# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates that are programs: what each calls a fault."""

from __future__ import annotations

import sys

import gate_docs
import gate_sanity
import gate_second_python
import gate_shellcheck
import pytest

REPORT = '<testsuites><testsuite><testcase classname="sanity" name="{name}">{inner}</testcase></testsuite></testsuites>'


def report(folder, name, inner=""):
    (folder / f"ansible-test-sanity-{name}.xml").write_text(REPORT.format(name=name, inner=inner))


def test_sanity_results_are_read_by_test_name(tmp_path):
    report(tmp_path, "pep8")
    report(tmp_path, f"import-python-{gate_sanity.PYTHON}")
    report(tmp_path, "pylint", '<failure message="many"/>')
    report(tmp_path, "shellcheck", "<skipped>no shellcheck here</skipped>")
    assert gate_sanity.results(tmp_path) == {
        "pep8": "passed",
        "import": "passed",
        "pylint": "failed",
        "shellcheck": "no shellcheck here",
    }


@pytest.mark.parametrize(
    ("found", "complaints"),
    [
        ({"pep8": "passed", "pslint": gate_sanity.NOT_APPLICABLE}, []),
        ({"pep8": "passed"}, ["pslint: did not run"]),
        ({"pep8": "passed", "pslint": "no PowerShell here"}, ["pslint: no PowerShell here"]),
        ({"pep8": "failed", "pslint": "passed"}, ["pep8: failed"]),
        ({"pep8": gate_sanity.NOT_APPLICABLE, "pslint": gate_sanity.NOT_APPLICABLE}, ["no test ran"]),
        ({}, ["pep8: did not run", "pslint: did not run", "no test ran"]),
    ],
)
def test_sanity_tests_that_failed_lacked_a_tool_or_did_not_run_are_named(found, complaints):
    assert gate_sanity.verdict(["pep8", "pslint"], found) == complaints


def test_labels_of_ansible_s_own_documentation_get_a_stand_in_and_our_own_do_not():
    own = "ansible_collections.srelab.url_shortener.thing_module"
    page = gate_docs.stand_in([f"see :ref:`here <common_return_values>`, :ref:`action_plugins` and :ref:`it <{own}>`"])
    assert ".. _common_return_values:" in page
    assert ".. _action_plugins:" in page
    assert own not in page


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("run", "#!/bin/sh\n", True),
        ("run", "#!/usr/bin/env bash\n", True),
        ("run.sh", "echo\n", True),
        ("run", "#!/usr/bin/env python3\n", False),
        ("run", "sh\n", False),
    ],
)
def test_shell_scripts_are_known_by_their_first_line_or_name(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    assert gate_shellcheck.is_shell_script(tmp_path / name) is expected


def interpreter(path, script):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_newest_python_that_really_runs_is_taken(tmp_path):
    interpreter(tmp_path / "bin/python3.14", "exit 127")  # a shim without an installed version behind it
    interpreter(tmp_path / "bin/python3.12", "echo 3.12.9")
    other = interpreter(tmp_path / "versions/3.13.1/bin/python3.13", "echo 3.13.1")
    found = gate_second_python.find_python(str(tmp_path / "bin"), tmp_path / "versions")
    assert found == (other, "3.13.1")


def test_no_python_is_found_where_none_runs(tmp_path):
    interpreter(tmp_path / "bin/python3.13", "exit 1")
    interpreter(tmp_path / "bin/python3.12", "echo 3.11.7")
    assert gate_second_python.find_python(str(tmp_path / "bin"), tmp_path / "versions") is None


def test_a_resolved_set_is_never_reported_as_one_that_ran(monkeypatch, capsys):
    monkeypatch.setattr(gate_second_python, "_pip", lambda *_arguments: [sys.executable, "-c", ""])
    assert gate_second_python.only_resolve() == 0
    assert "ONLY RESOLVED" in capsys.readouterr().out
