# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did, layer by layer: the lines of its journal and the table at its end."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime
import json
import os
import pathlib
import textwrap
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._plan import MASK

LAYERS = (
    "preflight",
    "rehearsal",
    "host",
    "cluster",
    "network",
    "gitops",
    "secrets",
    "observability",
    "data",
    "application",
    "handoff",
    "verify",
    "load",
    "chaos",
)
KEPT = 50
TABLE_WIDTH = 100

_MESSAGE_LENGTH = 1000
_MESSAGE_LINES = 10
_LABEL_LENGTH = 200
_NAME_WIDTH = 24

Result = c.Mapping[str, t.Any]
Line = dict[str, t.Any]
Clock = t.Callable[[], float]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one task ended on one host; ``result`` is as Ansible gives it to callbacks: censored where no_log is set."""

    host: str
    task: str
    status: t.Literal["ok", "failed", "unreachable", "skipped"]
    result: Result
    seconds: float = 0.0
    ignored: bool = False


@dataclasses.dataclass(frozen=True)
class Gate:
    """What a task waited for, and how long."""

    waited_for: str
    seconds: float


@dataclasses.dataclass
class Layer:
    """One row of the table: what happened under one layer in the whole run."""

    name: str
    result: str = "skipped"
    changed: int = 0
    seconds: float = 0.0
    gates: list[Gate] = dataclasses.field(default_factory=list)


class Run:
    """Follows one playbook: events come in, lines of the journal go to ``write``, layers are summed up for the table.

    ``clock`` gives seconds that only grow. A layer exists from its first task on, and its time counts from the start
    of that task's play: a play from which the tags leave nothing to do appears nowhere.
    """

    def __init__(self, write: t.Callable[[Line], None], clock: Clock) -> None:
        self._write = write
        self._clock = clock
        self._started = clock()
        self._layers: dict[str, Layer] = {}
        self._last_failure: dict[str, Layer] = {}
        self._wanted = ""
        self._wanted_since = self._started
        self._open: Layer | None = None

    def play(self, name: str, tags: c.Iterable[str]) -> None:
        """A play starts; the layer it belongs to is closed unless the play belongs to the same one."""
        wanted = layer_of(name, tags)
        if self._open and self._open.name == wanted:
            return
        self._close_layer()
        self._wanted, self._wanted_since = wanted, self._clock()

    def begin(self) -> None:
        """A task starts: the play has work to do, so its layer is opened."""
        if not self._open:
            self._open = self._layers.setdefault(self._wanted, Layer(self._wanted))
            self._write({"event": "layer_start", "layer": self._open.name})

    def task(self, outcome: Outcome) -> None:
        """A task ended on one host; ignored when no task began in this play and nothing failed."""
        if outcome.status in ("failed", "unreachable"):
            self.begin()
        if not self._open:
            return
        layer = self._open
        where = {"layer": layer.name, "host": outcome.host, "task": outcome.task}
        spent = {"seconds": round(outcome.seconds, 3)}
        if outcome.status != "skipped" and layer.result == "skipped":
            layer.result = "ok"
        for gate in gates(outcome.result):
            layer.gates.append(gate)
            self._write({"event": "gate", **where, "waited_for": gate.waited_for, "seconds": round(gate.seconds, 3)})
        if is_changed(outcome.result):
            objects = changed_objects(outcome.result)
            layer.changed += len(objects) or 1
            self._write({"event": "changed", **where, "objects": objects, **spent})
        if outcome.status in ("failed", "unreachable"):
            self._last_failure[outcome.host] = layer
            self._write(
                {
                    "event": outcome.status,
                    **where,
                    "message": message(outcome.result),
                    "ignored": outcome.ignored,
                    **spent,
                }
            )

    def end(self, lost_hosts: c.Iterable[str]) -> list[Layer]:
        """The playbook ended; returns the layers in the order in which they began.

        ``lost_hosts`` are those that Ansible's own statistics count as failed or unreachable: a failure that a rescue
        mended or that was ignored is in the journal, but its layer has not failed.
        """
        self._close_layer()
        for layer in self._layers.values():
            if layer.changed:
                layer.result = "changed"
        for host in lost_hosts:
            if host in self._last_failure:
                self._last_failure[host].result = "failed"
        layers = list(self._layers.values())
        self._write(
            {
                "event": "run_end",
                "seconds": round(self._clock() - self._started, 3),
                "changed": sum(layer.changed for layer in layers),
                "layers": [{**dataclasses.asdict(layer), "seconds": round(layer.seconds, 3)} for layer in layers],
            }
        )
        return layers

    def _close_layer(self) -> None:
        if self._open:
            seconds = self._clock() - self._wanted_since
            self._open.seconds += seconds
            self._write({"event": "layer_end", "layer": self._open.name, "seconds": round(seconds, 3)})
            self._open = None


class Journal:
    """The file of one run: a JSON object a line, on disk as soon as it is written, readable by its owner alone.

    Never raises for a file system that refuses: it calls ``warn`` once with a sentence and drops what follows.
    """

    def __init__(self, warn: t.Callable[[str], None]) -> None:
        self._warn = warn
        self._file: t.BinaryIO | None = None
        self.path: pathlib.Path | None = None

    def open(self, state_dir: pathlib.Path) -> None:
        """Starts ``<state_dir>/journal/<UTC time>-<process>.jsonl``; the newest ``KEPT`` journals stay."""
        folder = state_dir / "journal"
        path = folder / f"{_now():%Y%m%dT%H%M%S.%fZ}-{os.getpid()}.jsonl"
        try:
            state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
            for old in sorted(folder.glob("*Z-*.jsonl"))[:-KEPT]:
                old.unlink(missing_ok=True)
        except OSError as error:
            self._give_up(error, path)
        else:
            self.path = path

    def write(self, line: Line) -> None:
        """Adds one line with the time of day (``at``, UTC); does nothing when there is no journal."""
        if self._file and self.path:
            text = json.dumps({"at": _now().isoformat(timespec="milliseconds"), **line}, ensure_ascii=False)
            try:
                self._file.write(text.encode("utf-8", "backslashreplace") + b"\n")
            except OSError as error:
                self._give_up(error, self.path)

    def close(self) -> None:
        """Ends the journal; what is written afterwards is dropped."""
        if self._file:
            self._file.close()
            self._file = None

    def _give_up(self, error: OSError, path: pathlib.Path) -> None:
        self.close()
        self.path = None
        self._warn(f"The journal of this run is missing or incomplete, the run goes on: {error.strerror} ({path})")


def layer_of(play_name: str, play_tags: c.Iterable[str]) -> str:
    """The layer that a play belongs to: the layer's tag that it carries, else the play's own name."""
    return next((tag for tag in play_tags if tag in LAYERS), play_name)


def is_changed(result: Result) -> bool:
    """True when the task, or an item of its loop, changed something."""
    return bool(result.get("changed")) or any(item.get("changed") for item in _items(result))


def changed_objects(result: Result) -> list[str]:
    """Names of what a task changed: the ``objects`` of a plan, else the changed items of a loop, else nothing."""
    names: list[str] = []
    for number, item in enumerate(_items(result), start=1):
        if item.get("changed"):
            names.extend(_objects(item) or [_label(item, number)])
    return names or _objects(result)


def gates(result: Result) -> list[Gate]:
    """What the task waited for, as it says itself: ``lab_gate: {waited_for: text, seconds: number}``."""
    found = []
    for part in [result, *_items(result)]:
        gate = part.get("lab_gate")
        if isinstance(gate, c.Mapping):
            found.append(Gate(str(gate["waited_for"]), float(gate["seconds"])))
    return found


def message(result: Result) -> str:
    """First lines of a failure's message and of its failed items' messages, 1000 characters at the most."""
    parts = [_message(result)]
    for number, item in enumerate(_items(result), start=1):
        if item.get("failed") or item.get("unreachable"):
            parts.append(f"{_label(item, number)}: {_message(item)}")
    lines = "\n".join(parts).strip().splitlines()[:_MESSAGE_LINES]
    return "\n".join(lines)[:_MESSAGE_LENGTH]


def table(layers: c.Sequence[Layer], check: bool) -> list[str]:
    """The run's table, one text a line, none wider than ``TABLE_WIDTH``; in check mode changes are those to come."""
    header = ("layer", "result", "changes", "seconds")
    rows = [
        (_cut(layer.name), _shown_result(layer.result, check), str(layer.changed), f"{layer.seconds:.1f}")
        for layer in layers
    ]
    name, result, changes, seconds = (max(map(len, column)) for column in zip(header, *rows, strict=True))

    def line(cells: tuple[str, str, str, str], waited: str) -> str:
        text = f"{cells[0]:<{name}}  {cells[1]:<{result}}  {cells[2]:>{changes}}  {cells[3]:>{seconds}}  {waited}"
        return text.rstrip()

    room = TABLE_WIDTH - len(line(header, "|")) + 1
    lines = [line(header, "waited for")]
    for row, layer in zip(rows, layers, strict=True):
        waits = [f"{gate.waited_for} ({gate.seconds:.1f} s)" for gate in layer.gates]
        first, *more = [part for wait in waits for part in textwrap.wrap(wait, room)] or [""]
        lines.append(line(row, first))
        lines.extend(line(("", "", "", ""), part) for part in more)
    return lines


def _shown_result(result: str, check: bool) -> str:
    return "would change" if check and result == "changed" else result


def _cut(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= _NAME_WIDTH else name[: _NAME_WIDTH - 3] + "..."


def _items(result: Result) -> list[Result]:
    items = result.get("results")
    return [item for item in items if isinstance(item, c.Mapping)] if isinstance(items, list) else []


def _objects(result: Result) -> list[str]:
    objects = result.get("objects")
    return [str(name) for name in objects] if isinstance(objects, list) else []


def _label(item: Result, number: int) -> str:
    label = item.get("_ansible_item_label")
    # A mapping or a list may carry more than a name.
    return str(label)[:_LABEL_LENGTH] if isinstance(label, str | int) else f"item {number}"


def _message(result: Result) -> str:
    if "censored" in result:
        return MASK
    return str(result.get("msg", ""))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
