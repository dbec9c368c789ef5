# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A full disk under the cache is one clear sentence, and room for it is all that the next run needs."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import binaries, go_toolchain
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.cache import Cache
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.failure import BuildError
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.progress import Progress
from ansible_collections.srelab.url_shortener.tests import go_modules

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")


@contextlib.contextmanager
def disk(folder, size):
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def assert_is_the_sentence(error: BuildError, cache) -> None:
    message = str(error)
    assert message.startswith(f"The disk that holds the cache {cache} is full (0.0 GB free now)")
    assert "2 GB" in message
    assert "XDG_CACHE_HOME" in message
    assert "\n" not in message


@pytest.fixture
def build(tmp_path, monkeypatch):
    monkeypatch.setenv("GOPROXY", (tmp_path / "proxy").as_uri())
    module = go_modules.make_module(tmp_path / "module", tmp_path / "proxy")

    def run(cache):
        declarations = [go_modules.declaration(module)]
        return binaries.built(declarations, go_modules.REQUIREMENT, cache, check_mode=False, say=print)

    return run


def test_a_disk_that_fills_up_while_go_compiles(tmp_path, build):
    toolchain = go_modules.real_toolchain()
    with disk(tmp_path / "disk", "8m") as mount:
        cache = go_modules.cache_with(mount / "cache", toolchain)
        with pytest.raises(BuildError) as raised:
            build(cache)
        assert_is_the_sentence(raised.value, cache)
        assert not (cache / "servers").exists()
        subprocess.run(["mount", "-o", "remount,size=300m", mount], check=True)
        assert build(cache)["objects"] == ["build hello 1.2.3"]


def test_a_disk_that_fills_up_while_pip_installs_go(tmp_path, build):
    with disk(tmp_path / "disk", "40m") as mount, pytest.raises(BuildError) as raised:
        build(mount / "cache")
    assert_is_the_sentence(raised.value, mount / "cache")


def test_a_disk_that_is_full_from_the_start(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", (tmp_path / "wheels").as_uri())
    requirement = go_modules.make_wheel(tmp_path / "wheels")
    with disk(tmp_path / "disk", "1m") as mount:
        with (mount / "filler").open("wb") as filler, contextlib.suppress(OSError):
            filler.write(b"x" * shutil.disk_usage(mount).free)
            filler.write(b"x" * 65536)
        cache = Cache(mount / "cache")
        with pytest.raises(BuildError) as raised:
            go_toolchain.install(go_toolchain.toolchain(requirement, cache), cache, Progress(print))
    assert_is_the_sentence(raised.value, mount / "cache")
