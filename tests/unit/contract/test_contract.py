# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check-mode contract holds for truthful playbooks and names each way of breaking it."""

from __future__ import annotations

import base64
import json
import os

import contract
import pytest
from contract import Changed, Proof, Run
from hypothesis import given
from hypothesis import strategies as st

CANARY = "chirp-47110815-tweet"

TRUTHFUL = """
- name: The folder is there
  ansible.builtin.file: {path: "{{ inventory_dir }}/made", state: directory, mode: "0700"}
- name: The files are there
  ansible.builtin.copy: {content: "x", dest: "{{ inventory_dir }}/{{ item.name }}", mode: "0600"}
  loop: [{name: a}, {name: b}]
- name: The template is rendered
  ansible.builtin.template: {src: t.j2, dest: "{{ inventory_dir }}/", mode: "0600"}
- name: The secret is kept
  ansible.builtin.copy: {content: "{{ secret }}", dest: "{{ inventory_dir }}/secret", mode: "0600"}
  no_log: true
- name: The servers run
  lying: {check: [server etcd], real: [server etcd], marker: "{{ inventory_dir }}/marker"}
"""

# check, real, again: the objects that the module says it changes; write: a file that it writes whatever the mode.
LYING = """
import pathlib
from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        args, check = self._task.args, self._task.check_mode
        marker = pathlib.Path(args["marker"])
        objects = args.get("again", []) if marker.exists() else args["check" if check else "real"]
        if not check:
            marker.touch()
        if "write" in args:
            pathlib.Path(args["write"]).write_text("x")
        return {"changed": bool(objects), "objects": objects}
"""


@pytest.fixture
def prove(tmp_path):
    lab = tmp_path / "lab"
    for name, text in {
        "lab/hosts.yml": "all: {hosts: {localhost: {ansible_connection: local}}}",
        "lab/group_vars/all.yml": "ansible_python_interpreter: '{{ ansible_playbook_python }}'",
        "action_plugins/lying.py": LYING,
        "library/lying.py": "",
        "t.j2": "text",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    def prove_tasks(tasks, **options):
        indented = "".join(f"    {line}\n" for line in tasks.strip().splitlines())
        text = f"- name: Toy\n  hosts: localhost\n  gather_facts: false\n  tasks:\n{indented}"
        (tmp_path / "toy.yml").write_text(text, encoding="utf-8")
        return contract.prove(tmp_path / "toy.yml", lab, **options)

    prove_tasks.lab = lab
    return prove_tasks


def complaint(prove, tasks, **options):
    with pytest.raises(AssertionError) as caught:
        prove(tasks, **options)
    return str(caught.value)


def lying(**arguments):
    return f"- name: The lying module\n  lying: {json.dumps({'marker': '{{ inventory_dir }}/marker', **arguments})}"


def test_a_truthful_playbook_passes_and_its_runs_are_returned(prove):
    objects = {*(str(prove.lab / name) for name in ("made", "a", "b", "secret")), f"{prove.lab}/", "server etcd"}
    proof = prove(
        TRUTHFUL,
        extra_vars={"secret": CANARY},
        canaries=[CANARY],
        would_be=objects,
        untouched=[prove.lab],
    )
    assert set(proof.real.changed) == {Changed("localhost", name) for name in objects}
    assert proof.again.changed == {}
    assert (prove.lab / "secret").read_text(encoding="utf-8") == CANARY
    assert all(run.seconds > 0 for run in proof)


def test_a_change_that_only_check_mode_names_is_reported(prove):
    text = complaint(prove, lying(check=["a", "ghost"], real=["a"]))
    assert "Named by the check run, but not changed for real:\n  - localhost: ghost (task 'The lying module';" in text


def test_a_change_that_check_mode_does_not_name_is_reported(prove):
    text = complaint(prove, lying(check=["a"], real=["a", "b"]))
    assert "Changed for real, but not named by the check run:\n  - localhost: b (task 'The lying module';" in text


def test_a_task_that_check_mode_skips_and_that_changes_for_real_is_reported_as_skipped(prove):
    tasks = """
- name: A command
  ansible.builtin.command: {cmd: "true", creates: /nowhere/x}
  when: not ansible_check_mode
"""
    text = complaint(prove, tasks)
    assert "  - localhost: A command (task 'A command'; check run: skipped)" in text


def test_a_second_run_that_changes_something_is_reported(prove):
    text = complaint(prove, lying(check=["a"], real=["a"], again=["a"]))
    assert "Changed again by the second run:\n  - localhost: a (task 'The lying module'" in text
    assert "but not" not in text


def test_a_canary_in_a_diff_is_reported_with_the_runs_that_show_it(prove):
    tasks = """
- name: The file
  ansible.builtin.copy: {content: "{{ secret }}", dest: "{{ inventory_dir }}/s", mode: "0600"}
"""
    text = complaint(prove, tasks, extra_vars={"secret": CANARY}, canaries=["unused-canary", CANARY])
    assert "Canary 2 of 2 is shown by the check run: stdout, the result of task 'The file'" in text
    assert CANARY not in text


def test_a_check_run_that_writes_a_file_is_reported(prove):
    text = complaint(prove, lying(check=["a"], real=["a"], write="{{ inventory_dir }}/oops"), untouched=[prove.lab])
    assert "Changed on the file system by the check run:\n" in text
    assert f"{prove.lab}/oops: absent -> mode 100" in text


def test_a_failing_run_is_reported_with_its_output(prove):
    text = complaint(prove, "- name: Fails\n  ansible.builtin.fail: {msg: out of luck}")
    assert "The check run ended with 2" in text
    assert "out of luck" in text


def a_run(name, *changed, **more):
    record = {"host": "h", "task": "t", "action": "x", "status": "ok", "file": None, "loop": False}
    records = [{**record, "result": {"changed": True, "objects": [each]}} for each in changed]
    return Run(name, more.get("returncode", 0), more.get("stdout", ""), "", 1.0, records)


def test_a_playbook_that_changes_nothing_proves_nothing_unless_that_is_said():
    proof = Proof(a_run("check run"), a_run("real run"), a_run("second run"))
    assert "proves nothing" in "".join(contract.broken(proof))
    assert contract.broken(proof, would_be=()) == []


def test_objects_that_differ_from_those_expected_are_reported_both_ways():
    proof = Proof(a_run("check run", "a", "b"), a_run("real run", "a", "b"), a_run("second run"))
    assert contract.broken(proof, would_be=["a", "c"]) == [
        "Expected, but not named by the check run:\n  - c",
        "Named by the check run, but not expected:\n  - b",
    ]


def test_documents_of_a_kubernetes_task_are_objects_but_for_the_unchanged():
    def document(kind, namespace, name, changed):
        metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
        return {"changed": changed, "result": {"kind": kind, "metadata": metadata}}

    many = [
        document("Namespace", None, "lab", True),
        document("Secret", "lab", "s", False),
        document("Pod", "lab", "p", True),
    ]
    record = {"action": "kubernetes.core.k8s", "task": "t", "file": None, "result": {"result": {"results": many}}}
    assert contract.object_names(record) == ["Namespace/lab", "Pod/lab/p"]
    assert contract.object_names({**record, "result": many[1]}) == ["Secret/lab/s"]
    deleted = {"changed": True, "result": {"kind": "Status", "metadata": {}}}
    assert contract.object_names({**record, "result": deleted}) == ["t"]


@given(
    st.text(min_size=8).filter(lambda text: len(text.encode("utf-8", "ignore")) >= 8),
    st.binary(max_size=7),
    st.binary(max_size=7),
)
def test_a_canary_inside_base64_is_found_at_every_offset(canary, before, after):
    canary = canary.encode("utf-8", "ignore").decode()
    if len(canary) < 8:
        return
    text = base64.b64encode(before + canary.encode() + after).decode()
    assert contract.leaks([a_run("check run", stdout=text)], [canary])


def test_a_canary_with_quotes_is_found_in_json():
    assert contract.leaks([a_run("check run", stdout=json.dumps({"x": 'a"b\nc-canary'}))], ['a"b\nc-canary'])


def test_a_short_canary_is_refused():
    with pytest.raises(ValueError, match="fewer than 8 characters"):
        contract.leaks([a_run("check run")], ["short"])


@pytest.mark.parametrize("change", ["mode", "content", "time", "removal"])
def test_any_change_of_a_file_shows_in_the_listing(tmp_path, change):
    path = tmp_path / "f"
    path.write_text("old", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    before = contract.listing([path])
    if change == "mode":
        path.chmod(0o611)
    elif change == "content":
        path.write_text("new", encoding="utf-8")
        os.utime(path, ns=(1, 1))
    elif change == "time":
        os.utime(path, ns=(2, 2))
    else:
        path.unlink()
    assert len(contract.differences(before, contract.listing([path]))) == 1
    assert contract.differences(before, before) == []
