# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback in real runs of a toy playbook."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).parents[3]

PLAYBOOK = """
- name: Preflight
  hosts: localhost
  gather_facts: false
  tags: [always, preflight]
  tasks:
    - name: The input is valid
      ansible.builtin.assert: {that: true}
- name: Host
  hosts: localhost
  gather_facts: false
  tags: [host]
  roles: [validated]
- name: Gitops
  hosts: localhost
  gather_facts: false
  tags: [gitops]
  tasks:
    - name: The application is synced
      gate:
    - name: A secret is used
      ansible.builtin.debug: {msg: "{{ canary }}"}
      changed_when: true
      loop: ["{{ canary }}"]
      no_log: true
    - name: A secret cannot be used
      ansible.builtin.fail: {msg: "{{ canary }}"}
      no_log: true
      when: break_it | default(false)
- name: Nobody is meant
  hosts: nobody
  gather_facts: false
  tags: [cluster]
  tasks:
    - name: Never runs
      ansible.builtin.debug:
"""
ROLE = """
- name: The folder is there
  ansible.builtin.file: {path: "{{ inventory_dir }}/made", state: directory, mode: "0700"}
"""
GATE = """
from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {"changed": True, "objects": ["application crds"],
                "lab_gate": {"waited_for": "application crds Synced", "seconds": 1.5}}
"""


@pytest.fixture
def toy(tmp_path):
    inventory = tmp_path / "inventory"
    files = {
        "inventory/hosts.yml": "all: {hosts: {localhost: {ansible_connection: local}}, children: {nobody: {}}}",
        "inventory/group_vars/all.yml": (
            "{canary: chirp-47110815, ansible_python_interpreter: '{{ ansible_playbook_python }}'}"
        ),
        "site.yml": PLAYBOOK,
        "roles/validated/tasks/main.yml": ROLE,
        "roles/validated/meta/argument_specs.yml": "argument_specs: {main: {options: {}}}",
        "action_plugins/gate.py": GATE,
        "library/gate.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    def play(*arguments, inventories=(inventory,), playbook="site.yml", cwd=ROOT, **environment):
        chosen = [word for path in inventories for word in ("-i", str(path))]
        return subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", *chosen, str(tmp_path / playbook), *arguments],
            cwd=cwd,
            env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    play.path = tmp_path
    return play


def journals(folder):
    return [
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in sorted((folder / "journal").glob("*.jsonl"))
    ]


def rows(output):
    """Layer and result of each row of the table that stands at the end of the output."""
    table = output.partition("LAYERS")[2].splitlines()[2:]
    return [tuple(line.split()[:2]) for line in table if line.strip() and not line.startswith((" ", "Journal"))]


def test_a_run_leaves_a_private_journal_and_a_table_after_the_recap(toy):
    run = toy()
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.index("PLAY RECAP") < run.stdout.index("LAYERS")
    assert rows(run.stdout) == [("preflight", "ok"), ("host", "changed"), ("gitops", "changed")]
    assert "application crds Synced (1.5 s)" in run.stdout
    state = toy.path / "inventory" / ".state"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    (lines,) = journals(state)
    start = lines[0]
    assert (start["event"], start["playbook"], start["inventory"]) == (
        "run_start",
        "site.yml",
        [str(toy.path / "inventory")],
    )
    assert (start["tags"], start["limit"], start["check"]) == (["all"], None, False)
    assert start["ansible_version"]
    assert f"version: {start['collection_version']}" in (ROOT / "galaxy.yml").read_text(encoding="utf-8").splitlines()
    assert [line["layer"] for line in lines if line["event"] == "layer_start"] == ["preflight", "host", "gitops"]
    assert [(line["task"], line["objects"]) for line in lines if line["event"] == "changed"] == [
        ("validated : The folder is there", []),
        ("The application is synced", ["application crds"]),
        ("A secret is used", ["item 1"]),
    ]
    assert lines[-1]["event"] == "run_end"
    assert "chirp" not in json.dumps(lines) + run.stdout


def test_a_failed_task_is_named_and_its_no_log_message_is_hidden(toy):
    run = toy("-e", "break_it=true", "-e", "other=chirp-from-the-command-line")
    assert run.returncode == 2
    assert rows(run.stdout)[-1] == ("gitops", "failed")
    (lines,) = journals(toy.path / "inventory" / ".state")
    (failed,) = [line for line in lines if line["event"] == "failed"]
    assert (failed["task"], failed["host"], failed["message"]) == ("A secret cannot be used", "localhost", "(hidden)")
    assert "chirp" not in json.dumps(lines)


def test_check_mode_writes_nothing_and_prints_the_table(toy):
    run = toy("--check")
    assert run.returncode == 0, run.stdout + run.stderr
    assert not (toy.path / "inventory" / ".state").exists()
    assert "host       would change" in run.stdout


def test_a_layer_that_the_tags_leave_out_does_not_appear_though_its_role_is_validated(toy):
    run = toy("--tags", "gitops")
    assert "Validating arguments" in run.stdout
    assert rows(run.stdout) == [("preflight", "ok"), ("gitops", "changed")]


def test_output_of_another_stdout_callback_stays_clean(toy):
    run = toy("--tags", "host", ANSIBLE_STDOUT_CALLBACK="ansible.posix.json")
    assert json.loads(run.stdout)["stats"]
    assert len(journals(toy.path / "inventory" / ".state")) == 1


@pytest.mark.parametrize("argument", ["--list-tasks", "--syntax-check"])
def test_a_run_that_runs_nothing_leaves_nothing(toy, argument):
    run = toy(argument)
    assert run.returncode == 0
    assert "LAYERS" not in run.stdout
    assert not (toy.path / "inventory" / ".state").exists()


def test_lab_state_dir_is_templated_and_obeyed(toy):
    toy("--tags", "preflight", "-e", "lab_state_dir={{ inventory_dir }}/../elsewhere")
    assert len(journals(toy.path / "elsewhere")) == 1


def test_of_several_inventories_the_first_ones_folder_is_used_even_without_a_localhost(toy):
    for name in ("first", "second"):
        (toy.path / name).mkdir()
        (toy.path / name / "hosts.yml").write_text(f"all: {{hosts: {{{name}: {{}}}}}}", encoding="utf-8")
    toy("--tags", "preflight", inventories=[toy.path / "first" / "hosts.yml", toy.path / "second"])
    assert len(journals(toy.path / "first" / ".state")) == 1
    assert not (toy.path / "second" / ".state").exists()


def test_a_list_of_hosts_has_no_folder_for_a_journal_and_none_is_made_up(toy):
    with tempfile.TemporaryDirectory(dir=toy.path) as here:
        run = toy("--tags", "preflight", "-c", "local", inventories=["localhost,"], cwd=here)
        assert run.returncode == 0
        assert "LAYERS" in run.stdout
        assert list(pathlib.Path(here).iterdir()) == []


@pytest.mark.parametrize(
    ("state_dir", "reason"),
    [("{{ playbook_dir }}/site.yml/x", "Not a directory"), ("{{ no_such_variable }}", "no_such_variable")],
)
def test_a_journal_that_cannot_be_written_is_one_warning_and_the_run_goes_on(toy, state_dir, reason):
    run = toy("-e", f"lab_state_dir='{state_dir}'")
    assert run.returncode == 0
    assert run.stderr.count("[WARNING]") == 1
    assert reason in " ".join(run.stderr.split())
    assert len(rows(run.stdout)) == 3


def test_a_terminated_run_leaves_its_trace_and_the_next_run_its_own(toy):
    slow = PLAYBOOK.replace("      gate:", "      ansible.builtin.pause: {seconds: 60}")
    (toy.path / "slow.yml").write_text(slow, encoding="utf-8")
    state = toy.path / "inventory" / ".state"
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(toy.path / "inventory")]
    with subprocess.Popen(
        [*command, str(toy.path / "slow.yml")],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        try:
            deadline = time.monotonic() + 60
            while "'gitops'" not in str(journals(state)):
                assert time.monotonic() < deadline, "the run never reached its last layer"
                time.sleep(0.2)
        finally:
            run.terminate()
    assert rows(toy().stdout) == [("preflight", "ok"), ("host", "ok"), ("gitops", "changed")]
    killed, complete = journals(state)
    assert (killed[-1]["event"], killed[-1]["layer"]) == ("layer_start", "gitops")
    assert complete[-1]["event"] == "run_end"
