# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store inside an action plugin, in real runs of ansible-playbook."""

from __future__ import annotations

import pytest

ACTION = """
from ansible.plugins.action import ActionBase
from ansible_collections.srelab.url_shortener.plugins.plugin_utils._key_store import KeyStore


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        store = KeyStore.open(self._task.args["state_dir"], self._task.args["vault_id"])
        plan = store.plan("k3s_token")
        if not self._task.check_mode:
            store.get_or_create("k3s_token", lambda: self._task.args["value"][::-1])
        return plan.result()
"""

# The value is given reversed, so that only what leaks from the store can show the canary.
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - keep_token:
        state_dir: "{{ playbook_dir }}/state"
        vault_id: "{{ vault_id | default('') }}"
        value: "REVERSED"
"""


@pytest.fixture
def play(commands, tmp_path, canary):
    """Runs the playbook as loud as it goes and returns its output, which holds no secret and no traceback."""
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins" / "keep_token.py").write_text(ACTION)
    (tmp_path / "play.yml").write_text(PLAYBOOK.replace("REVERSED", canary[::-1]))

    def run(*arguments):
        finished = commands.run("ansible-playbook", "play.yml", "--diff", "-vvvvv", *arguments)
        output = finished.stdout + finished.stderr
        assert canary not in output
        assert "Traceback" not in output
        return output

    return run


@pytest.fixture
def password(commands, canary):
    """The vault id that `store` is opened with, as an argument of Ansible's commands."""
    return f"lab@{commands.password_file(f'password-{canary}')}"


def test_check_mode_foretells_the_creation_that_the_next_run_makes_and_no_later_one(
    play, password, store, tmp_path, canary
):
    checked = play("--vault-id", password, "--check")
    assert "changed=1" in checked
    assert "secret k3s_token" in checked
    assert not (tmp_path / "state").exists()

    assert "changed=1" in play("--vault-id", password)
    assert store.get("k3s_token") == canary

    assert "ok=1    changed=0" in play("--vault-id", password)


def test_a_run_without_a_vault_id_fails_with_the_sentence_alone(play):
    assert "this run was given no vault id; add --vault-id lab@prompt" in play()


def test_a_run_with_two_vault_ids_uses_the_one_that_is_named(play, password, commands, tmp_path):
    other = f"other@{commands.password_file('other')}"
    two = ["--vault-id", other, "--vault-id", password]
    assert "several vault ids (other, lab)" in play(*two)
    assert "changed=1" in play(*two, "-e", "vault_id=lab")
    assert (tmp_path / "state/keys/k3s_token.vault").read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;lab\n")


def test_a_run_with_a_wrong_password_names_the_file(play, commands, store):
    store.put("k3s_token", "value")
    wrong = f"lab@{commands.password_file('wrong')}"
    assert "k3s_token.vault does not open with the vault ids of this run (lab)" in play("--vault-id", wrong)
