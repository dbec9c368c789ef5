# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rehearsal's script that makes and prints its own vault password."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "inventory" / "rehearsal" / "vault-password"


@pytest.fixture
def script(tmp_path):
    """The script in an inventory folder of its own, in a path with a space."""
    folder = tmp_path / "my lab" / "rehearsal"
    folder.mkdir(parents=True)
    (folder / "hosts.yml").write_text("all:\n  hosts:\n    localhost:\n")
    return Path(shutil.copy(SCRIPT, folder))


def _printed(script, *arguments, mask="022"):
    command = ["/bin/sh", "-c", f'umask {mask}; exec "$@"', "sh", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize("mask", ["000", "022", "077"])
def test_the_first_call_makes_a_password_that_only_the_user_can_read(script, mask):
    password = _printed(script, mask=mask)
    file = script.parent / ".state" / "vault-password"
    assert len(password.strip()) == 64
    assert file.read_text() == password == _printed(script)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_two_labs_have_two_passwords(script, tmp_path):
    other = Path(shutil.copy(script, tmp_path))
    assert _printed(script) != _printed(other)


def test_first_calls_at_once_print_the_same_password(script):
    calls = [subprocess.Popen([script], stdout=subprocess.PIPE, text=True) for _number in range(8)]
    passwords = {call.communicate(timeout=60)[0] for call in calls}
    assert passwords == {(script.parent / ".state" / "vault-password").read_text()}


def test_a_folder_that_takes_no_file_fails_without_a_password(script):
    (script.parent / ".state").write_text("in the way")
    finished = subprocess.run([script], capture_output=True, text=True, timeout=60, check=False)
    assert finished.returncode != 0
    assert finished.stdout == ""
    assert ".state" in finished.stderr


def test_ansible_does_not_show_the_password_when_it_reads_the_inventory_folder(script, commands):
    password = _printed(script).strip()
    finished = commands.run("ansible-inventory", "-i", script.parent, "--list", "-vvvvv")
    assert finished.returncode == 0
    assert password not in finished.stdout + finished.stderr
    assert "WARNING" not in finished.stderr


@pytest.mark.parametrize("arguments", [["--list"], ["--host", "localhost"], ["--vault-id", "rehearsal"]])
def test_a_call_with_arguments_gets_no_password(script, arguments):
    assert _printed(script, *arguments) == '{"_meta": {"hostvars": {}}}\n'
    assert not (script.parent / ".state").exists()


def test_ansible_vault_encrypts_and_decrypts_with_it(script, commands, tmp_path):
    identity = f"rehearsal@{script}"
    file = tmp_path / "secret.vault"
    encrypted = commands.run("ansible-vault", "encrypt_string", "--vault-id", identity, "--output", file, "text")
    assert encrypted.returncode == 0, encrypted.stderr
    _tag, _bar, envelope = file.read_text().partition("|\n")
    file.write_text("".join(line.strip() + "\n" for line in envelope.splitlines()))
    assert file.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;rehearsal\n")
    viewed = commands.run("ansible-vault", "view", "--vault-id", identity, file)
    assert viewed.stdout.strip() == "text"
