# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: every shell script of the project, known by its first line or its name, passes shellcheck."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from project_tree import ROOT, project_files

SHELL = re.compile(rb"#!.*\b(ba|da|)sh\b")


def is_shell_script(path: Path) -> bool:
    """Whether the file is named `*.sh` or starts with a line that calls a shell."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return path.suffix == ".sh" or bool(SHELL.match(file.readline()))


def main() -> int:
    """Returns shellcheck's exit status, 0 when there is no script."""
    scripts = [str(name) for name in project_files() if is_shell_script(ROOT / name)]
    print(f"{len(scripts)} shell scripts: {', '.join(scripts)}", flush=True)
    return subprocess.run(["shellcheck", *scripts], cwd=ROOT, check=False).returncode if scripts else 0


if __name__ == "__main__":
    sys.exit(main())
