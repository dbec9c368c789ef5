# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the project as Git sees them, copies of them, and where the gates keep what they cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def project_files(root: Path = ROOT) -> list[Path]:
    """The tracked files and those that Git does not ignore, relative to `root`, sorted.

    Raises subprocess.CalledProcessError where `root` is not a Git work tree.
    """
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={root}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout.decode()
    names = sorted({Path(name) for name in listing.split("\0") if name})
    return [name for name in names if os.path.lexists(root / name)]


def copy_project(target: Path, without: t.Collection[str] = ()) -> None:
    """Copies the project's files to the new folder `target`, but for the top-level names in `without`."""
    for name in project_files():
        if name.parts[0] not in without:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)


def cache_home() -> Path:
    """The folder shared by all clones of one user; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "url-shortener-sre-lab"
