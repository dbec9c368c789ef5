# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the rehearsal's simulated nodes and waits for them; documented in plugins/modules/rehearsal_nodes.py."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import nodes
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.arguments import NODES
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.https import Credentials
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.model import (
    Layout,
    RehearsalError,
    layout_of,
    plain,
)


class ActionModule(ActionBase):
    """Runs on the control node."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(NODES)
        layout = layout_of(options["state_dir"])
        api = nodes.NodeApi(options["api_url"], _credentials(layout, options))
        try:
            return result | self._apply(api, options)
        except RehearsalError as error:
            raise AnsibleActionFail(str(error)) from None
        except OSError as error:
            raise AnsibleActionFail(f"The API server at {options['api_url']} does not answer: {error}") from None

    def _apply(self, api: nodes.NodeApi, options: dict[str, t.Any]) -> dict[str, t.Any]:
        record = pathlib.Path(options["record"])
        wanted = [nodes.manifest_of(node, options["kubelet_version"]) for node in plain(options["nodes"])]
        if self._task.check_mode:
            return nodes.plan(wanted, nodes.live_or_recalled(api, record)).result()
        live = api.nodes()
        plan = nodes.plan(wanted, live)
        nodes.apply(wanted, live, plan, api)
        nodes.remember(record, wanted)
        wait = nodes.wait_until_ready(api, wanted, options["timeout"], _tell)
        return plan.result() | {"lab_gate": wait.result()}


def _credentials(layout: Layout, options: dict[str, t.Any]) -> Credentials:
    return Credentials(
        authority=layout.authority(options["authority"]),
        certificate=layout.certificate(options["certificate"]),
        key=layout.key(options["certificate"]),
    )


def _tell(text: str) -> None:
    Display().display(f"rehearsal: {text}")
