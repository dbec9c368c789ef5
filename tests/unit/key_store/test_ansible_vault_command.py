# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store's files in the hands of the real ansible-vault command."""

from __future__ import annotations

import stat

import pytest


@pytest.fixture
def password_file(commands):
    """The password of the store that `open_store(lab="password")` opens."""
    return commands.password_file("password")


@pytest.fixture
def vault(commands):
    def run(*arguments, **environment):
        finished = commands.run("ansible-vault", *arguments, **environment)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    return run


def test_view_shows_the_value(open_store, password_file, vault):
    store = open_store(lab="password")
    store.put("k3s_token", "grüße\nand more")
    shown = vault("view", "--vault-id", f"lab@{password_file}", store.folder / "k3s_token.vault")
    assert shown == "grüße\nand more\n"


def test_an_edited_value_is_read_without_the_newline_that_editors_add(open_store, password_file, vault, tmp_path):
    store = open_store(lab="password")
    store.put("k3s_token", "old")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho new > "$1"\n')
    editor.chmod(0o755)
    file = store.folder / "k3s_token.vault"
    vault("edit", "--vault-id", f"lab@{password_file}", file, EDITOR=str(editor))
    assert store.get("k3s_token") == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_rekeyed_files_open_with_the_new_password_alone(open_store, password_file, commands, vault, refused):
    store = open_store(lab="password")
    store.put("k3s_token", "one")
    store.put("seal_key", "two")
    new = commands.password_file("new password")
    files = sorted(store.folder.glob("*.vault"))
    vault("rekey", "--vault-id", f"lab@{password_file}", "--new-vault-id", f"lab@{new}", *files)
    rekeyed = open_store(lab="new password")
    assert [rekeyed.get(name) for name in rekeyed.names()] == ["one", "two"]
    assert "does not open" in refused(lambda: store.get("k3s_token"))


@pytest.mark.parametrize("text", ["by hand", "by hand\n"])
def test_the_command_that_a_plain_file_is_answered_with_mends_it(open_store, password_file, vault, refused, text):
    store = open_store(lab="password")
    store.prove_writable()
    file = store.folder / "k3s_token.vault"
    file.write_text(text)
    message = refused(lambda: store.get("k3s_token"))
    command = message.split("ansible-vault ")[1].split()
    assert command == ["encrypt", "--encrypt-vault-id", "lab", str(file)]
    vault(*command, "--vault-id", f"lab@{password_file}")
    assert store.get("k3s_token") == "by hand"


def test_a_value_encrypted_without_a_vault_id_opens_too(open_store, password_file, vault):
    store = open_store(lab="password")
    store.prove_writable()
    file = store.folder / "k3s_token.vault"
    file.write_text("by hand\n")
    vault("encrypt", "--vault-password-file", password_file, file)
    assert file.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert store.get("k3s_token") == "by hand"
