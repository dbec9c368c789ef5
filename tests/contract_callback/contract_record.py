# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes every task's result, a JSON object a line, to the file named by CONTRACT_RECORD; stdout stays the user's."""

from __future__ import annotations

import json
import os
import pathlib

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: contract_record
type: aggregate
short_description: Records the results of tasks for the check-mode contract
description: One line for each task and host, and for each item of a loop.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "contract_record"

    def _record(self, result, status, item=False):
        arguments = result.task_fields.get("args") or {}
        line = {
            "host": result.host.get_name(),
            "task": result.task_name,
            "action": result.task.resolved_action,
            "status": status,
            # The sum of a loop, whose items have records of their own.
            "loop": result.task.loop is not None and not item,
            # Of the arguments only where a file goes: the rest may hold what a no_log task must not show.
            "file": arguments.get("dest") or arguments.get("path"),
            "result": result.result,
        }
        with pathlib.Path(os.environ["CONTRACT_RECORD"]).open("a", encoding="utf-8") as record:
            record.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result):
        self._record(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):  # noqa: ARG002
        self._record(result, "failed")

    def v2_runner_on_skipped(self, result):
        self._record(result, "skipped")

    def v2_runner_on_unreachable(self, result):
        self._record(result, "unreachable")

    def v2_runner_item_on_ok(self, result):
        self._record(result, "ok", item=True)

    def v2_runner_item_on_failed(self, result):
        self._record(result, "failed", item=True)

    def v2_runner_item_on_skipped(self, result):
        self._record(result, "skipped", item=True)
