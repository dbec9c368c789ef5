# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the rehearsal's servers; documented in plugins/modules/rehearsal_servers_info.py."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import servers, status
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.arguments import STATE_DIR
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.model import RehearsalError, layout_of


class ActionModule(ActionBase):
    """Runs on the control node."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(STATE_DIR)
        layout = layout_of(options["state_dir"])
        try:
            rows = status.rows(layout, servers.look(layout))
        except RehearsalError as error:
            return result | {"failed": True, "msg": str(error)}
        Display().display(status.table(rows) if rows else "rehearsal: it does not run")
        return result | {"changed": False, "servers": [dataclasses.asdict(row) for row in rows]}
