# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to the control plane when something dies, changes, or stands in the way."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat

import contract
import pytest
import rehearsal_lab
from rehearsal_lab import SERVERS, eventually, gone, kill


@pytest.mark.parametrize("name", SERVERS)
def test_killed_server_is_back_and_the_api_answers(disturbed_lab, name):
    lab = disturbed_lab
    before = lab.pid(name)
    kill(before)
    eventually(lambda: lab.pid(name) not in (0, before) and lab.live().processes[name].state == "RUNNING")
    eventually(lab.answers)
    assert lab.up().objects == []


def test_killed_supervisord_orphans_nothing_and_the_next_run_repairs(disturbed_lab):
    lab = disturbed_lab
    live = lab.live()
    kill(live.daemons[0])
    eventually(lambda: all(gone(process.pid) for process in live.processes.values()), seconds=5)
    assert lab.up().objects == ["supervisord", *(f"server {name}" for name in SERVERS)]
    assert lab.answers()


def test_hung_supervisord_is_replaced(disturbed_lab):
    lab = disturbed_lab
    hung = lab.live().daemons[0]
    os.kill(hung, signal.SIGSTOP)
    run = lab.up()
    assert "stopping the supervisord that is there" in run.output
    assert gone(hung)
    assert lab.answers()


def test_state_that_was_removed_under_running_servers_is_rebuilt(new_lab):
    lab = new_lab()
    lab.up()
    before = lab.live()
    shutil.rmtree(lab.layout.state)
    lab.up()
    assert all(gone(pid) for pid in [*before.daemons, *(process.pid for process in before.processes.values())])
    assert lab.answers()


def test_stale_process_id_file_of_another_process_is_not_believed(disturbed_lab):
    lab = disturbed_lab
    lab.down()
    (lab.layout.supervisor / "supervisord.pid").write_text(f"{os.getpid()}\n")
    lab.up()
    assert lab.answers()


def test_stopped_rehearsal_keeps_its_data_and_check_mode_knows_the_nodes(disturbed_lab):
    lab = disturbed_lab
    pods = "/api/v1/namespaces/default/configmaps"
    lab.api(pods, "POST", {"metadata": {"name": "kept"}})
    assert lab.down().objects == [*(f"server {name}" for name in SERVERS), "supervisord"]
    assert lab.down().objects == []
    contract.prove(
        "playbooks/rehearsal.yml",
        rehearsal_lab.INVENTORY,
        extra_vars=lab.variables,
        would_be=["supervisord", *(f"server {name}" for name in SERVERS)],
        untouched=[lab.layout.state],
    )
    assert lab.api(f"{pods}/kept")["metadata"]["name"] == "kept"


def test_changed_option_restarts_its_server_alone(disturbed_lab):
    lab = disturbed_lab
    pids = {name: lab.pid(name) for name in SERVERS}
    base = rehearsal_lab.free_base_port()
    contract.prove(
        "playbooks/rehearsal.yml",
        rehearsal_lab.INVENTORY,
        extra_vars=lab.variables | {"rehearsal_scheduler_port": base},
        would_be=["server kube-scheduler"],
    )
    assert [name for name in SERVERS if lab.pid(name) != pids[name]] == ["kube-scheduler"]


def test_missing_certificate_is_made_again_and_its_server_restarted(disturbed_lab):
    lab = disturbed_lab
    before = lab.layout.certificate("kwok").read_text()
    lab.layout.certificate("kwok").unlink()
    assert lab.up("--check").objects == ["certificate kwok", "server kwok"]
    assert lab.up().objects == ["certificate kwok", "server kwok"]
    assert lab.layout.certificate("kwok").read_text() != before


def test_nodes_follow_the_inventory(disturbed_lab):
    lab = disturbed_lab
    node = {"name": "k3s-1", "address": "192.0.2.21", "cpus": 2, "memory_gb": 6, "disk_gb": 40}
    nodes = [node | {"role": "agent"}]
    run = contract.prove(
        "playbooks/rehearsal.yml",
        rehearsal_lab.INVENTORY,
        extra_vars=lab.variables | {"lab_nodes": nodes},
        would_be=["node k3s-1", "node k3s-2", "node k3s-3"],
    )
    assert run.real.returncode == 0
    (live,) = lab.api("/api/v1/nodes")["items"]
    assert live["status"]["capacity"]["memory"] == live["status"]["allocatable"]["memory"] == "6Gi"
    assert not [label for label in live["metadata"]["labels"] if label.startswith("node-role")]


def test_taken_ports_are_all_named_before_anything_starts(new_lab):
    lab = new_lab()
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", lab.base_port + 1))
        second.bind(("127.0.0.1", lab.base_port + 6))
        first.listen()
        second.listen()
        run = lab.play()
    assert run.code != 0
    for variable, port in (
        ("rehearsal_etcd_client_port", lab.base_port + 1),
        ("rehearsal_kwok_port", lab.base_port + 6),
    ):
        assert f"{variable} is {port}" in run.output
        assert f"127.0.0.1:{port} is held by process {os.getpid()}" in run.output
    assert "rehearsal_apiserver_port" not in run.output
    assert "Traceback" not in run.output
    assert not lab.layout.configuration.exists()


def test_rehearsal_of_another_clone_is_named_by_its_ports(lab, new_lab):
    other = new_lab(rehearsal_base_port=lab.base_port)
    run = other.play()
    assert run.code != 0
    assert f"held by process {lab.live().daemons[0]}" in run.output
    assert f"running in {lab.layout.supervisor}" in run.output
    assert lab.answers()


def test_one_port_for_two_servers_is_refused_with_both_variables(new_lab):
    lab = new_lab()
    run = lab.play(rehearsal_kwok_port=lab.base_port + 3)
    assert run.code != 0
    assert f"rehearsal_kwok_port is {lab.base_port + 3}" in run.output
    assert "rehearsal_apiserver_port has this one" in run.output


def test_server_that_exits_is_reported_at_once_with_its_last_log_lines(new_lab, programs):
    programs.replace("etcd", "for line in $(seq 30); do echo line $line; done; exit 3")
    run = new_lab(**programs.variables).play()
    assert run.code != 0
    assert "The server etcd exited" in run.output
    assert "line 30" in run.output
    assert "line 16" in run.output
    assert "line 15\\n" not in run.output
    assert run.seconds < 60


def test_server_that_never_gets_ready_is_reported_with_what_was_waited_for(new_lab, programs):
    programs.replace("etcd", "echo I am idle; exec sleep 600")
    lab = new_lab(**programs.variables, rehearsal_start_timeout=2)
    run = lab.play()
    assert run.code != 0
    assert "The server etcd was not ready after" in run.output
    assert f"https://127.0.0.1:{lab.base_port + 1}/health" in run.output
    assert "I am idle" in run.output


def test_two_runs_at_once_take_turns(new_lab):
    lab = new_lab()
    runs = [lab.end(process) for process in (lab.begin(), lab.begin())]
    assert [run.code for run in runs] == [0, 0], [run.output[-3000:] for run in runs]
    assert sum("another run is at work on the rehearsal" in run.output for run in runs) == 1
    assert sorted(bool(run.objects) for run in runs) == [False, True]


def test_status_lists_the_servers_and_changes_nothing(lab):
    before = contract.listing([lab.layout.pki, lab.layout.configuration, lab.layout.state / "kubeconfig"])
    run = lab.play(playbook="rehearsal_status")
    assert run.code == 0
    assert run.objects == []
    for name in SERVERS:
        assert str(lab.pid(name)) in run.output
    assert contract.listing([lab.layout.pki, lab.layout.configuration, lab.layout.state / "kubeconfig"]) == before


def test_removal_leaves_what_others_keep_in_the_state_folder(new_lab, tmp_path):
    lab = new_lab()
    lab.up()
    secret = lab.layout.state / "keys" / "kept.yml"
    secret.parent.mkdir()
    secret.write_text("kept")
    play = tmp_path / "absent.yml"
    play.write_text(
        "- hosts: rehearsal\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.import_role: {name: srelab.url_shortener.rehearsal, tasks_from: absent}\n"
    )
    proof = contract.prove(play, rehearsal_lab.INVENTORY, extra_vars=lab.variables, untouched=[secret])
    assert {"folder pki", "folder servers", "folder supervisor", "folder bin", "file kubeconfig"} <= {
        changed.object for changed in proof.real.changed
    }
    assert [path.name for path in lab.layout.state.iterdir() if path.name != "journal"] == ["keys"]
    assert lab.live().daemons == ()


class _Programs:
    """The real programs by links, of which a test puts one of its own in the place."""

    def __init__(self, folder, real):
        self.folder = folder
        self.variables = {"rehearsal_binaries": "path", "rehearsal_binaries_path": str(folder)}
        for name, path in real.items():
            (folder / name).symlink_to(path)

    def replace(self, name, script):
        path = self.folder / name
        path.unlink()
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def programs(proven, tmp_path):
    _lab, proof = proven
    built = next(record["result"]["binaries"] for record in proof.real.records if "binaries" in record["result"])
    folder = tmp_path / "programs"
    folder.mkdir()
    return _Programs(folder, built)
