# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check-mode contract: what --check names is what the next run changes, and the run after that changes nothing.

``prove()`` runs a playbook with --check --diff, then for real, then again, and compares the objects that each run
changed. An object is named by the task's result where it lists ``objects``, by kind, namespace and name for
kubernetes.core.k8s, by its path for files, else by the task's name and the item's label.
"""

from __future__ import annotations

import base64
import collections.abc as c
import dataclasses
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent
CALLBACKS = ROOT / "tests" / "contract_callback"
FILE_ACTIONS = ("ansible.builtin.copy", "ansible.builtin.file", "ansible.builtin.template")
LIMIT_SECONDS = 1800

Record = dict[str, t.Any]


class Changed(t.NamedTuple):
    """One object that a run changed, or in check mode would change."""

    host: str
    object: str


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a playbook: exit status, output, seconds, and a record of each task, host and item."""

    name: str
    returncode: int
    stdout: str
    stderr: str
    seconds: float
    records: list[Record]

    @property
    def changed(self) -> dict[Changed, Record]:
        """The objects that changed, each with the record of the task that did it."""
        return {
            Changed(record["host"], name): record
            for record in self.records
            if record["result"].get("changed") and not record["loop"]
            for name in object_names(record)
        }

    def states(self, host: str, task: str) -> str:
        """How a task ended on a host ("skipped", "ok, ok"), or that it did not run."""
        found = [
            record["status"]
            for record in self.records
            if (record["host"], record["task"]) == (host, task) and not record["loop"]
        ]
        return ", ".join(found) or "not run"


class Proof(t.NamedTuple):
    """The three runs, for further assertions."""

    check: Run
    real: Run
    again: Run


def prove(
    playbook: str | os.PathLike[str],
    inventory: str | os.PathLike[str],
    *,
    extra_vars: c.Mapping[str, t.Any] | None = None,
    canaries: c.Collection[str] = (),
    tags: c.Iterable[str] = (),
    would_be: c.Collection[str] | None = None,
    untouched: c.Iterable[str | os.PathLike[str]] = (),
    env: c.Mapping[str, str] | None = None,
) -> Proof:
    """Runs the playbook three times and raises AssertionError with everything that breaks the contract.

    ``canaries`` are secrets (8 characters or more) that no output may show. ``would_be`` are the names of exactly the
    objects that the first run must build; without it, a playbook that changes nothing is an error, since it proves
    nothing. ``untouched`` are files and folders that the check run must leave as they are; parts of the inventory's
    own .state are best named one by one. ``extra_vars`` reach Ansible in a file, never in an argument list.
    """
    command = [str(playbook), "-i", str(inventory), *(word for tag in tags for word in ("--tags", tag))]
    before = listing(untouched)
    with tempfile.TemporaryDirectory(prefix="contract-") as scratch:
        play = _Player(pathlib.Path(scratch), command, extra_vars or {}, env or {})
        check = play("check run", "--check")
        touched = differences(before, listing(untouched))
        proof = Proof(check, play("real run"), play("second run"))
    complaints = broken(proof, canaries=canaries, would_be=would_be, touched=touched)
    assert not complaints, "\n\n".join(["The check-mode contract is broken.", *complaints])
    return proof


def broken(
    proof: Proof,
    *,
    canaries: c.Collection[str] = (),
    would_be: c.Collection[str] | None = None,
    touched: c.Sequence[str] = (),
) -> list[str]:
    """What breaks the contract, one text each; empty when it holds."""
    check, real, again = proof
    complaints = [
        f"The {run.name} ended with {run.returncode}:\n{run.stdout[-3000:]}\n{run.stderr[-1500:]}"
        for run in proof
        if run.returncode
    ]
    complaints += _differ(
        "Changed for real, but not named by the check run",
        [_told(key, real, check) for key in real.changed.keys() - check.changed.keys()],
    )
    complaints += _differ(
        "Named by the check run, but not changed for real",
        [_told(key, check, real) for key in check.changed.keys() - real.changed.keys()],
    )
    complaints += _differ("Changed again by the second run", [_told(key, again, real) for key in again.changed])
    complaints += _differ("Changed on the file system by the check run", touched)
    if would_be is None and not real.changed and not any(run.returncode for run in proof):
        complaints.append("The real run changed nothing, which proves nothing (would_be=() says that it is meant)")
    if would_be is not None:
        named = {key.object for key in check.changed}
        complaints += _differ("Expected, but not named by the check run", set(would_be) - named)
        complaints += _differ("Named by the check run, but not expected", named - set(would_be))
    return complaints + leaks(proof, canaries)


def object_names(record: Record) -> list[str]:
    """Names of what one record's task worked on, equal in check mode and for real."""
    result = record["result"]
    if result.get("objects"):
        return [str(name) for name in result["objects"]]
    if record["action"] == "kubernetes.core.k8s" and (documents := _documents(result)):
        return documents
    if record["action"] in FILE_ACTIONS and record["file"]:
        return [record["file"]]
    label = result.get("_ansible_item_label")
    return [record["task"] if label is None else f"{record['task']} [{label}]"]


def leaks(runs: c.Iterable[Run], canaries: c.Collection[str]) -> list[str]:
    """Where a canary shows: plain, escaped as in JSON, or inside Base64. The texts name a canary by its number only."""
    found = []
    for number, canary in enumerate(canaries, start=1):
        if len(canary) < 8:
            raise ValueError("a canary of fewer than 8 characters may be found by chance")
        for run in runs:
            tasks = [(f"the result of task {record['task']!r}", json.dumps(record)) for record in run.records]
            places = [("stdout", run.stdout), ("stderr", run.stderr), *tasks]
            hits = [place for place, text in places if any(form in text for form in _forms(canary))]
            if hits:
                found.append(f"Canary {number} of {len(canaries)} is shown by the {run.name}: {', '.join(hits)}")
    return found


def listing(paths: c.Iterable[str | os.PathLike[str]]) -> dict[str, str]:
    """Path -> mode, size, time of change and digest of each file and folder in and under the paths; "absent"."""
    found = {}
    for path in map(pathlib.Path, paths):
        for part in [path, *sorted(path.rglob("*"))]:
            found[str(part)] = _described(part)
    return found


def differences(before: c.Mapping[str, str], after: c.Mapping[str, str]) -> list[str]:
    """One text for each path that appeared, went away or is another."""
    return [
        f"{path}: {before.get(path, 'absent')} -> {after.get(path, 'absent')}"
        for path in sorted(before.keys() | after.keys())
        if before.get(path, "absent") != after.get(path, "absent")
    ]


class _Player:
    """Runs one playbook time and again; files of the runs go to ``scratch``."""

    def __init__(
        self,
        scratch: pathlib.Path,
        command: list[str],
        extra_vars: c.Mapping[str, t.Any],
        env: c.Mapping[str, str],
    ) -> None:
        self._scratch = scratch
        variables = scratch / "extra_vars.json"
        variables.touch(mode=0o600)
        variables.write_text(json.dumps(extra_vars), encoding="utf-8")
        self._command = [sys.executable, "-m", "ansible", "playbook", *command, "--diff", "-e", f"@{variables}"]
        self._env = {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_STDOUT_CALLBACK": "default",
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "PYTHONDONTWRITEBYTECODE": "1",
            **env,
        }

    def __call__(self, name: str, *options: str) -> Run:
        record, stdout, stderr = (self._scratch / f"{name} {kind}" for kind in ("record", "stdout", "stderr"))
        record.touch()
        begun = time.monotonic()
        # Files, not pipes: a server that the playbook starts may inherit them, and would keep a pipe open.
        with stdout.open("wb") as out, stderr.open("wb") as err:
            returncode = _wait(
                subprocess.Popen(
                    [*self._command, *options],
                    cwd=ROOT,
                    env={**self._env, "CONTRACT_RECORD": str(record)},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                )
            )
        return Run(
            name=name,
            returncode=returncode,
            stdout=stdout.read_text(encoding="utf-8", errors="replace"),
            stderr=stderr.read_text(encoding="utf-8", errors="replace"),
            seconds=time.monotonic() - begun,
            records=[json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()],
        )


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(timeout=LIMIT_SECONDS)
    except BaseException:
        # Ansible ends its workers, which are sessions of their own, when it is asked to end; a kill would leave them.
        process.terminate()
        process.wait(timeout=60)
        raise


def _documents(result: c.Mapping[str, t.Any]) -> list[str]:
    parts = result["result"].get("results") if isinstance(result.get("result"), dict) else None
    names = []
    for part in [result] if parts is None else [part for part in parts if part.get("changed")]:
        document = part.get("result") or {}
        metadata = document.get("metadata") or {}
        # Deleting answers with a Status, which has no name: the task's name then stands for it.
        if metadata.get("name"):
            names.append("/".join(filter(None, (document["kind"], metadata.get("namespace"), metadata["name"]))))
    return names


def _told(key: Changed, by: Run, other: Run) -> str:
    task = by.changed[key]["task"]
    return f"{key.host}: {key.object} (task {task!r}; {other.name}: {other.states(key.host, task)})"


def _differ(headline: str, lines: c.Iterable[str]) -> list[str]:
    listed = sorted(lines)
    return ["\n".join([f"{headline}:", *(f"  - {line}" for line in listed)])] if listed else []


def _forms(canary: str) -> set[str]:
    raw = canary.encode()
    forms = {canary, json.dumps(canary)[1:-1], json.dumps(canary, ensure_ascii=False)[1:-1]}
    for shift in range(3):
        # Only the characters that depend on the canary alone, wherever it stands in the encoded text.
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        forms.add(encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6])
    return forms


def _described(path: pathlib.Path) -> str:
    if not os.path.lexists(path):
        return "absent"
    status = path.lstat()
    if path.is_symlink():
        content = f"link to {path.readlink()}"
    elif path.is_file():
        content = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    else:
        content = "folder" if path.is_dir() else "special"
    return f"mode {status.st_mode:o}, {status.st_size} bytes, changed {status.st_mtime_ns}, {content}"
