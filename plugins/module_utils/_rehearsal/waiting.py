# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting servers in their order and waiting until each is ready."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.https import Credentials, ask
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.model import (
    Layout,
    Ready,
    Rehearsal,
    RehearsalError,
    Server,
)
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.supervisor import (
    RUNNING,
    Process,
    Supervisor,
)

LOG_LINES = 15
_LINE_LENGTH = 300
_LOG_BYTES = 20_000
_POLL_SECONDS = 0.1
_PROGRESS_SECONDS = 5.0


@dataclasses.dataclass(frozen=True)
class Wait:
    """What a gate waited for, and how long in seconds."""

    waited_for: str
    seconds: float

    def result(self) -> dict[str, t.Any]:
        """The ``lab_gate`` of a task's result."""
        return {"waited_for": self.waited_for, "seconds": round(self.seconds, 2)}


@dataclasses.dataclass
class _Attempt:
    """A server that is expected to become ready."""

    server: Server
    since: float
    pid: int
    told: float
    asked_to_start: bool

    @property
    def waited(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self.since


def wait_until_ready(
    rehearsal: Rehearsal,
    supervisor: Supervisor,
    starting: t.Collection[str],
    timeout: float,
    tell: t.Callable[[str], None],
) -> Wait:
    """Starts each of ``starting`` as soon as those it needs are ready, and returns when all servers are ready.

    Raises RehearsalError when a server exits, or is not ready ``timeout`` seconds after it was expected to be.
    """
    began = time.monotonic()
    waiting = list(rehearsal.servers)
    attempts: dict[str, _Attempt] = {}
    ready: set[str] = set()
    while waiting:
        for server in waiting:
            if server.name not in attempts and ready.issuperset(server.after):
                attempts[server.name] = _begin(supervisor, server, server.name in starting)
        processes = supervisor.processes()
        expected = [server for server in waiting if server.name in attempts]
        come = {
            server.name
            for server in expected
            if _is_ready(rehearsal.layout, attempts[server.name], processes, timeout, tell)
        }
        ready |= come
        waiting = [server for server in waiting if server.name not in come]
        if not come:
            time.sleep(_POLL_SECONDS)
    return Wait(f"{len(rehearsal.servers)} servers ready", time.monotonic() - began)


def last_log_lines(layout: Layout, name: str) -> str:
    """The end of a server's log, each line cut to a readable length; a sentence when it has written none."""
    path = layout.server(name) / "log"
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _LOG_BYTES))
            text = log.read().decode(errors="replace")
    except FileNotFoundError:
        text = ""
    lines = [line[:_LINE_LENGTH] for line in text.splitlines() if line.strip()][-LOG_LINES:]
    return "\n".join(f"  {line}" for line in lines) or "  (it has written nothing)"


def problem(layout: Layout, ready: Ready) -> str:
    """Why a server is not ready yet, "" when it is."""
    credentials = Credentials(
        layout.authority(ready.authority), layout.certificate(ready.certificate), layout.key(ready.certificate)
    )
    try:
        status, text = ask(ready.url, credentials)
    except OSError as error:
        return str(error)
    if status != 200:
        # Kubernetes' servers list their checks, the failing ones with a minus.
        failing = [line for line in text.splitlines() if line.startswith("[-]")]
        return f"it answers {status}: {' '.join(failing or text.split())[:200]}"
    return "" if ready.text in text else f"its answer lacks {ready.text!r}"


def _begin(supervisor: Supervisor, server: Server, start: bool) -> _Attempt:
    if start:
        supervisor.start(server.name)
    now = time.monotonic()
    return _Attempt(server, now, 0, now, start)


def _is_ready(
    layout: Layout,
    attempt: _Attempt,
    processes: t.Mapping[str, Process],
    timeout: float,
    tell: t.Callable[[str], None],
) -> bool:
    server, process = attempt.server, processes[attempt.server.name]
    if process.state not in RUNNING or (attempt.pid and process.pid != attempt.pid):
        raise RehearsalError(_failure(layout, server, f"exited within {attempt.waited:.0f} s of its start"))
    attempt.pid = process.pid
    reason = problem(layout, server.ready)
    waited = attempt.waited
    if not reason:
        if attempt.asked_to_start:
            tell(f"{server.name} is ready ({waited:.1f} s)")
        return True
    if waited > timeout:
        raise RehearsalError(_failure(layout, server, f"was not ready after {waited:.0f} s: {reason}"))
    if time.monotonic() - attempt.told > _PROGRESS_SECONDS:
        attempt.told = time.monotonic()
        tell(f"{server.name} is not ready yet ({waited:.0f} s): {reason}")
    return False


def _failure(layout: Layout, server: Server, what: str) -> str:
    return (
        f"The server {server.name} {what}; the rehearsal waited for {server.ready.url}. "
        f"Its last log lines ({layout.server(server.name)}/log):\n{last_log_lines(layout, server.name)}"
    )
