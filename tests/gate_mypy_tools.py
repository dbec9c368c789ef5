# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: the programs beside the collection (helpers of the tests, tools, benchmarks) pass mypy."""

from __future__ import annotations

import subprocess
import sys

from project_tree import ROOT


def main() -> int:
    """Returns mypy's exit status."""
    folders = ("tests", "tools", "benchmarks")
    programs = [str(path) for folder in folders for path in sorted((ROOT / folder).glob("*.py"))]
    # These are single modules that import their neighbours, not parts of the collection's package.
    layout = ["--no-namespace-packages", "--no-explicit-package-bases"]
    return subprocess.run(["mypy", *layout, *programs], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
