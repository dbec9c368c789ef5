# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache: where it is, that a thing is made once, and that a killed maker leaves nothing that looks finished."""

from __future__ import annotations

import errno
import fcntl
import os
import pathlib

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.cache import Cache, default_cache_dir
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.failure import BuildError


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "a cache")


def made(work: pathlib.Path) -> pathlib.Path:
    (work / "out").mkdir()
    (work / "out" / "program").write_text("fresh")
    return work / "out"


def never_waits(maker: str) -> None:
    pytest.fail(f"waits for {maker}")


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, "/c/url-shortener-sre-lab"),
        ({"HOME": "/h"}, "/h/.cache/url-shortener-sre-lab"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/url-shortener-sre-lab"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/url-shortener-sre-lab"),
    ],
)
def test_the_cache_is_where_the_user_keeps_caches(environment, folder):
    assert default_cache_dir(environment) == pathlib.Path(folder)


def test_what_is_made_appears_whole_and_the_work_folder_goes(cache):
    target = cache.server("etcd", "3.6.16", "abc")
    assert cache.make_once(target, target.is_dir, made, never_waits)
    assert (target / "program").read_text() == "fresh"
    assert not [path for path in (cache.root / "building").iterdir() if path.is_dir()]


def test_what_is_ready_is_not_made_again(cache):
    target = cache.server("etcd", "3.6.16", "abc")
    cache.make_once(target, target.is_dir, made, never_waits)
    assert not cache.make_once(target, target.is_dir, lambda _work: pytest.fail("made again"), never_waits)


def test_a_damaged_result_is_replaced(cache):
    target = cache.server("etcd", "3.6.16", "abc")
    target.mkdir(parents=True)
    (target / "stray").touch()
    assert cache.make_once(target, (target / "program").exists, made, never_waits)
    assert [path.name for path in target.iterdir()] == ["program"]


def test_a_failed_make_leaves_neither_result_nor_work_folder(cache):
    target = cache.server("etcd", "3.6.16", "abc")

    def fails(work: pathlib.Path) -> pathlib.Path:
        made(work)
        raise BuildError("go says no")

    with pytest.raises(BuildError, match="go says no"):
        cache.make_once(target, target.is_dir, fails, never_waits)
    assert not target.exists()
    assert not [path for path in (cache.root / "building").iterdir() if path.is_dir()]


def test_folders_of_dead_builds_go_and_those_of_living_ones_stay(cache):
    building = cache.root / "building"
    for name in ("servers-etcd-3.6.15-old", "servers-kwok-0.8.0-live", "servers-etcd-3.6.16-abc"):
        (building / name).mkdir(parents=True)
        (building / name / "half").touch()
    with (building / "servers-kwok-0.8.0-live.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        target = cache.server("etcd", "3.6.16", "abc")
        cache.make_once(target, target.is_dir, made, never_waits)
    assert [path.name for path in building.iterdir() if path.is_dir()] == ["servers-kwok-0.8.0-live"]


def test_a_second_maker_hears_who_is_at_it_and_then_finds_it_made(cache):
    target = cache.server("etcd", "3.6.16", "abc")
    lock_file = cache.root / "building" / "servers-etcd-3.6.16-abc.lock"
    lock_file.parent.mkdir(parents=True)
    heard = []
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("process 42 in /a clone")
        lock.flush()

        def other_finishes(maker: str) -> None:
            heard.append(maker)
            target.mkdir(parents=True)
            fcntl.flock(lock, fcntl.LOCK_UN)

        assert not cache.make_once(target, target.is_dir, made, other_finishes)
    assert heard == ["process 42 in /a clone"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, ["full", "GB free", "2 GB", "XDG_CACHE_HOME"]),
        (errno.EDQUOT, ["full", "XDG_CACHE_HOME"]),
        (errno.EACCES, ["cannot be written", "Permission denied", "XDG_CACHE_HOME"]),
        (errno.EROFS, ["cannot be written", "Read-only file system", "XDG_CACHE_HOME"]),
    ],
)
def test_an_error_of_the_file_system_is_one_sentence_with_the_folder_and_the_remedy(cache, number, words):
    def fails(work: pathlib.Path) -> pathlib.Path:
        raise OSError(number, os.strerror(number), str(work))

    target = cache.server("etcd", "3.6.16", "abc")
    with pytest.raises(BuildError) as raised:
        cache.make_once(target, target.is_dir, fails, never_waits)
    assert str(cache.root) in str(raised.value)
    for word in words:
        assert word in str(raised.value)


def test_a_cache_below_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file" / "cache")
    with pytest.raises(BuildError, match="cannot be written"):
        cache.make_once(cache.server("a", "1", "x"), lambda: False, made, never_waits)
