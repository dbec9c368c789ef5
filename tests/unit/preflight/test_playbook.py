# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real playbook: it refuses each invalid inventory with one message, and passes those that the collection ships."""

from __future__ import annotations

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[3]
CASES: list[dict[str, t.Any]] = yaml.safe_load((ROOT / "tests/inventories/invalid.yml").read_text())


def site(*arguments: str | pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Runs site.yml in a bounded time, from where no ansible.cfg turns the journal on."""
    return subprocess.run(
        [pathlib.Path(sys.executable).with_name("ansible-playbook"), ROOT / "site.yml", *arguments],
        cwd=ROOT / "tests",
        env={name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def tagged(*arguments: str | pathlib.Path) -> subprocess.CompletedProcess[str]:
    return site("--tags", "preflight", *arguments)


@pytest.fixture(scope="module")
def refusals(
    declared: dict[str, t.Any], changed: t.Any, tmp_path_factory: pytest.TempPathFactory
) -> t.Iterator[dict[str, concurrent.futures.Future[subprocess.CompletedProcess[str]]]]:
    """A run for each case, two at a time: inventory/um790 and a second inventory that sets the changed variables."""

    def run(case: dict[str, t.Any]) -> subprocess.CompletedProcess[str]:
        overlay = tmp_path_factory.mktemp("overlay")
        (overlay / "hosts.yml").write_text("all:\n")
        (overlay / "group_vars").mkdir()
        (overlay / "group_vars/all.yml").write_text(case.get("file") or variables(case["set"]))
        return tagged("-i", ROOT / "inventory/um790", "-i", overlay)

    def variables(changes: dict[str, t.Any]) -> str:
        names = {re.split(r"[.\[]", path)[0] for path in changes}
        return yaml.safe_dump({name: value for name, value in changed(declared, changes).items() if name in names})

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield {case["name"]: pool.submit(run, case) for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"].replace(" ", "_"))
def test_an_invalid_inventory_is_refused_with_one_message_that_lists_every_error(refusals, case) -> None:
    run = refusals[case["name"]].result()
    (result,) = re.findall(r"^fatal: \[localhost\]: FAILED! => (.*)$", run.stdout + run.stderr, re.MULTILINE)
    headline, *lines = json.loads(result)["msg"].split("\n")
    count = len(case["errors"])
    assert headline == f"The inventory is not valid: {count} error{'s' * (count > 1)}"
    assert [line.startswith(f"  - {wanted}") for line, wanted in zip(lines, case["errors"], strict=True)] == [
        True
    ] * count
    assert all(re.search(r"\(set it in .*/(group_vars/all(\.yml)?|hosts\.yml)\)$", line) for line in lines)
    assert run.returncode == 2
    assert "Traceback" not in run.stdout + run.stderr
    assert "hunter2" not in run.stdout + run.stderr


def test_the_cases_are_as_many_as_promised_and_each_is_another() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) >= 20


@pytest.mark.parametrize("inventory", ["um790", "rehearsal"])
@pytest.mark.parametrize("extra", [(), ("--check", "--diff")], ids=["run", "check"])
def test_the_shipped_inventories_pass_and_change_nothing(inventory, extra) -> None:
    run = tagged("-i", ROOT / "inventory" / inventory, *extra)
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"localhost +: ok=\d+ +changed=0 ", run.stdout)
    assert run.stderr == ""


def test_the_facts_for_the_report_are_returned() -> None:
    run = tagged("-i", ROOT / "inventory/um790", "-v")
    (result,) = re.findall(r"^ok: \[localhost\] => (.*)$", run.stdout, re.MULTILINE)
    assert json.loads(result)["versions"]["kubernetes"] == "1.36"
    assert [line.partition(":")[0] for line in json.loads(result)["budget"]] == ["memory", "virtual CPUs", "disk"]


def test_a_limit_to_other_hosts_does_not_skip_the_check() -> None:
    run = tagged("-i", ROOT / "inventory/um790", "--limit", "k3s-2", "-e", "lab_api_address=nowhere")
    assert run.returncode == 2
    assert "lab_api_address is 'nowhere'" in run.stdout + run.stderr


def test_another_layers_tag_does_not_skip_the_check() -> None:
    run = site("--tags", "rehearsal", "-i", ROOT / "inventory/um790", "-e", "lab_api_address=nowhere")
    assert run.returncode == 2
    assert "lab_api_address is 'nowhere'" in run.stdout + run.stderr


def test_a_variable_of_another_host_is_checked_and_its_file_named(tmp_path) -> None:
    (tmp_path / "hosts.yml").write_text("all:\n")
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars/k3s-2.yml").write_text("k3s_version: 1.36\n")
    run = tagged("-i", ROOT / "inventory/um790", "-i", tmp_path)
    assert f"k3s_version is 1.36; allowed: a text (set it in {tmp_path}/host_vars/k3s-2.yml)" in run.stdout + run.stderr


def test_an_inventory_without_localhost_is_told_to_name_it() -> None:
    run = tagged("-i", "k3s-1,")
    assert "localhost is not in the inventory" in run.stdout + run.stderr
    assert "lab_nodes is not set" in run.stdout + run.stderr


@pytest.mark.parametrize("password", [False, True], ids=["without_its_password", "with_its_password"])
def test_an_encrypted_value_is_never_shown(tmp_path, password) -> None:
    (tmp_path / "password").write_text("a password\n")
    vault = ["--vault-id", f"lab@{tmp_path / 'password'}"]
    encrypted = subprocess.run(
        [
            pathlib.Path(sys.executable).with_name("ansible-vault"),
            "encrypt_string",
            *vault,
            "hunter2",
            "--name=lab_api_address",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / "vars.yml").write_text(encrypted.stdout)
    run = tagged("-i", ROOT / "inventory/um790", "-e", f"@{tmp_path / 'vars.yml'}", *(vault if password else []))
    said = "(hidden)" if password else "a template that fails"
    assert f"lab_api_address is {said}" in run.stdout + run.stderr
    assert "hunter2" not in run.stdout + run.stderr
    assert run.returncode == 2


def test_a_syntax_check_and_a_task_list_run_nothing() -> None:
    for option in ("--syntax-check", "--list-tasks"):
        run = site("-i", ROOT / "inventory/um790", "-e", "lab_nodes=x", option)
        assert (run.returncode, "not valid" in run.stdout + run.stderr) == (0, False)
