# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the key store keeps, plans and refuses."""

from __future__ import annotations

import errno
import os
import stat
import string

import pytest
from ansible.parsing.vault import VaultLib
from ansible_collections.srelab.url_shortener.plugins.plugin_utils import _key_store
from ansible_collections.srelab.url_shortener.plugins.plugin_utils._key_store import KeyStoreError, fingerprint
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

BAD_NAMES = ["", "K3s", "3k", "a-b", "a.b", "../up", "a/b", ".lock", "a b", "a\n", "é", "a" * 64]


@pytest.fixture
def umask():
    """Sets the umask for one test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(min_size=1))
def test_any_text_comes_back_as_it_was_stored(store, value):
    assume(not value.startswith("$ANSIBLE_VAULT"))
    store.put("any_text", value, replace=True)
    assert store.get("any_text") == value


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.from_regex(r"\A[a-z][a-z0-9_]{0,62}\Z"))
def test_every_allowed_name_is_listed_after_it_is_stored(store, name):
    store.put(name, "value", replace=True)
    assert name in store.names()


def test_a_stored_file_is_encrypted_under_the_chosen_vault_id(open_store, canary):
    store = open_store(chosen="one", other="two")
    store.put("k3s_token", canary)
    text = (store.folder / "k3s_token.vault").read_text()
    assert text.startswith("$ANSIBLE_VAULT;1.2;AES256;chosen\n")
    assert canary not in text
    assert open_store(chosen="one").get("k3s_token") == canary


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_files_are_0600_and_folders_0700_whatever_the_umask(store, umask, mask):
    umask(mask)
    store.put("k3s_token", "value")
    modes = {
        path: stat.S_IMODE(path.stat().st_mode) for path in (store.folder.parent, store.folder, *store.folder.iterdir())
    }
    folders, files = {store.folder.parent, store.folder}, set(store.folder.iterdir())
    assert {modes[folder] for folder in folders} == {0o700}
    assert {modes[file] for file in files} == {0o600}


def test_a_folder_that_others_can_read_is_closed_to_them(store):
    store.folder.mkdir(parents=True, mode=0o755)
    store.folder.parent.chmod(0o755)
    store.put("k3s_token", "value")
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(store.folder.parent.stat().st_mode) == 0o755, "the folder above is not the store's"


def test_the_factory_is_asked_only_for_a_missing_secret(store):
    assert store.get_or_create("k3s_token", lambda: "first") == "first"
    assert store.get_or_create("k3s_token", lambda: pytest.fail("asked again")) == "first"


def test_a_secret_is_overwritten_only_when_asked(store, refused, canary):
    store.put("k3s_token", "old")
    assert "k3s_token is already in the key store" in refused(lambda: store.put("k3s_token", canary))
    assert store.get("k3s_token") == "old"
    store.put("k3s_token", canary, replace=True)
    assert store.get("k3s_token") == canary


def test_names_lists_secrets_alone_in_order(store):
    assert store.names() == []
    store.put("seal_key", "value")
    store.put("argocd_password", "value")
    (store.folder / "notes.txt").touch()
    (store.folder / ".hidden.vault").touch()
    assert store.names() == ["argocd_password", "seal_key"]


def test_a_proof_of_writability_leaves_nothing_behind(store):
    store.put("k3s_token", "value")
    before = sorted(store.folder.iterdir())
    store.prove_writable()
    assert sorted(store.folder.iterdir()) == before
    assert store.names() == ["k3s_token"]


def test_a_proof_of_writability_needs_the_disk_to_take_the_data(store, refused, monkeypatch):
    monkeypatch.setattr(os, "fsync", _full_disk)
    assert "disk is full" in refused(store.prove_writable)


def test_a_plan_names_a_missing_secret_and_writes_nothing(store):
    plan = store.plan("k3s_token")
    assert plan.objects == ["secret k3s_token"]
    assert plan.result()["diff"][0]["after"] == "a value yet to be generated\n"
    assert not store.folder.exists()


def test_a_plan_is_empty_for_a_secret_that_is_there_or_equal(store):
    store.put("k3s_token", "value")
    assert not store.plan("k3s_token")
    assert not store.plan("k3s_token", "value")


def test_a_plan_for_another_value_shows_both_fingerprints_and_no_value(store, canary):
    store.put("k3s_token", f"{canary}-old")
    plan = store.plan("k3s_token", f"{canary}-new")
    assert plan.changes[0].before == store.fingerprint("k3s_token") == fingerprint("k3s_token", f"{canary}-old")
    assert plan.changes[0].after == fingerprint("k3s_token", f"{canary}-new")
    assert canary not in str(plan.result())


def test_a_plan_reports_a_secret_that_cannot_be_opened(store, open_store, refused):
    store.put("k3s_token", "value")
    assert "does not open" in refused(lambda: open_store(lab="mistyped").plan("k3s_token"))


def test_a_fingerprint_tells_values_apart_and_hides_that_two_secrets_are_equal():
    first = fingerprint("k3s_token", "value")
    assert len(first) == 12
    assert set(first) <= set(string.hexdigits)
    assert first == fingerprint("k3s_token", "value")
    assert len({first, fingerprint("k3s_token", "Value"), fingerprint("seal_key", "value")}) == 3


def test_a_salt_fixed_in_the_configuration_is_not_used(store, monkeypatch):
    monkeypatch.setenv("ANSIBLE_VAULT_ENCRYPT_SALT", "same salt for all")
    store.put("k3s_token", "the same value")
    store.put("seal_key", "the same value")
    token, seal = ((store.folder / f"{name}.vault").read_text() for name in store.names())
    assert token.splitlines()[1] != seal.splitlines()[1], "equal salts give equal key streams"


def test_no_representation_holds_a_password_or_a_secret(store, canary):
    store.put("k3s_token", canary)
    assert canary not in repr(store) + str(store) + repr(vars(store))
    assert "passwords" not in repr(store)


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("call", ["get", "plan", "fingerprint"])
def test_a_bad_name_is_refused_with_what_is_allowed(store, refused, name, call):
    message = refused(lambda: getattr(store, call)(name))
    assert repr(name) in message
    assert "allowed: a small letter" in message


def test_a_bad_name_is_not_written(store, refused, canary):
    refused(lambda: store.put("../up", canary))
    assert not store.folder.parent.exists()


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "is empty"),
        ("$ANSIBLE_VAULT;1.1;AES256\ncanary-4a1f-never-shown", "is vault-encrypted already"),
        ("canary-4a1f-never-shown \ud800", "is not valid Unicode text"),
    ],
)
def test_a_value_that_cannot_be_kept_is_refused(store, refused, value, problem):
    assert f"The value of the secret k3s_token {problem}" in refused(lambda: store.put("k3s_token", value))
    assert store.names() == []


def test_a_missing_secret_says_what_to_do(store, refused):
    message = refused(lambda: store.get("k3s_token"))
    assert "k3s_token is not in the key store" in message
    assert "run the layer that generates it" in message


def test_a_wrong_password_names_the_file_and_the_ids_tried(store, open_store, refused, canary):
    store.put("k3s_token", canary)
    message = refused(lambda: open_store(lab=f"wrong-{canary}", other=f"also-{canary}").get("k3s_token"))
    assert "k3s_token.vault does not open with the vault ids of this run (lab, other)" in message


def test_nothing_new_is_stored_under_a_mistyped_password(store, open_store, refused, canary):
    store.put("k3s_token", canary)
    mistyped = open_store(lab="mistyped")
    assert "does not open" in refused(lambda: mistyped.put("seal_key", canary))
    assert "does not open" in refused(mistyped.prove_writable)
    assert store.names() == ["k3s_token"]


def test_plain_text_is_refused_with_the_command_that_encrypts_it(store, refused, canary):
    store.put("k3s_token", "value")
    (store.folder / "k3s_token.vault").write_text(f"{canary}\n")
    message = refused(lambda: store.get("k3s_token"))
    assert "is not vault-encrypted" in message
    assert "ansible-vault encrypt --encrypt-vault-id lab " in message


DAMAGES = {
    "emptied": lambda _data: b"",
    "cut in the header": lambda data: data[:20],
    "cut after the header": lambda data: data.splitlines(keepends=True)[0],
    "cut in half": lambda data: data[: len(data) // 2],
    "cut at the end": lambda data: data[:-3],
    "a digit changed": lambda data: data[:-2] + (b"1" if data[-2:-1] != b"1" else b"2") + b"\n",
    "a letter among the digits": lambda data: data.replace(b"\n", b"\nz", 1),
    "a byte that is no letter": lambda data: data.replace(b"\n", b"\n\xff", 1),
}
# What a wrong password looks like too.
AMBIGUOUS = {"cut in the header", "cut in half", "cut at the end", "a digit changed"}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_never_read_as_a_secret(store, refused, canary, damage):
    store.put("k3s_token", canary)
    file = store.folder / "k3s_token.vault"
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    message = refused(lambda: store.get("k3s_token"))
    assert "k3s_token.vault" in message
    assert "damaged" in message
    assert "restore it from a backup" in message
    assert damage in AMBIGUOUS or "does not open" not in message


def test_a_file_that_holds_no_text_is_damaged(store, refused, canary):
    store.put("k3s_token", "value")
    ((_id, password),) = store.passwords
    (store.folder / "k3s_token.vault").write_bytes(VaultLib().encrypt(canary.encode() + b"\xff", password, "lab"))
    assert "holds no text" in refused(lambda: store.get("k3s_token"))


def test_a_file_that_does_not_read_back_is_an_error_and_keeps_the_old_value(store, refused, monkeypatch, canary):
    store.put("k3s_token", "old")
    with monkeypatch.context() as patched:
        patched.setattr(_key_store, "_plaintext", lambda _what, _value: b"garbled")
        assert "does not read back" in refused(lambda: store.put("k3s_token", canary, replace=True))
    assert store.get("k3s_token") == "old"
    assert not list(store.folder.glob(".*.tmp"))


def test_the_file_is_read_back_under_its_own_name(store, refused, monkeypatch, canary):
    real = store.__class__._decrypted

    def garbled(self, path):
        return "garbled" if path.suffix == ".vault" else real(self, path)

    monkeypatch.setattr(store.__class__, "_decrypted", garbled)
    assert "k3s_token.vault does not read back" in refused(lambda: store.put("k3s_token", canary))


def _full_disk(_descriptor):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "its disk is full; free some space and run again"),
        (errno.EDQUOT, "disk quota is used up"),
        (errno.EROFS, "its file system is read-only; make it writable or set lab_state_dir"),
        (errno.EACCES, "this user has no right to it"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_refusal_of_the_system_is_worded_and_keeps_the_old_value(
    store, refused, monkeypatch, canary, number, sentence
):
    store.put("k3s_token", "old")

    def refuse(_descriptor):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        message = refused(lambda: store.put("k3s_token", canary, replace=True))
    assert message.startswith(f"The key store {store.folder} cannot be written: ")
    assert sentence in message
    assert store.get("k3s_token") == "old"
    assert not list(store.folder.glob(".*.tmp"))


def test_a_file_in_the_place_of_the_folder_is_worded(store, refused, canary):
    store.folder.parent.parent.mkdir(exist_ok=True)
    store.folder.parent.write_text("in the way")
    assert "cannot be written" in refused(lambda: store.put("k3s_token", canary))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to any folder; tests/root has a read-only file system")
def test_a_folder_without_write_permission_is_worded_and_keeps_its_mode(store, refused, canary):
    store.put("k3s_token", "old")
    store.folder.chmod(0o500)
    try:
        assert "this user has no right to it" in refused(lambda: store.put("seal_key", canary))
        assert stat.S_IMODE(store.folder.stat().st_mode) == 0o500
        assert store.get("k3s_token") == "old"
    finally:
        store.folder.chmod(0o700)


def test_the_factory_may_fail_without_a_trace(store):
    def failing():
        raise KeyStoreError("no entropy today")

    with pytest.raises(KeyStoreError, match="no entropy"):
        store.get_or_create("k3s_token", failing)
    assert not store.folder.exists()
