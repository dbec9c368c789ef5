# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small declared rehearsal for the tests of this folder."""

from __future__ import annotations

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import model


@pytest.fixture
def make_rehearsal(tmp_path):
    """A rehearsal of two servers, with a part of it replaced."""

    def make(**replaced):
        parts = {
            "layout": model.Layout(tmp_path / "state"),
            "supervisor_port": 26440,
            "certificates": (
                model.Certificate("etcd", "etcd", "etcd", "rehearsal", ("127.0.0.1", "localhost")),
                model.Certificate("admin", "kubernetes", "kubernetes-admin", "system:masters", ("admin",)),
            ),
            "signing_keys": ("service-account",),
            "files": (model.File("kubeconfig", "users: []\n", 0o600, False),),
            "servers": (make_server("etcd", pki=("etcd",)), make_server("api", 26442, pki=("admin",), after=("etcd",))),
        }
        return model.Rehearsal(**(parts | replaced))

    return make


def make_server(name, port=26441, **replaced):
    parts = {
        "name": name,
        "command": (f"/usr/bin/{name}", "--flag"),
        "environment": {},
        "files": (),
        "ports": {f"rehearsal_{name}_port": port},
        "pki": (),
        "ready": model.Ready(f"https://127.0.0.1:{port}/", "etcd", "etcd", ""),
        "after": (),
    }
    return model.Server(**(parts | replaced))


@pytest.fixture(scope="session", name="make_server")
def _make_server():
    return make_server
