# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts, stops and removes the rehearsal's servers; documented in plugins/modules/rehearsal_servers.py."""

from __future__ import annotations

import datetime
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.srelab.url_shortener.plugins.module_utils._plan import Plan
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import servers
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.arguments import SERVERS
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.files import locked, make_folder
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.model import (
    Rehearsal,
    RehearsalError,
    from_arguments,
    plain,
)


def tell(text: str) -> None:
    """Shows a line of progress while the task runs."""
    Display().display(f"rehearsal: {text}")


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec=SERVERS, required_if=[("state", "started", ("supervisor_port", "components"))]
        )
        try:
            rehearsal = from_arguments(plain(arguments))
            if arguments["state"] == "started" and not self._task.check_mode:
                make_folder(rehearsal.layout.state)
            with locked(rehearsal.layout.state, tell):
                if arguments["state"] == "started":
                    return self._started(rehearsal, arguments["timeout"])
                return self._ended(rehearsal, arguments["state"])
        except RehearsalError as error:
            return {"failed": True, "msg": str(error)}
        except OSError as error:
            raise AnsibleActionFail(f"The rehearsal's state cannot be written: {error}") from None

    def _started(self, rehearsal: Rehearsal, timeout: int) -> dict[str, t.Any]:
        now = datetime.datetime.now(datetime.UTC)
        there = servers.snapshot(rehearsal)
        plan = servers.plan(rehearsal, there, now)
        servers.check_ports(rehearsal, there, plan)
        if self._task.check_mode:
            return plan.result()
        if plan:
            servers.apply(rehearsal, there, plan, now, tell)
        wait = servers.bring_up(rehearsal, plan, timeout, tell)
        return plan.result() | {"lab_gate": wait.result()}

    def _ended(self, rehearsal: Rehearsal, state: str) -> dict[str, t.Any]:
        there = servers.look(rehearsal.layout)
        plan = servers.stop_plan(there)
        removal = servers.remove_plan(rehearsal) if state == "absent" else Plan()
        if not self._task.check_mode:
            servers.stop(there)
            if removal:
                servers.remove(rehearsal)
        return (plan + removal).result()
