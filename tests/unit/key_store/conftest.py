# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real stores in temporary folders, and one way to look at every refusal."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
import typing as t
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultSecret
from ansible_collections.srelab.url_shortener.plugins.plugin_utils._key_store import KeyStore, KeyStoreError

CANARY = "canary-4a1f-never-shown"

OpenStore = t.Callable[..., KeyStore]
Refused = t.Callable[[t.Callable[[], object]], str]


@pytest.fixture
def canary() -> str:
    """A secret that no message, representation, log or output may hold."""
    return CANARY


@pytest.fixture
def open_store(tmp_path: Path) -> OpenStore:
    """Opens the test's store with the given vault ids and passwords; the first id encrypts."""

    def opened(**passwords: str) -> KeyStore:
        passwords = passwords or {"lab": f"password-{CANARY}"}
        ids = [(name, VaultSecret(password.encode())) for name, password in passwords.items()]
        return KeyStore(tmp_path / "state" / "keys", next(iter(passwords)), ids)

    return opened


@pytest.fixture
def store(open_store: OpenStore) -> KeyStore:
    return open_store()


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Refused:
    """Runs what must be refused; returns the message, one line that like all around it tells no secret."""

    def message(action: t.Callable[[], object]) -> str:
        with pytest.raises(KeyStoreError) as caught:
            action()
        output = capfd.readouterr()
        assert CANARY not in _all_that_it_holds(caught.value) + output.out + output.err + caplog.text
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return message


def _all_that_it_holds(error: BaseException) -> str:
    texts = ["".join(traceback.format_exception(error))]
    linked: BaseException | None = error
    while linked is not None:
        texts += [str(linked), repr(linked), repr(linked.args), repr(vars(linked)), repr(getattr(linked, "object", ""))]
        linked = linked.__cause__ or linked.__context__
    return "\n".join(texts)


class Commands:
    """Ansible's own commands, apart from the user's configuration."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "ansible.cfg").touch()
        collections = Path(__file__).parents[3] / "collections"
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")} | {
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder / "ansible-home"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "LC_ALL": "C.UTF-8",
        }

    def run(self, command: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """The finished command with its output; a failed one is the caller's to judge."""
        return subprocess.run(
            [Path(sys.executable).parent / command, *arguments],
            cwd=self._folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def password_file(self, password: str) -> Path:
        file = self._folder / f"password-{len(list(self._folder.glob('password-*')))}"
        file.write_text(password + "\n")
        return file


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path)
