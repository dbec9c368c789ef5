# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from a go.mod what the builder needs: which programs it names and which release they are."""

from __future__ import annotations

import dataclasses
import re
import typing as t

# The last element of an import path that only says which major version it is (`example.org/tool/v3`).
_MAJOR_VERSION = re.compile(r"v[1-9][0-9]*")


@dataclasses.dataclass(frozen=True)
class GoModule:
    """A go.mod: ``requires`` maps module paths to versions, ``tools`` lists import paths in the file's order."""

    requires: t.Mapping[str, str]
    tools: tuple[str, ...]

    @property
    def programs(self) -> dict[str, str]:
        """Maps the name that go gives each tool's program to the tool's import path."""
        return {program_name(tool): tool for tool in self.tools}

    @property
    def version(self) -> str:
        """The version of the module that provides the first tool, as go.mod writes it (``v3.6.16``).

        "" when there is no tool or no required module provides it. As the go command does, the module with the longest
        path that is a prefix of the import path is taken.
        """
        if not self.tools:
            return ""
        providers = [path for path in self.requires if f"{self.tools[0]}/".startswith(f"{path}/")]
        return self.requires[max(providers, key=len)] if providers else ""


def parse_go_mod(text: str) -> GoModule:
    """Reads the ``require`` and ``tool`` directives, alone or in blocks; everything else is left to the go command.

    The grammar is that of https://go.dev/ref/mod#go-mod-file-grammar.
    """
    requires: dict[str, str] = {}
    tools: list[str] = []
    block = ""
    for line in text.splitlines():
        words = [word.strip('"`') for word in line.split("//", 1)[0].split()]
        if words == [")"]:
            block = ""
        elif len(words) == 2 and words[1] == "(":
            block = words[0]
        elif words:
            directive, *values = [block, *words] if block else words
            if directive == "require" and len(values) == 2:
                requires[values[0]] = values[1]
            elif directive == "tool" and len(values) == 1:
                tools.append(values[0])
    return GoModule(requires, tuple(tools))


def program_name(import_path: str) -> str:
    """The file name that ``go build`` gives a program: the last element that is not a major version.

    Upstream: ``DefaultExecName`` in cmd/go/internal/load.
    """
    *parents, last = import_path.split("/")
    return parents[-1] if parents and _MAJOR_VERSION.fullmatch(last) else last
