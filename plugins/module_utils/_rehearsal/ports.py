# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports on the loopback address: which are free, and who holds those that are not."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import socket
import time
import typing as t
from pathlib import Path

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.model import Rehearsal

ADDRESS = "127.0.0.1"
WHERE = "the inventory's group_vars/rehearsal, or move all ports by rehearsal_base_port"
_LISTENING = "0A"


@dataclasses.dataclass(frozen=True)
class Holder:
    """The process that listens on a port, as far as it can be seen: pid 0 when it belongs to another user."""

    pid: int
    command: str


def declared(rehearsal: Rehearsal) -> dict[str, int]:
    """Every port of the rehearsal by the variable that sets it."""
    ports = {"rehearsal_supervisor_port": rehearsal.supervisor_port}
    for server in rehearsal.servers:
        ports.update(server.ports)
    return ports


def impossible(ports: t.Mapping[str, int]) -> InputErrors:
    """The variables that set no port at all, or the same as another."""
    errors = InputErrors()
    owner: dict[int, str] = {}
    for variable, port in ports.items():
        if not 0 < port < 65536:
            errors.add(variable, port, "1 to 65535", WHERE)
        elif port in owner:
            errors.add(variable, port, f"a port of its own; {owner[port]} has this one", WHERE)
        owner.setdefault(port, variable)
    return errors


def taken(ports: t.Mapping[str, int], ours: t.Collection[int], patience: float = 3.0) -> InputErrors:
    """The ports that a process other than ``ours`` (pids) holds or that may not be used.

    Waits up to ``patience`` seconds for ports to come free: the children of a killed supervisord die a moment later.
    """
    deadline = time.monotonic() + patience
    while True:
        errors = _taken_now(ports, ours)
        if not errors or time.monotonic() > deadline:
            return errors
        time.sleep(0.2)


def _taken_now(ports: t.Mapping[str, int], ours: t.Collection[int]) -> InputErrors:
    errors = InputErrors()
    for variable, port in ports.items():
        problem = _bind_problem(port)
        if problem == errno.EADDRINUSE:
            holder = find_holder(port)
            if holder is None or holder.pid not in ours:
                errors.add(variable, port, f"a free port; {_told(port, holder)}", WHERE)
        elif problem:
            errors.add(variable, port, f"a port that this user may listen on ({os.strerror(problem)})", WHERE)
    return errors


def find_holder(port: int) -> Holder | None:
    """Who listens on the port (any address of this machine); None when nobody does."""
    wanted = {name for name, number in _listening_sockets().items() if number == port}
    if not wanted:
        return None
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and not wanted.isdisjoint(_descriptors(int(process.name))):
            return Holder(int(process.name), command_of(int(process.name)))
    return Holder(0, "")


def command_of(pid: int) -> str:
    """The name of a process, "" when it has gone. Arguments are left out: they may hold another's secrets."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _told(port: int, holder: Holder | None) -> str:
    if holder is None:
        return f"{ADDRESS}:{port} is in use"
    if not holder.pid:
        return f"{ADDRESS}:{port} is held by a process of another user"
    return f"{ADDRESS}:{port} is held by process {holder.pid} ({holder.command}){_clone(holder.pid)}"


def _clone(pid: int) -> str:
    """The folder a process runs in: it tells a rehearsal of another clone."""
    try:
        return f" running in {Path(f'/proc/{pid}/cwd').readlink()}"
    except OSError:
        return ""


def _bind_problem(port: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            return error.errno or errno.EADDRINUSE
    return 0


def listening(pid: int) -> list[int]:
    """The ports on which a process listens, ascending; none when it has gone or is another user's."""
    sockets = _listening_sockets()
    return sorted({sockets[name] for name in _descriptors(pid) if name in sockets})


def _listening_sockets() -> dict[str, int]:
    """The port of each listening TCP socket, by the socket's name under /proc/PID/fd."""
    sockets = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="utf-8").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTENING:
                sockets[f"socket:[{fields[9]}]"] = int(fields[1].rpartition(":")[2], 16)
    return sockets


def _descriptors(pid: int) -> t.Iterator[str]:
    """What the open descriptors of a process lead to; descriptors may go while they are read."""
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                yield str(entry.readlink())
