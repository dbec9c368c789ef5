# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a long command, hands on its lines as they come, and never leaves it behind."""

from __future__ import annotations

import collections.abc as c
import multiprocessing
import os
import pathlib
import selectors
import signal
import subprocess
import time

from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.failure import BuildError

_TICK_SECONDS = 1.0
# The kernel ends the command when this process dies, even by SIGKILL. On SIGINT and SIGTERM Ansible's worker ends its
# own process group, to which the command and what that started belong.
_ENDS_WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "KILL")


def run(
    command: c.Sequence[str],
    cwd: pathlib.Path,
    environment: dict[str, str],
    on_line: c.Callable[[str], None],
    on_tick: c.Callable[[], None],
) -> int:
    """Returns the exit status; ``on_line`` gets each line it prints, ``on_tick`` is called about every second.

    Raises BuildError when the command cannot be started. Does not return when the playbook is gone.
    """
    with _started([*_ENDS_WITH_ITS_PARENT, *command], cwd, environment) as process:
        try:
            for line in _lines(process, on_tick):
                on_line(line)
        except BaseException:
            process.kill()
            raise
        return process.wait()


def end_with_the_playbook() -> None:
    """Ends Ansible's worker and all that it started when the playbook was killed and could not do so itself."""
    playbook = multiprocessing.parent_process()
    if playbook is not None and playbook.pid != os.getppid():
        os.killpg(0, signal.SIGTERM)


def _started(command: c.Sequence[str], cwd: pathlib.Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - no shell, and no word of the command comes from outside
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        raise BuildError(f"{command[0]} cannot be started: {error.strerror} ({error.filename}).") from error


def _lines(process: subprocess.Popen[bytes], on_tick: c.Callable[[], None]) -> c.Iterator[str]:
    if process.stdout is None:
        return
    rest = b""
    next_tick = time.monotonic() + _TICK_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=max(0.0, next_tick - time.monotonic())):
                chunk = os.read(process.stdout.fileno(), 65536)
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (line.decode(errors="replace").rstrip() for line in lines)
                if not chunk:
                    break
            if time.monotonic() >= next_tick:
                end_with_the_playbook()
                on_tick()
                next_tick = time.monotonic() + _TICK_SECONDS
    if rest:
        yield rest.decode(errors="replace").rstrip()
