# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private files and folders, written whole or not at all, and the lock of a state folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t
from pathlib import Path


def read_text(path: Path) -> str | None:
    """The content of a file, or None when there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None


def make_folder(path: Path) -> None:
    """Makes a folder and those above it that are missing, each for this user alone whatever the umask."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
        path.chmod(0o700)


def write_file(path: Path, content: str, mode: int = 0o600) -> None:
    """Writes under a temporary name with the final mode and renames: a reader sees the old content or the new."""
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
    temporary.replace(path)


def mode_of(path: Path) -> int | None:
    """The permission bits of a file, or None when there is none."""
    try:
        return path.stat().st_mode & 0o777
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextlib.contextmanager
def locked(folder: Path, tell: t.Callable[[str], None]) -> t.Iterator[None]:
    """Holds the folder for this run alone; waits, and says so, while another run holds it.

    The lock is the kernel's and sits on the folder itself: it writes nothing and a killed run leaves none behind. A
    folder that does not exist yet (check mode before the first run) needs none.
    """
    if not folder.is_dir():
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"another run is at work on the rehearsal in {folder}; this one goes on when that one is done")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
