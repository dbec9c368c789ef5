# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built artifact: it holds what the project publishes and nothing of the clone it was built in, and it runs."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from project_tree import ROOT, copy_project, project_files

CANARY = secrets.token_hex(16).encode()
# Every private place of a clone, with an example of what lies there.
PRIVATE = (
    "inventory/rehearsal/.state/kubeconfig",
    "inventory/rehearsal/.state/servers/etcd/member/snap/db",
    "inventory/um790/.state/vault/keys.yml",
    "inventory/home/.state/journal/1.jsonl",
    "playbooks/.state/kubeconfig",
    "roles/rehearsal/.state/key.pem",
    "tests/servers/.state/kubeconfig",
    ".state/kubeconfig",
    ".git/config",
    ".github/secret",
    ".ci/log",
    ".venv/lib/python3.11/site-packages/thing.py",
    ".ansible/tmp/thing",
    ".cache/thing",
    ".hypothesis/examples/thing",
    ".mypy_cache/thing.json",
    ".pytest_cache/thing",
    ".ruff_cache/thing",
    "build/thing",
    "dist/thing",
    "collections/ansible_collections/other/thing.yml",
    "tests/output/junit/thing.xml",
    "plugins/module_utils/__pycache__/thing.cpython-311.pyc",
    "changelogs/.plugin-cache.yaml",
    "playbooks/site.retry",
    "srelab-url_shortener-0.0.9.tar.gz",
)
# Tracked, and of use in a clone only.
OF_THE_CLONE = {".ansible-lint", ".ci", ".github", ".gitignore", "ansible.cfg", "collections"}
MADE_BY_THE_BUILD = {"FILES.json", "MANIFEST.json"}


def tool(name, *arguments, cwd, home, **variables):
    """Runs a tool of Ansible as a user would who has no configuration and is not in a clone."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment.update(HOME=str(home), **variables)
    command = [str(Path(sys.executable).parent / name), *map(str, arguments)]
    seen = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=180, check=False)
    assert seen.returncode == 0, f"{command}\n{seen.stdout}\n{seen.stderr}"
    return seen.stdout


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    """An empty home outside every clone."""
    return tmp_path_factory.mktemp("user")


@pytest.fixture(scope="module")
def artifact(tmp_path_factory, user):
    clone = tmp_path_factory.mktemp("clone") / "url_shortener"
    copy_project(clone)
    for name in PRIVATE:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_bytes(CANARY)
    output = tmp_path_factory.mktemp("output")
    tool("ansible-galaxy", "collection", "build", "--output-path", output, cwd=clone, home=user)
    (tarball,) = output.iterdir()
    return tarball


@pytest.fixture(scope="module")
def published(artifact):
    """The files of the artifact and what they hold; a folder or a link holds None."""
    with tarfile.open(artifact) as archive:
        return {entry.name: archive.extractfile(entry).read() if entry.isfile() else None for entry in archive}


@pytest.fixture(scope="module")
def installed(artifact, user):
    """The folder of collections into which the artifact was installed without a network."""
    folder = user / "collections"
    tool("ansible-galaxy", "collection", "install", "--offline", artifact, "-p", folder, cwd=user, home=user)
    assert (folder / "ansible_collections/srelab/url_shortener/MANIFEST.json").exists()
    return folder


@pytest.fixture(scope="module")
def lab(user):
    """A user's own inventory, copied from the example."""
    shutil.copytree(ROOT / "inventory/um790", user / "lab", ignore=shutil.ignore_patterns(".state"))
    return user / "lab"


def test_nothing_private_is_published(published):
    assert {name for name, held in published.items() if held is not None and CANARY in held} == set()
    assert [name for name in published if ".state" in Path(name).parts] == []


def test_what_is_published_is_what_git_tracks_but_for_the_clone_s_own_files(published):
    expected = {str(name) for name in project_files() if name.parts[0] not in OF_THE_CLONE}
    files = {name for name, held in published.items() if held is not None}
    assert files - MADE_BY_THE_BUILD == expected - {"galaxy.yml"}


def test_nothing_published_is_a_link(artifact):
    with tarfile.open(artifact) as archive:
        assert [entry.name for entry in archive if entry.issym() or entry.islnk()] == []


def test_installed_files_are_those_of_the_artifact(installed, user):
    seen = tool(
        "ansible-galaxy",
        "collection",
        "verify",
        "--offline",
        "srelab.url_shortener",
        cwd=user,
        home=user,
        ANSIBLE_COLLECTIONS_PATH=str(installed),
    )
    assert "Successfully verified" in seen


@pytest.mark.parametrize(
    ("kind", "folder", "place"),
    [
        ("module", "plugins/modules", lambda page: page["doc"]["filename"]),
        ("callback", "plugins/callback", lambda page: page["doc"]["filename"]),
        ("role", "roles", lambda page: page["path"]),
    ],
)
def test_documentation_is_read_from_the_installed_collection(kind, folder, place, installed, user):
    files = [name.relative_to(folder) for name in project_files() if name.is_relative_to(folder)]
    names = {f"srelab.url_shortener.{name.parts[0].removesuffix('.py')}" for name in files}
    arguments = ("--json", "--type", kind, *names)
    seen = tool("ansible-doc", *arguments, cwd=user, home=user, ANSIBLE_COLLECTIONS_PATH=str(installed))
    pages = json.loads(seen)
    assert set(pages) == names
    assert [name for name, page in pages.items() if not place(page).startswith(str(installed))] == []


@pytest.mark.parametrize("arguments", [["site", "--syntax-check"], ["preflight"], ["site", "--tags", "preflight"]])
def test_playbooks_run_from_the_installed_collection_on_a_user_s_inventory(arguments, installed, lab, user):
    playbook, *options = arguments
    seen = tool(
        "ansible-playbook",
        "-i",
        lab,
        f"srelab.url_shortener.{playbook}",
        *options,
        cwd=user,
        home=user,
        ANSIBLE_COLLECTIONS_PATH=str(installed),
    )
    assert f"playbook: {installed}/" in seen if "--syntax-check" in options else "failed=0" in seen
