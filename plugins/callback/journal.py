# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands Ansible's events to the journal and prints the table of layers."""

# Ansible wants the documentation above the imports.
# ruff: noqa: E402

from __future__ import annotations

DOCUMENTATION = r"""
name: journal
type: aggregate
short_description: Journal of a run and a table of its layers
version_added: "0.1.0"
author: The URL Shortener SRE Lab authors (@srelab)
description:
  - Writes a journal of each run, one JSON object a line, to C(journal/) in the lab's state folder.
    That is the variable C(lab_state_dir) of localhost, else C(.state) beside the inventory.
  - Each line is on disk as soon as it is written, so that an interrupted run leaves its trace.
    Only the owner can read the files. The newest 50 are kept.
  - The journal holds what changed, what failed, what each gate waited for and how long it took.
    It holds neither the values of extra variables nor anything of a task with C(no_log).
  - Prints a table of the layers after the recap, when the output is that of the default callback.
  - In check mode it writes nothing and prints the table.
  - A journal that cannot be written is a warning. It does not end the run.
requirements:
  - Enable it with C(callbacks_enabled) in ansible.cfg, as the configuration of a clone does.
"""

import json
import os
import pathlib
import re
import time
import typing as t

from ansible import constants as C  # noqa: N812
from ansible import context
from ansible.errors import AnsibleError
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__ as ansible_version
from ansible_collections.srelab.url_shortener.plugins.plugin_utils._journal import Journal, Outcome, Run, table

# Ansible runs these whichever tags are asked for: a layer of which nothing else runs was not asked for.
SETUP_ACTIONS = ("ansible.builtin.gather_facts", "ansible.builtin.setup", "ansible.builtin.validate_argument_spec")


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "srelab.url_shortener.journal"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        self._playbook = pathlib.Path(playbook._file_name or "ad hoc command").name
        self._check = bool(context.CLIARGS.get("check"))
        self._journal = Journal(self._display.warning)
        self._run = Run(self._journal.write, time.monotonic)
        self._begun: dict[tuple[str, str], float] = {}
        self._first_play = True

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        if self._first_play and not self._check:
            self._open_journal(play)
        self._first_play = False
        self._run.play(play.get_name(), play.tags)

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        self._begun[host.get_name(), task._uuid] = time.monotonic()
        if task.resolved_action not in SETUP_ACTIONS:
            self._run.begin()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._task(result, "ok")

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._task(result, "skipped")

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool | None = False) -> None:
        self._task(result, "failed", bool(ignore_errors))

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._task(result, "unreachable", bool(result.task_fields.get("ignore_unreachable")))

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        layers = self._run.end(lost_hosts=[*stats.failures, *stats.dark])
        self._journal.close()
        # Another callback's output may be read by a program.
        if layers and C.DEFAULT_STDOUT_CALLBACK in ("default", "ansible.builtin.default"):
            self._display.banner("LAYERS (check mode: nothing was changed)" if self._check else "LAYERS")
            for line in table(layers, self._check):
                self._display.display(line)
            if self._journal.path:
                self._display.display(f"\nJournal: {os.path.relpath(self._journal.path)}")

    def _task(self, result: t.Any, status: t.Any, ignored: bool = False) -> None:
        host = result.host.get_name()
        now = time.monotonic()
        self._run.task(
            Outcome(
                host=host,
                task=result.task.get_name(),
                status=status,
                result=result.result,
                seconds=now - self._begun.pop((host, result.task._uuid), now),
                ignored=ignored,
            )
        )

    def _open_journal(self, play: t.Any) -> None:
        try:
            folder = _state_dir(play)
        except AnsibleError as error:
            self._display.warning(f"This run has no journal: lab_state_dir has no value ({error.message})")
            return
        if folder is None:
            self._display.warning("This run has no journal: the inventory has no folder and lab_state_dir is not set")
            return
        self._journal.open(folder)
        self._journal.write(
            {
                "event": "run_start",
                "playbook": self._playbook,
                "inventory": list(context.CLIARGS.get("inventory") or []),
                "tags": list(context.CLIARGS.get("tags") or []),
                "skip_tags": list(context.CLIARGS.get("skip_tags") or []),
                "limit": context.CLIARGS.get("subset"),
                "check": self._check,
                "ansible_version": ansible_version,
                "collection_version": _collection_version(pathlib.Path(__file__).parents[2]),
            }
        )


def _state_dir(play: t.Any) -> pathlib.Path | None:
    variables = play.get_variable_manager().get_vars(play=play)["hostvars"]["localhost"]
    if variables.get("lab_state_dir"):
        return pathlib.Path(variables["lab_state_dir"]).expanduser()
    # A localhost that no inventory declares has no inventory_dir; with a list of hosts (-i localhost,) it is the text
    # "None".
    named = [str(variables.get("inventory_dir")), *(variables.get("ansible_inventory_sources") or [])]
    existing = [source for source in map(pathlib.Path, named) if source.exists()]
    return next(((source if source.is_dir() else source.parent) / ".state" for source in existing), None)


def _collection_version(root: pathlib.Path) -> str:
    manifest = root / "MANIFEST.json"
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    found = re.search(r"^version: *(\S+)", (root / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else ""
