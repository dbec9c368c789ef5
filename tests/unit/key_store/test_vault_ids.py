# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which vault id new secrets are encrypted under."""

from __future__ import annotations

import pytest
from ansible.parsing.vault import VaultSecret, VaultSecretsContext
from ansible_collections.srelab.url_shortener.plugins.plugin_utils._key_store import KeyStore, choose_vault_id


@pytest.mark.parametrize(
    ("loaded", "wanted", "configured", "chosen"),
    [
        (["lab"], "", None, "lab"),
        (["lab", "lab"], "", None, "lab"),
        (["lab", "other"], "other", None, "other"),
        (["lab", "other"], "", "other", "other"),
        (["lab", "other"], "lab", "other", "lab"),
    ],
)
def test_the_variable_goes_before_the_configuration_and_that_before_the_only_id(loaded, wanted, configured, chosen):
    assert choose_vault_id(loaded, wanted, configured) == chosen


def test_no_vault_id_says_how_to_give_one(refused):
    message = refused(lambda: choose_vault_id([], "", None))
    for way in ("--vault-id lab@prompt", "vault_identity_list in ansible.cfg", "`make lab`"):
        assert way in message


def test_no_vault_id_names_the_one_that_is_wanted(refused):
    assert "--vault-id mine@prompt" in refused(lambda: choose_vault_id([], "mine", None))


def test_several_vault_ids_without_a_choice_are_listed(refused):
    message = refused(lambda: choose_vault_id(["lab", "other"], "", None))
    assert "several vault ids (lab, other)" in message
    assert "set lab_key_store_vault_id" in message


@pytest.mark.parametrize(
    ("wanted", "configured", "source"),
    [("mine", None, "lab_key_store_vault_id"), ("", "mine", "vault_encrypt_identity")],
)
def test_a_choice_that_is_not_loaded_names_its_source_and_what_is(refused, wanted, configured, source):
    message = refused(lambda: choose_vault_id(["lab", "other"], wanted, configured))
    assert message.startswith(f"{source} is 'mine'")
    assert "lab, other" in message


def test_a_store_is_opened_with_the_ids_of_the_run(tmp_path, monkeypatch):
    ids = [("lab", VaultSecret(b"password"))]
    monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext(ids))
    store = KeyStore.open(tmp_path)
    assert (store.folder, store.vault_id) == (tmp_path / "keys", "lab")
    assert store.get_or_create("k3s_token", lambda: "value") == KeyStore.open(str(tmp_path), "lab").get("k3s_token")


def test_a_store_outside_of_a_run_has_no_vault_id(tmp_path, monkeypatch, refused):
    monkeypatch.setattr(VaultSecretsContext, "_current", None)
    assert "given no vault id" in refused(lambda: KeyStore.open(tmp_path))
