# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key store on a disk that is really full and on one that is really read-only."""

from __future__ import annotations

import os
import subprocess

import pytest
from ansible.parsing.vault import VaultSecret
from ansible_collections.srelab.url_shortener.plugins.plugin_utils._key_store import KeyStore, KeyStoreError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small file system")

CANARY = "canary-4a1f-never-shown"
SECRET = CANARY * 400


@pytest.fixture
def disk(tmp_path):
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def store(disk):
    """A store on the small disk, with one secret in it."""
    store = KeyStore(disk / "keys", "lab", [("lab", VaultSecret(b"password"))])
    store.put("k3s_token", "old")
    return store


def _fill(disk, leave):
    """Fills the disk but for ``leave`` bytes."""
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    (disk / "ballast").write_bytes(b"\0" * (free - leave))


def _refused(action):
    with pytest.raises(KeyStoreError) as caught:
        action()
    assert CANARY not in f"{caught.value!s}{caught.value!r}{caught.value.__context__!r}"
    return str(caught.value)


@pytest.mark.parametrize("room", [0, 4096, 16384])
def test_a_full_disk_is_said_so_and_the_old_value_is_intact(disk, store, room):
    files = sorted(store.folder.iterdir())
    _fill(disk, leave=room)
    for action in (
        lambda: store.put("k3s_token", SECRET, replace=True),
        lambda: store.get_or_create("seal_key", lambda: SECRET),
    ):
        assert "its disk is full; free some space and run again" in _refused(action)
        assert store.get("k3s_token") == "old"
        assert sorted(store.folder.iterdir()) == files, "something half-written is left"

    (disk / "ballast").unlink()
    assert store.get_or_create("seal_key", lambda: SECRET) == SECRET


def test_room_for_a_byte_is_not_taken_for_room_for_a_secret(disk, store):
    _fill(disk, leave=4096)
    assert "its disk is full" in _refused(store.prove_writable)


def test_a_read_only_disk_is_said_so_and_can_still_be_read(disk, store):
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for action in (store.prove_writable, lambda: store.put("seal_key", SECRET)):
        message = _refused(action)
        assert "its file system is read-only; make it writable or set lab_state_dir to another folder" in message
    assert store.get_or_create("k3s_token", lambda: pytest.fail("made anew")) == "old"


def test_a_store_that_a_read_only_disk_lacks_is_said_so(disk):
    store = KeyStore(disk / "state" / "keys", "lab", [("lab", VaultSecret(b"password"))])
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert "its file system is read-only" in _refused(lambda: store.put("k3s_token", SECRET))
