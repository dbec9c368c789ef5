# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no file of the project may hold, and what its own lists must agree on."""

from __future__ import annotations

import os
import re

import pytest
import yaml
from project_tree import ROOT, project_files

FILES = [name for name in project_files() if not (ROOT / name).is_symlink()]
# Written in pieces, so that this file does not hold them itself.
FORBIDDEN = {
    "a path of somebody's machine": re.compile(r"(?<![\w.~])/(work|root)" + r"/"),
    "a private key": re.compile("-----BEGIN " + r"([A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}"),
    "trailing white space": re.compile(r"[ \t]+$", re.MULTILINE),
    "a carriage return": re.compile("\r"),
}
INDEX = re.compile(r"https?://|--(extra-)?index-url|--find-links|--trusted-host|--proxy")


def text(name):
    return (ROOT / name).read_bytes().decode()


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what):
    held = [
        f"{name}:{text(name).count(chr(10), 0, match.start()) + 1}"
        for name in FILES
        for match in FORBIDDEN[what].finditer(text(name))
    ]
    assert held == []


@pytest.mark.parametrize(
    ("what", "held"),
    [
        ("a path of somebody's machine", "path: /" + "work/main"),
        ("a path of somebody's machine", "('/" + "root/.cache')"),
        ("a private key", "-----BEGIN " + "EC PRIVATE KEY-----\nMHcCAQEEIBkg4LVWM9nuwNSk\n"),
        ("a private key", "  -----BEGIN " + "PRIVATE KEY-----\n  MHcCAQEEIBkg4LVWM9nuwNSk\n"),
        ("trailing white space", "a \nb"),
        ("a carriage return", "a\r\nb"),
    ],
)
def test_what_is_forbidden_is_found(what, held):
    assert FORBIDDEN[what].search(held)


def test_no_pinned_set_names_the_index_it_came_from():
    pinned = [name for name in FILES if name.parts[0] == "requirements" or "requirements" in name.name]
    assert len(pinned) > 5
    assert [str(name) for name in pinned if INDEX.search(text(name))] == []


def test_every_package_of_a_pinned_set_has_checksums():
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        entries = re.split(r"\n(?=[A-Za-z0-9])", path.read_text())
        bare = [entry.split()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
        assert bare == [], path.name


def test_only_files_that_start_with_an_interpreter_are_executable():
    wrong = [str(name) for name in FILES if os.access(ROOT / name, os.X_OK) and not text(name).startswith("#!")]
    assert wrong == []


def test_every_module_is_in_the_action_group():
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    (group,) = yaml.safe_load(text("meta/runtime.yml"))["action_groups"].values()
    assert set(group) == modules


def test_every_action_plugin_has_its_documentation_beside_the_modules():
    actions = {path.stem for path in (ROOT / "plugins/action").glob("*.py")}
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    assert actions - modules == set()


def test_ansible_test_finds_nothing_to_ignore():
    assert [str(name) for name in FILES if name.parts[:2] == ("tests", "sanity")] == []


def test_the_execution_environment_s_packages_are_those_of_the_lab():
    listed = text("meta/ee-requirements.txt").split()
    wanted = [line for line in text("requirements/lab.in").splitlines() if line and not line.startswith("#")]
    assert listed == [package for package in wanted if package != "ansible"]
