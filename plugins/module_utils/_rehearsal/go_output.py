# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Understands what go and pip print: how far a build is, and why one failed."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import enum
import re

# What `go list` is asked to print for each package: `package <import path> <stale> <reason>`.
LIST_FORMAT = "package {{.ImportPath}} {{.Stale}} {{.StaleReason}}"
# go list's reason for a main package that is compiled but, as always here, not installed.
_COMPILED_BEFORE = "not installed but available in build cache"
_SHOWN_LINES = 8
# pip's warning about a connection, around what the connection said: an exception, an object's address.
_PIP_WARNING = re.compile(r"^.* after connection broken by '\w+\([\"']?(?:<[^>]*>: )?(?P<said>.*?)[\"']?\)': /.*$")
_USERINFO = re.compile(r"(?<=://)[^/@\s\"']+@")


@dataclasses.dataclass
class GoProgress:
    """Counts what ``go list`` and ``go build -v`` print.

    ``packages`` is how many packages the programs consist of, ``known`` how many of them are in the build cache from
    an earlier build, ``compiled`` how many this build compiled.
    """

    modules: int = 0
    module: str = ""
    packages: int = 0
    known: int = 0
    compiled: int = 0

    def read(self, line: str) -> None:
        """Counts one line; lines that say nothing about progress are ignored."""
        words = line.split()
        if words[:2] == ["go:", "downloading"]:
            self.modules += 1
            self.module = " ".join(words[2:])
        elif words[:2] == ["package", "unsafe"]:
            pass  # It has no code: it is never compiled, and never stale.
        elif words[:1] == ["package"] and len(words) >= 3 and words[2] in {"true", "false"}:
            self.packages += 1
            self.known += words[2] == "false" or line.endswith(_COMPILED_BEFORE)
        elif len(words) == 1 and not line.startswith(("#", "go:", "\t", " ")):
            self.compiled += 1

    def text(self) -> str:
        """Where the build stands, as the middle of a sentence."""
        if self.packages:
            wanted = self.packages - self.known
            if self.compiled >= wanted:
                return "linking"
            before = f" ({self.known} more are there from an earlier build)" if self.known else ""
            return f"compiled {self.compiled} of {wanted} packages{before}"
        if self.modules:
            return f"downloaded {self.modules} modules, the last {self.module}"
        return "reading its modules"


class Cause(enum.Enum):
    """Why a command failed, as far as its output tells."""

    DISK_FULL = enum.auto()
    CHECKSUM = enum.auto()
    UNREACHABLE = enum.auto()
    NOT_WRITABLE = enum.auto()
    NOT_OFFERED = enum.auto()
    OTHER = enum.auto()


# In order of precedence: a full disk can also look like a broken download, and pip says that nothing is on offer after
# it could not reach the index.
_SIGNS = (
    (Cause.DISK_FULL, re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)),
    (Cause.CHECKSUM, re.compile(r"SECURITY ERROR|checksum mismatch|DO NOT MATCH THE HASHES")),
    (
        Cause.UNREACHABLE,
        re.compile(
            # go through a module proxy, go from a repository itself, pip.
            r"(?:Get|read|reading) \"?https?://\S+: |dial tcp|GOPROXY=off"
            r"|unable to access|Could not resolve host"
            r"|connection broken|Could not fetch URL|Read timed out"
        ),
    ),
    (Cause.NOT_OFFERED, re.compile(r"No matching distribution found")),
    (Cause.NOT_WRITABLE, re.compile(r"permission denied|read-only file system", re.IGNORECASE)),
)


def cause_of(lines: c.Sequence[str]) -> tuple[Cause, str]:
    """Why a command failed, and the first line that says so, without credentials; "" with ``Cause.OTHER``."""
    for cause, sign in _SIGNS:
        for line in lines:
            if sign.search(line):
                return cause, without_credentials(_PIP_WARNING.sub(r"\g<said>", line.strip()))
    return Cause.OTHER, ""


def last_lines(lines: c.Sequence[str]) -> str:
    """The end of a command's output, fit to be shown: no progress lines, no credentials."""
    telling = [line for line in lines if line.strip() and not _is_progress(line)]
    return "\n".join(f"    {without_credentials(line)}" for line in telling[-_SHOWN_LINES:])


def without_credentials(text: str) -> str:
    """Hides user names and passwords in URLs: a proxy's address may carry them."""
    return _USERINFO.sub("***@", text)


def _is_progress(line: str) -> bool:
    return line.startswith(("go: downloading ", "package ")) or re.fullmatch(r"[\w.~-]+(/[\w.~+-]+)*", line) is not None
