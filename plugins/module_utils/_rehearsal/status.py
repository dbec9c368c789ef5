# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs of the rehearsal, for a reader."""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import ports
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.files import read_text
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.model import Layout
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.servers import Live
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.supervisor import RUNNING

_HEADINGS = ("server", "state", "pid", "since", "ports", "restarts")
_LAUNCHED = "supervisord started with pid"
_EXITED = re.compile(r" exited: (\S+) \(.*not expected\)")


@dataclasses.dataclass(frozen=True)
class Row:
    """One server; ``since`` is local time (ISO 8601, "" when it does not run), ``restarts`` counts those after an
    exit that nobody asked for, since supervisord started."""

    name: str
    state: str
    pid: int
    since: str
    ports: list[int]
    restarts: int

    def cells(self) -> tuple[str, ...]:
        """The texts of a table's line."""
        listening = " ".join(map(str, self.ports))
        return (self.name, self.state, str(self.pid or "-"), self.since or "-", listening or "-", str(self.restarts))


def rows(layout: Layout, live: Live) -> list[Row]:
    """One row for each server that supervisord knows, in start order; none when it does not run."""
    exits = unexpected_exits(read_text(layout.supervisor / "supervisord.log") or "")
    return [
        Row(
            name=process.name,
            state=process.state.lower(),
            pid=process.pid,
            since=_local(process.since) if process.state in RUNNING else "",
            ports=ports.listening(process.pid),
            restarts=exits.get(process.name, 0),
        )
        for process in live.processes.values()
    ]


def unexpected_exits(log: str) -> dict[str, int]:
    """How often each program has exited by itself since the last start that supervisord's log tells of."""
    exits: dict[str, int] = {}
    for name in _EXITED.findall(log[max(log.rfind(_LAUNCHED), 0) :]):
        exits[name] = exits.get(name, 0) + 1
    return exits


def table(lines: t.Sequence[Row]) -> str:
    """The rows under their headings, in aligned columns."""
    cells = [_HEADINGS, *(line.cells() for line in lines)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def _local(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ")
