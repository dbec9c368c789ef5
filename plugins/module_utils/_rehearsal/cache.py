# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache that all clones of one user share: where things are, and how one is made exactly once."""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import errno
import fcntl
import os
import pathlib
import shutil
import time
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal import child
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.failure import BuildError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_LOCK_POLL_SECONDS = 0.2


def default_cache_dir(environment: t.Mapping[str, str]) -> pathlib.Path:
    """``$XDG_CACHE_HOME/url-shortener-sre-lab``; as the XDG specification asks, a relative value is ignored."""
    base = pathlib.Path(environment.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():
        base = pathlib.Path(environment.get("HOME") or pathlib.Path.home()) / ".cache"
    return base / "url-shortener-sre-lab"


@dataclasses.dataclass(frozen=True)
class Cache:
    """The folders of the cache. Nothing is created by asking for a path."""

    root: pathlib.Path

    @property
    def go_build(self) -> pathlib.Path:
        """Compiled packages: what makes an interrupted build resume."""
        return self.root / "go" / "build"

    @property
    def go_modules(self) -> pathlib.Path:
        """Downloaded modules."""
        return self.root / "go" / "mod"

    def toolchain(self, version: str, digest: str) -> pathlib.Path:
        return self.root / "go" / f"{version}-{digest}"

    def server(self, name: str, version: str, digest: str) -> pathlib.Path:
        return self.root / "servers" / name / f"{version}-{digest}"

    def make_once(
        self,
        target: pathlib.Path,
        is_ready: c.Callable[[], bool],
        make: c.Callable[[pathlib.Path], pathlib.Path],
        on_wait: c.Callable[[str], None],
    ) -> bool:
        """Makes the folder ``target`` unless another process does so first; tells whether it was made here.

        ``make`` works in the empty folder it is given and returns the finished folder in it, which is then renamed: no
        half-made ``target`` is ever seen. ``on_wait`` is called again and again with the present maker while another
        process is at it. Raises BuildError when the cache cannot be written.
        """
        try:
            with self._lock(target, on_wait):
                if is_ready():
                    return False
                with self._work_folder(target) as work:
                    made = make(work)
                    shutil.rmtree(target, ignore_errors=True)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    made.rename(target)
                return True
        except OSError as error:
            raise self.failure(error) from error

    def failure(self, error: OSError) -> BuildError:
        """Words an error of the file system."""
        if error.errno in _FULL:
            return BuildError(self.full_disk())
        return BuildError(self.not_writable(f"{error.strerror}: {error.filename}"))

    def not_writable(self, detail: str) -> str:
        """Says that the cache cannot be written, and what to do."""
        return (
            f"The cache {self.root} cannot be written ({detail}). Make it writable for this user, or set "
            "XDG_CACHE_HOME to a folder that is."
        )

    def full_disk(self) -> str:
        """Says that the disk of the cache is full, and what to do."""
        free = shutil.disk_usage(_existing(self.root)).free
        return (
            f"The disk that holds the cache {self.root} is full ({free / 1e9:.1f} GB free now); a build needs about "
            "2 GB for each server. Make room, or move the cache by setting XDG_CACHE_HOME to a folder on another disk; "
            "what was downloaded and compiled so far is used again."
        )

    @property
    def _work(self) -> pathlib.Path:
        return self.root / "building"

    def _work_name(self, target: pathlib.Path) -> str:
        return "-".join(target.relative_to(self.root).parts)

    @contextlib.contextmanager
    def _lock(self, target: pathlib.Path, on_wait: c.Callable[[str], None]) -> c.Iterator[None]:
        self._work.mkdir(parents=True, exist_ok=True)
        with (self._work / f"{self._work_name(target)}.lock").open("a+") as lock:
            while not _locked(lock):
                lock.seek(0)
                on_wait(lock.read() or "another process")
                child.end_with_the_playbook()
                time.sleep(_LOCK_POLL_SECONDS)
            lock.truncate(0)
            lock.write(f"process {os.getpid()} in {pathlib.Path.cwd()}")
            lock.flush()
            yield

    @contextlib.contextmanager
    def _work_folder(self, target: pathlib.Path) -> c.Iterator[pathlib.Path]:
        self._remove_leftovers(target)
        work = self._work / self._work_name(target)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _remove_leftovers(self, target: pathlib.Path) -> None:
        """Removes the work folders of builds that were killed: those whose lock nobody holds."""
        for folder in self._work.iterdir():
            if folder.is_dir() and folder.name != self._work_name(target):
                with (self._work / f"{folder.name}.lock").open("a+") as lock:
                    if _locked(lock):
                        shutil.rmtree(folder, ignore_errors=True)


def _locked(lock: t.TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _existing(path: pathlib.Path) -> pathlib.Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
