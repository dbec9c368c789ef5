# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of `postgresql_grants`; documented in plugins/modules/postgresql_grants.py."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants import driver, runner
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.declaration import read_grants
from ansible_collections.srelab.url_shortener.plugins.module_utils._grants.model import GrantsError
from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors

_OPTIONS: dict[str, t.Any] = {
    "grants": {"type": "raw", "required": True},
    "dsn": {"type": "str", "required": True, "no_log": True},
    "exclusive": {"type": "bool", "default": False},
    "absent": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
    "timeout": {"type": "int", "default": 60},
}


class ActionModule(ActionBase):
    """Runs on the control node, which has the driver and, later, the way into the operator's pod."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(_OPTIONS)
        if driver.MISSING_LIBRARY:
            raise AnsibleActionFail(f"Ansible's Python lacks psycopg 3: {driver.MISSING_LIBRARY}")
        try:
            return result | self._outcome(options)
        except GrantsError as error:
            raise AnsibleActionFail(str(error)) from None

    def _outcome(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        errors = InputErrors()
        declaration = read_grants(options["grants"], errors)
        if options["timeout"] < 1:
            errors.add("timeout", options["timeout"], "a number of seconds from 1 on")
        if errors:
            raise GrantsError(errors.message("Grants"))
        task = runner.Task(
            declaration=declaration,
            exclusive=options["exclusive"],
            skip_absent=options["absent"] == "skip",
            check=self._task.check_mode,
            timeout_s=options["timeout"],
        )
        return runner.run(task, driver.DsnServer(options["dsn"])).result()
