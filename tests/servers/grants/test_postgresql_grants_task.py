# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task in a playbook: check mode, diff, and no password in any output."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture
def task(lab, tmp_path):
    """Runs a playbook with the one task; its exit status and all output."""

    def run(*arguments, dsn=None):
        dsn = dsn or f"{lab.server.dsn()} password=s3cret"
        grants = [
            {"type": "schema", "database": "lab", "names": ["public"], "privileges": ["CREATE"], "roles": ["app"]}
        ]
        module = {"srelab.url_shortener.postgresql_grants": {"dsn": "{{ given_dsn }}", "grants": grants}}
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [{"name": "Grants hold", **module}]}
        (tmp_path / "play.yml").write_text(json.dumps([play]))
        (tmp_path / "vars.json").write_text(json.dumps({"given_dsn": dsn}))
        command = [sys.executable, "-m", "ansible", "playbook", str(tmp_path / "play.yml"), "-i", "localhost,"]
        command += ["-c", "local", "-vvv", "-e", f"@{tmp_path / 'vars.json'}", *arguments]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


def test_check_mode_foresees_diff_shows_and_the_password_is_nowhere(lab, task):
    foreseen = task("--check", "--diff")
    assert foreseen.returncode == 0, foreseen.stdout
    assert "+app: CREATE" in foreseen.stdout
    assert 'GRANT CREATE ON SCHEMA "public" TO "app";' in foreseen.stdout
    assert not lab.may("has_schema_privilege", "app", "public", "CREATE")
    real, again = task("--diff"), task("--diff")
    assert lab.may("has_schema_privilege", "app", "public", "CREATE")
    assert "changed=1" in foreseen.stdout
    assert "changed=1" in real.stdout
    assert "changed=0" in again.stdout
    unreadable = task(dsn="password=s3cret nonsense")
    assert "dsn is (hidden); allowed: a connection string or URI" in unreadable.stdout
    for run in (foreseen, real, again, unreadable):
        assert "s3cret" not in run.stdout + run.stderr
        assert "Traceback" not in run.stdout + run.stderr
