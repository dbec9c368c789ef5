# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: the plugins' documentation is valid, its references lead somewhere, and it builds without a warning."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from project_tree import ROOT

COLLECTION = "srelab.url_shortener"
CONFIGURATION = """\
project = "srelab.url_shortener"
extensions = ["sphinx_antsibull_ext"]
"""
REFERENCE = re.compile(r":ref:`(?:[^`<]*<)?([^`<>]+)>?`")


def main() -> int:
    """Returns 0 when every step did; the first that fails ends the gate."""
    lint = ("lint-collection-docs", ".", "--plugin-docs", "--validate-collection-refs=self")
    with tempfile.TemporaryDirectory(prefix="docs-") as scratch:
        pages = Path(scratch) / "pages"
        # antsibull-docs refuses a folder that others may write to, as one is under some umasks.
        pages.mkdir(mode=0o755)
        build = ("collection", "--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", str(pages))
        html = ("--fail-on-warning", "--keep-going", "--quiet", str(pages), str(Path(scratch) / "html"))
        if status := _run("antsibull-docs", *lint) or _run("antsibull-docs", *build, COLLECTION):
            return status
        (pages / "conf.py").write_text(CONFIGURATION)
        (pages / "ansible.rst").write_text(stand_in(path.read_text() for path in pages.rglob("*.rst")))
        status = _run("sphinx-build", *html)
        print(f"{len(list(pages.rglob('*.rst')))} pages")
        return status


def stand_in(pages: t.Iterable[str]) -> str:
    """A page that has the labels of Ansible's own documentation to which `pages` refer.

    Labels of this collection are left to Sphinx, which warns of those that lead nowhere.
    """
    labels = {label for page in pages for label in REFERENCE.findall(page)}
    own = f"ansible_collections.{COLLECTION}."
    anchors = "".join(
        f".. _{label}:\n\n{label}\n{'-' * len(label)}\n\n" for label in sorted(labels) if own not in label
    )
    return f":orphan:\n\nAnsible\n=======\n\n{anchors}"


def _run(*command: str) -> int:
    # Without the hundred collections of the package `ansible`, whose documentation would be read for minutes.
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
