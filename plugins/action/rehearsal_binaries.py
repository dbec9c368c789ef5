# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of `rehearsal_binaries`: reads the options, runs the plan, words the result."""

from __future__ import annotations

import os
import pathlib
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import binaries
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.cache import default_cache_dir
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.failure import BuildError

_OPTIONS: dict[str, t.Any] = {
    "builds": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "module_dir": {"type": "path", "required": True},
            "binaries": {"type": "dict", "required": True},
            "ldflags": {"type": "str"},
        },
    },
    "go_requirement": {"type": "path"},
    "cache_dir": {"type": "path"},
    "path": {"type": "path"},
}


class ActionModule(ActionBase):
    """Builds on the control node, or looks into a folder of ready binaries."""

    _supports_check_mode = True
    _supports_diff = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(_OPTIONS, required_one_of=[("go_requirement", "path")])
        try:
            if options["path"]:
                return result | binaries.ready(options["builds"], pathlib.Path(options["path"]))
            cache_dir = pathlib.Path(options["cache_dir"] or default_cache_dir(os.environ))
            return result | binaries.built(
                options["builds"],
                pathlib.Path(options["go_requirement"]),
                cache_dir,
                check_mode=self._task.check_mode,
                say=Display().display,
            )
        except BuildError as error:
            return result | {"failed": True, "msg": str(error)}
