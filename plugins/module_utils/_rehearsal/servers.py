# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of the rehearsal: what runs, what must change, and the change."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import shlex
import shutil
import typing as t
from pathlib import Path

from ansible_collections.srelab.url_shortener.plugins.module_utils._plan import MASK, Change, Plan
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import certificates, ports, supervisor
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.files import (
    make_folder,
    mode_of,
    read_text,
    write_file,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.model import (
    File,
    Layout,
    Rehearsal,
    RehearsalError,
    Server,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.waiting import Wait, wait_until_ready

Tell = t.Callable[[str], None]
SUPERVISOR_OBJECT = "supervisord"
_ABSENT = "absent"


@dataclasses.dataclass(frozen=True)
class Live:
    """What runs for a state folder: programs by name, the supervisord that answers, and the pids of all its
    supervisords, a hung one or one whose configuration is gone among them."""

    processes: t.Mapping[str, supervisor.Process]
    daemon: supervisor.Supervisor | None
    daemons: tuple[int, ...]

    @property
    def pids(self) -> set[int]:
        """The pids that may hold the rehearsal's ports: they are ours to restart."""
        return {*self.daemons, *supervisor.children(self.daemons)}


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What is there before a run: certificates, files (content and mode by path), start scripts and digests of what
    runs by server, the head of supervisord's configuration ("" when there is none), and what runs."""

    pki: certificates.Snapshot
    files: t.Mapping[str, tuple[str, int]]
    scripts: t.Mapping[str, str]
    digests: t.Mapping[str, str]
    head: str
    live: Live


def server_object(name: str) -> str:
    """The name of a server in a plan."""
    return f"server {name}"


def look(layout: Layout) -> Live:
    """Asks supervisord what runs; changes nothing."""
    configuration = layout.configuration
    daemon = supervisor.Supervisor.connect(configuration)
    return Live(
        processes=daemon.processes() if daemon else {},
        daemon=daemon,
        daemons=(daemon.pid(),) if daemon else tuple(supervisor.daemons(configuration)),
    )


def snapshot(rehearsal: Rehearsal) -> Snapshot:
    """Reads files and asks supervisord; changes nothing."""
    layout = rehearsal.layout
    live = look(layout)
    files = {}
    for path in (file.path for file in _all_files(rehearsal)):
        content, mode = read_text(layout.state / path), mode_of(layout.state / path)
        if content is not None and mode is not None:
            files[path] = (content, mode)
    return Snapshot(
        pki=certificates.snapshot(rehearsal),
        files=files,
        scripts={server.name: read_text(layout.server(server.name) / "run") or "" for server in rehearsal.servers},
        digests={name: process.digest for name, process in live.processes.items()},
        head=supervisor.head_of(read_text(layout.configuration) or ""),
        live=live,
    )


def plan(rehearsal: Rehearsal, there: Snapshot, now: datetime.datetime) -> Plan:
    """Everything that differs: authorities, certificates, keys, files, supervisord, servers."""
    pki = certificates.plan(rehearsal, there.pki, now)
    files = Plan(tuple(_file_changes(rehearsal, there)))
    changes = list((pki + files).changes)
    whole = there.live.daemon is None or there.head != _wanted_head(rehearsal)
    if whole:
        changes.append(Change(SUPERVISOR_OBJECT, "running" if there.live.daemon else "stopped", "running"))
    for server in rehearsal.servers:
        remade = bool({_pki_object(rehearsal, name) for name in server.pki} & set(pki.objects))
        if whole or remade or not _runs_as_wanted(rehearsal, there, server):
            changes.append(_server_change(there, server, remade))
    changes += [Change(server_object(name), "declared", _ABSENT) for name in _gone(rehearsal, there)]
    return Plan(tuple(changes))


def check_ports(rehearsal: Rehearsal, there: Snapshot, wanted: Plan) -> None:
    """Raises RehearsalError naming each port that is impossible, declared twice or taken, before anything starts."""
    declared = ports.declared(rehearsal)
    errors = ports.impossible(declared)
    if not errors:
        staying = [server for server in rehearsal.servers if server_object(server.name) not in wanted.objects]
        kept = {variable for server in staying for variable in server.ports}
        if SUPERVISOR_OBJECT not in wanted.objects:
            kept.add("rehearsal_supervisor_port")
        needed = {variable: port for variable, port in declared.items() if variable not in kept}
        errors = ports.taken(needed, there.live.pids)
    if errors:
        raise RehearsalError(errors.message("The rehearsal cannot have its ports, nothing was started"))


def apply(rehearsal: Rehearsal, there: Snapshot, wanted: Plan, now: datetime.datetime, tell: Tell) -> None:
    """Carries out a plan up to the point where the servers can be started: see ``bring_up``."""
    layout = rehearsal.layout
    certificates.apply(rehearsal, wanted, now)
    for file in _all_files(rehearsal):
        if _file_object(file) in wanted.objects:
            write_file(layout.state / file.path, file.content, file.mode)
    for server in rehearsal.servers:
        if server_object(server.name) in wanted.objects:
            write_file(layout.server(server.name) / "run", start_script(server), 0o700)
    if SUPERVISOR_OBJECT in wanted.objects and there.live.daemons:
        tell("stopping the supervisord that is there")
        stop(there.live)
    _configure(rehearsal, there, wanted)


def bring_up(rehearsal: Rehearsal, wanted: Plan, timeout: float, tell: Tell) -> Wait:
    """Starts the servers of the plan in order, waits until every server is ready, and tells what that took."""
    daemon = supervisor.connect_soon(rehearsal.layout.configuration)
    starting = [server.name for server in rehearsal.servers if server_object(server.name) in wanted.objects]
    return wait_until_ready(rehearsal, daemon, starting, timeout, tell)


def stop_plan(live: Live) -> Plan:
    """What stops: the servers that run, and supervisord."""
    changes = [
        Change(server_object(process.name), "running", "stopped")
        for process in live.processes.values()
        if process.state in supervisor.STOPPABLE
    ]
    if live.daemons:
        changes.append(Change(SUPERVISOR_OBJECT, "running", "stopped"))
    return Plan(tuple(changes))


def stop(live: Live) -> None:
    """Ends the servers, the last started first, and supervisord; a hung one is killed."""
    if live.daemon:
        live.daemon.shut_down()
    supervisor.end(live.daemons, asked=live.daemon is not None)


def remove_plan(rehearsal: Rehearsal) -> Plan:
    """What the role has written under the state folder and would remove."""
    return Plan(
        tuple(
            Change(f"{'folder' if path.is_dir() else 'file'} {path.name}", "present", _ABSENT)
            for path in _made(rehearsal)
            if path.exists()
        )
    )


def remove(rehearsal: Rehearsal) -> None:
    """Removes what the role has written: data, logs, certificates, kubeconfig. Other state stays."""
    for path in _made(rehearsal):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def start_script(server: Server) -> str:
    """The shell script that supervisord runs: own HOME, the environment, and the program in the place of the shell.

    setpriv has the kernel kill the program when supervisord dies, so that nothing is orphaned.
    """
    if shutil.which("setpriv") is None:
        raise RehearsalError("the rehearsal needs the program setpriv (package util-linux), which is not on the PATH")
    exports = [f"export {name}={shlex.quote(value)}" for name, value in server.environment.items()]
    command = ["exec setpriv --pdeathsig KILL --", *map(shlex.quote, server.command)]
    return "\n".join(["#!/bin/sh", 'export HOME="$PWD"', *exports, " \\\n  ".join(command), ""])


def digest(rehearsal: Rehearsal, server: Server) -> str:
    """A hash over all that a server is started with: command, environment, files, certificates and keys on the disk."""
    layout = rehearsal.layout
    texts = [start_script(server), *(file.content for file in server.files)]
    authorities = {certificate.name: certificate.authority for certificate in rehearsal.certificates}
    for name in server.pki:
        if name in authorities:
            texts += [read_text(layout.authority(authorities[name])) or "", read_text(layout.certificate(name)) or ""]
        else:
            texts.append(read_text(layout.key(name)) or "")
    hashes = "".join(hashlib.sha256(text.encode()).hexdigest() for text in texts)
    return hashlib.sha256(hashes.encode()).hexdigest()


def _configure(rehearsal: Rehearsal, there: Snapshot, wanted: Plan) -> None:
    layout = rehearsal.layout
    configuration = layout.configuration
    found = supervisor.access(configuration)
    password = found[1] if found else supervisor.new_password()
    digests = {server.name: digest(rehearsal, server) for server in rehearsal.servers}
    whole = SUPERVISOR_OBJECT in wanted.objects
    changed = [name for name in digests if server_object(name) in wanted.objects]
    gone = _gone(rehearsal, there)
    if there.live.daemon and not whole:
        for name in [*reversed(changed), *gone]:
            there.live.daemon.stop(name)
    for name in digests:
        make_folder(layout.server(name))
    write_file(configuration, supervisor.render(rehearsal.supervisor_port, password, digests))
    if whole:
        supervisor.launch(configuration)
    elif there.live.daemon and (changed or gone):
        there.live.daemon.reload(changed, gone)


def _wanted_head(rehearsal: Rehearsal) -> str:
    found = supervisor.access(rehearsal.layout.configuration)
    return supervisor.head_of(supervisor.render(rehearsal.supervisor_port, found[1], {})) if found else ""


def _runs_as_wanted(rehearsal: Rehearsal, there: Snapshot, server: Server) -> bool:
    process = there.live.processes.get(server.name)
    wanted = digest(rehearsal, server)
    return process is not None and process.state in supervisor.RUNNING and there.digests[server.name] == wanted


def _server_change(there: Snapshot, server: Server, remade: bool) -> Change:
    process = there.live.processes.get(server.name)
    running = process is not None and process.state in supervisor.RUNNING
    return Change(
        server_object(server.name),
        f"{'running' if running else 'stopped'}\n{there.scripts[server.name]}",
        f"running{' with new certificates' if remade else ''}\n{start_script(server)}",
    )


def _file_changes(rehearsal: Rehearsal, there: Snapshot) -> t.Iterator[Change]:
    for file in _all_files(rehearsal):
        content, mode = there.files.get(file.path, (None, None))
        if (content, mode) != (file.content, file.mode):
            before = "" if content is None else f"mode {mode:04o}\n{MASK if file.secret else content}"
            yield Change(_file_object(file), before, f"mode {file.mode:04o}\n{MASK if file.secret else file.content}")


def _file_object(file: File) -> str:
    return f"file {file.path}"


def _all_files(rehearsal: Rehearsal) -> t.Iterator[File]:
    """Every declared file with its path relative to the state folder."""
    yield from rehearsal.files
    for server in rehearsal.servers:
        for file in server.files:
            yield dataclasses.replace(file, path=f"servers/{server.name}/{file.path}")


def _gone(rehearsal: Rehearsal, there: Snapshot) -> list[str]:
    declared = {server.name for server in rehearsal.servers}
    return [name for name in there.live.processes if name not in declared]


def _pki_object(rehearsal: Rehearsal, name: str) -> str:
    return certificates.key_object(name) if name in rehearsal.signing_keys else certificates.certificate_object(name)


def _made(rehearsal: Rehearsal) -> list[Path]:
    """What the role makes directly under the state folder."""
    layout = rehearsal.layout
    tops = dict.fromkeys(layout.state / Path(file.path).parts[0] for file in rehearsal.files)
    return [layout.supervisor, layout.servers, layout.pki, *tops]
