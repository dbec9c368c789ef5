# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal of a test's own: state folder, ports, the real playbooks, and questions to what then runs."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import https, servers
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.model import Layout

ROOT = pathlib.Path(__file__).resolve().parent.parent
INVENTORY = ROOT / "inventory" / "rehearsal"
CALLBACKS = ROOT / "tests" / "contract_callback"
PORTS = 7
LIMIT_S = 900
SERVERS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"]


def free_base_port() -> int:
    """The first of ``PORTS`` ports in a row that nobody uses."""
    while True:
        base = random.randrange(20_000, 30_000)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(base, base + PORTS):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return base


class Run(t.NamedTuple):
    """How a playbook ended: exit status, all output, names of the objects that changed."""

    code: int
    output: str
    objects: list[str]
    seconds: float


class Lab:
    """One rehearsal."""

    def __init__(self, state: pathlib.Path, **variables: t.Any) -> None:
        self.layout = Layout(state)
        self.base_port = free_base_port()
        self.variables = {"lab_state_dir": str(state), "rehearsal_base_port": self.base_port, **variables}

    def begin(self, *options: str, playbook: str = "rehearsal", **variables: t.Any) -> subprocess.Popen[str]:
        """A playbook that has just been started."""
        command = [sys.executable, "-m", "ansible", "playbook", f"playbooks/{playbook}.yml", "-i", str(INVENTORY)]
        return subprocess.Popen(
            [*command, "-e", json.dumps(self.variables | variables), *options],
            cwd=ROOT,
            env={
                **os.environ,
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self, process: subprocess.Popen[str]) -> Run:
        """Waits for a playbook."""
        began = time.monotonic()
        output, _nothing = process.communicate(timeout=LIMIT_S)
        return Run(process.returncode, output, _changed_objects(output), time.monotonic() - began)

    def play(self, *options: str, playbook: str = "rehearsal", **variables: t.Any) -> Run:
        """Runs a playbook to its end."""
        return self.end(self.begin(*options, playbook=playbook, **variables))

    def up(self, *options: str, **variables: t.Any) -> Run:
        """Runs the layer and expects success."""
        run = self.play(*options, **variables)
        assert run.code == 0, run.output[-6000:]
        return run

    def down(self) -> Run:
        """Stops the servers and expects success."""
        run = self.play(playbook="rehearsal_down")
        assert run.code == 0, run.output[-6000:]
        return run

    def live(self) -> servers.Live:
        """What runs."""
        return servers.look(self.layout)

    def pid(self, name: str) -> int:
        """The process of a server."""
        pid: int = self.live().processes[name].pid
        return pid

    @property
    def api_url(self) -> str:
        """The API server."""
        return f"https://127.0.0.1:{self.base_port + 3}"

    def api(self, path: str, method: str = "GET", body: t.Any = None) -> t.Any:
        """The API server's answer to the administrator, who expects success."""
        layout = self.layout
        admin = https.Credentials(layout.authority("kubernetes"), layout.certificate("admin"), layout.key("admin"))
        status, text = https.ask(self.api_url + path, admin, method, body)
        assert status < 400, (status, text)
        return json.loads(text) if text.startswith("{") else text

    def answers(self) -> bool:
        """Whether the API server is ready."""
        try:
            return bool(self.api("/readyz") == "ok")
        except (OSError, AssertionError):
            return False


def eventually(condition: t.Callable[[], t.Any], seconds: float = 60) -> None:
    """Fails when the condition does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true after {seconds} s: {condition}"
        time.sleep(0.2)


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "ZX"
    except OSError:
        return True


def kill(pid: int) -> None:
    """SIGKILL."""
    os.kill(pid, signal.SIGKILL)


def _changed_objects(output: str) -> list[str]:
    # Lines of progress stand before the record of the run.
    start = output.find('\n{\n    "custom_stats"') if not output.startswith("{") else 0
    if start < 0:
        return []
    record, _end = json.JSONDecoder().raw_decode(output[start:].lstrip())
    results = [host for play in record["plays"] for task in play["tasks"] for host in task["hosts"].values()]
    return [name for result in results if result.get("changed") for name in result.get("objects", [])]
