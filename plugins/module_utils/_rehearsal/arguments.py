# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the actions `rehearsal_servers`, `rehearsal_servers_info` and `rehearsal_nodes`."""

from __future__ import annotations

import typing as t

_TEXT: dict[str, t.Any] = {"type": "str", "required": True}
_NUMBER: dict[str, t.Any] = {"type": "int", "required": True}
_TEXTS: dict[str, t.Any] = {"type": "list", "elements": "str", "default": []}
_MAPPING: dict[str, t.Any] = {"type": "dict", "default": {}}

_FILES: dict[str, t.Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "path": _TEXT,
        "content": _TEXT,
        "mode": {"type": "str", "default": "0600"},
        "secret": {"type": "bool", "default": False},
    },
}

_READY: dict[str, t.Any] = {
    "type": "dict",
    "required": True,
    "options": {"url": _TEXT, "authority": _TEXT, "certificate": _TEXT, "text": {"type": "str", "default": ""}},
}

_COMPONENT: dict[str, t.Any] = {
    # Of use to rehearsal_binaries alone.
    "build": {"type": "dict"},
    "certificates": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": _TEXT,
            "authority": _TEXT,
            "common_name": _TEXT,
            "organization": {"type": "str", "default": "rehearsal"},
            "names": _TEXTS,
        },
    },
    "signing_keys": _TEXTS,
    "servers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": _TEXT,
            "command": {"type": "list", "elements": "str", "required": True},
            "environment": _MAPPING,
            "files": _FILES,
            "ports": _MAPPING,
            "pki": _TEXTS,
            "ready": _READY,
            "after": _TEXTS,
        },
    },
}

STATE_DIR: dict[str, t.Any] = {"state_dir": {"type": "path", "required": True}}

SERVERS: dict[str, t.Any] = STATE_DIR | {
    "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
    "supervisor_port": {"type": "int"},
    "components": {"type": "list", "elements": "dict", "default": [], "options": _COMPONENT},
    "files": _FILES,
    "timeout": {"type": "int", "default": 120},
}

NODES: dict[str, t.Any] = STATE_DIR | {
    "api_url": _TEXT,
    "authority": _TEXT,
    "certificate": _TEXT,
    "nodes": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": _TEXT,
            "address": _TEXT,
            "role": {"type": "str", "choices": ["server", "agent"], "required": True},
            "cpus": _NUMBER,
            "memory_gb": _NUMBER,
            "disk_gb": _NUMBER,
        },
    },
    "kubelet_version": _TEXT,
    "record": {"type": "path", "required": True},
    "timeout": {"type": "int", "default": 120},
}
