# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""supervisord: its configuration, its XML-RPC interface on the loopback address, and the process itself.

A Unix socket would be the usual way, but its path may not exceed 108 bytes, which a deeply nested clone does.
"""

from __future__ import annotations

import base64
import configparser
import dataclasses
import http.client
import os
import secrets
import signal
import subprocess
import sys
import time
import typing as t
import xmlrpc.client
from pathlib import Path
from xml.parsers.expat import ExpatError

from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.files import read_text
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.model import RehearsalError
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.ports import ADDRESS

DIGEST_VARIABLE = "REHEARSAL_DIGEST"
USER = "rehearsal"
RUNNING = frozenset({"RUNNING", "STARTING"})
STOPPABLE = RUNNING | {"BACKOFF", "STOPPING"}
_NOT_RUNNING = 70
_BAD_NAME = 10
_START_SECONDS = 20
_STOP_SECONDS = 90
_KILL_SECONDS = 5
_CALL_SECONDS = 60
_CONNECT_SECONDS = 5


@dataclasses.dataclass(frozen=True)
class Process:
    """A program as supervisord sees it; ``pid`` is 0 and ``since`` meaningless when it does not run."""

    name: str
    state: str
    pid: int
    since: int

    @property
    def digest(self) -> str:
        """The digest of what it was started with, "" when it does not run or cannot be read."""
        try:
            environment = Path(f"/proc/{self.pid}/environ").read_bytes().split(b"\0") if self.pid else []
        except OSError:
            return ""
        marker = f"{DIGEST_VARIABLE}=".encode()
        return next((entry[len(marker) :].decode() for entry in environment if entry.startswith(marker)), "")


def render(port: int, password: str, digests: t.Mapping[str, str]) -> str:
    """supervisord.conf for these servers, each with the digest of what it is started with.

    All paths are relative to the folder of the file, in which supervisord runs: a path of the user's could hold what
    the format takes for a comment or a placeholder.
    """
    return "\n".join([_head(port, password), *(_program(name, digest) for name, digest in digests.items())])


def head_of(configuration: str) -> str:
    """The part of a configuration that only a restart of supervisord brings into force."""
    return configuration.partition("[program:")[0].rstrip()


def _head(port: int, password: str) -> str:
    return f"""\
[supervisord]
logfile=supervisord.log
logfile_maxbytes=1MB
logfile_backups=1
pidfile=supervisord.pid
umask=077
user={os.getuid()}
nocleanup=true

[inet_http_server]
port={ADDRESS}:{port}
username={USER}
password={password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def _program(name: str, digest: str) -> str:
    return f"""\
[program:{name}]
command=/bin/sh run
directory=../servers/{name}
environment={DIGEST_VARIABLE}="{digest}"
autostart=false
autorestart=true
startsecs=1
startretries=100
stopwaitsecs=20
killasgroup=true
redirect_stderr=true
stdout_logfile=../servers/{name}/log
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=1
"""


def access(configuration: Path) -> tuple[int, str] | None:
    """Port and password in a configuration file; None when there is none or it is damaged."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(read_text(configuration) or "")
        section = parser["inet_http_server"]
        return int(section["port"].rpartition(":")[2]), section["password"]
    except (configparser.Error, KeyError, ValueError):
        return None


def new_password() -> str:
    """A password that no one has to remember."""
    return secrets.token_urlsafe(24)


class _Transport(xmlrpc.client.Transport):
    seconds: float = _CALL_SECONDS

    def make_connection(self, host: t.Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = self.seconds
        return connection


class Supervisor:
    """A running supervisord, over XML-RPC. Methods raise RehearsalError when it stops answering."""

    def __init__(self, port: int, password: str, patience: float = _CALL_SECONDS) -> None:
        # The password goes into a header, not the URL: the errors of xmlrpc.client show URLs.
        token = base64.b64encode(f"{USER}:{password}".encode()).decode()
        transport = _Transport(headers=[("Authorization", f"Basic {token}")])
        transport.seconds = patience
        self._proxy = xmlrpc.client.ServerProxy(f"http://{ADDRESS}:{port}/RPC2", transport=transport)

    @classmethod
    def connect(cls, configuration: Path) -> Supervisor | None:
        """The supervisord that a configuration file belongs to, when it runs and accepts the password."""
        found = access(configuration)
        if found is None:
            return None
        try:
            cls(*found, patience=_CONNECT_SECONDS).pid()
        except RehearsalError:
            return None
        return cls(*found)

    def pid(self) -> int:
        """Its process id."""
        return int(self._call("getPID"))

    def processes(self) -> dict[str, Process]:
        """Its programs by name."""
        return {
            info["name"]: Process(info["name"], info["statename"], info["pid"], info["start"])
            for info in self._call("getAllProcessInfo")
        }

    def start(self, name: str) -> None:
        """Starts a program without waiting for it."""
        self._call("startProcess", name, False)

    def stop(self, name: str) -> None:
        """Ends a program and waits until it has ended; fine when it does not run."""
        self._call("stopProcess", name, True, accepted={_NOT_RUNNING, _BAD_NAME})

    def reload(self, names: t.Iterable[str], gone: t.Iterable[str]) -> None:
        """Takes over what the configuration file says about stopped programs; ``gone`` are no longer in it."""
        self._call("reloadConfig")
        known = self.processes()
        for name in [*names, *gone]:
            if name in known:
                self._call("removeProcessGroup", name)
        for name in names:
            self._call("addProcessGroup", name)

    def shut_down(self) -> None:
        """Asks it to end all programs, the last started first, and itself."""
        for name in reversed(self.processes()):
            self.stop(name)
        self._call("shutdown")

    def _call(self, method: str, *arguments: t.Any, accepted: t.Collection[int] = ()) -> t.Any:
        try:
            return getattr(self._proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in accepted:
                return None
            raise RehearsalError(f"supervisord refused {method} {arguments}: {fault.faultString}") from None
        except (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError) as error:
            raise RehearsalError(f"supervisord does not answer ({type(error).__name__})") from None


def daemons(configuration: Path) -> list[int]:
    """The pids of this user's supervisords that run on this configuration file, reachable or not.

    Looks at the processes, not at a pid file: that may be stale, or gone with the folder.
    """
    wanted = ["supervisor.supervisord", "-c", str(configuration)]
    return [pid for pid in _own_processes() if _arguments(pid)[-3:] == wanted]


def children(parents: t.Collection[int]) -> set[int]:
    """The pids of all processes under the given ones."""
    found: set[int] = set()
    if not parents:
        return found
    parent_of = {pid: _parent(pid) for pid in _own_processes()}
    level = set(parents)
    while level:
        level = {pid for pid, parent in parent_of.items() if parent in level} - found
        found |= level
    return found


def launch(configuration: Path) -> None:
    """Starts supervisord as a daemon. Raises RehearsalError with its own words when it does not start."""
    environment = {
        name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TZ", "TMPDIR"}
    }
    result = subprocess.run(  # noqa: S603 - our own interpreter and file
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)],
        cwd=configuration.parent,
        env=environment,
        umask=0o077,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RehearsalError(f"supervisord does not start: {' '.join(result.stdout.split())[-500:]}")


def connect_soon(configuration: Path) -> Supervisor:
    """The supervisord that was just launched. Raises RehearsalError when it does not answer in time."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        supervisor = Supervisor.connect(configuration)
        if supervisor:
            return supervisor
        time.sleep(0.05)
    raise RehearsalError(
        f"supervisord does not answer {_START_SECONDS} s after its start (log: {configuration.parent}/supervisord.log)"
    )


def end(pids: t.Collection[int], asked: bool) -> None:
    """Waits until the supervisords have gone, after a SIGTERM unless they were ``asked`` already, and kills the late.

    Killed with SIGKILL, a supervisord takes its programs with it: they ask the kernel for that (setpriv --pdeathsig).
    """
    if not asked:
        _signal(pids, signal.SIGTERM)
    deadline = time.monotonic() + (_STOP_SECONDS if asked else _KILL_SECONDS)
    while any(map(_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal([pid for pid in pids if _alive(pid)], signal.SIGKILL)


def _signal(pids: t.Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0] not in "ZX"
    except (OSError, IndexError):
        return False


def _own_processes() -> list[int]:
    own = os.getuid()
    pids = []
    for entry in os.scandir("/proc"):
        try:
            if entry.name.isdigit() and entry.stat().st_uid == own:
                pids.append(int(entry.name))
        except FileNotFoundError:
            continue
    return pids


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")[:-1]
    except OSError:
        return []


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0
