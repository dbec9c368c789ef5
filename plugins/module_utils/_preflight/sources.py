# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a variable is set: the inventory's files, read as text so that a broken or encrypted value still counts."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

_SUFFIXES = ("", ".yml", ".yaml", ".json", ".ini")


@dataclasses.dataclass(frozen=True)
class SourceFile:
    """A file of an inventory.

    ``scope`` is the group or host whose variables it sets ("all" for an inventory file); of two files that set a
    variable the one with the higher ``precedence`` wins, in Ansible's own order.
    """

    path: pathlib.Path
    scope: str
    precedence: int
    text: str

    def sets(self, name: str) -> bool:
        """Whether it has a key or variable of this name, outside comments."""
        return re.search(rf"""(?m)^[^#\n]*?(?<![\w.-])["']?{re.escape(name)}["']?\s*[:=](?!=)""", self.text) is not None


def read_inventory(sources: t.Iterable[str]) -> list[SourceFile]:
    """The files of the inventories (folders or files), the one that wins last; what is no file is left out."""
    files = [file for source in sources for file in _files_of(pathlib.Path(source))]
    return sorted(files, key=lambda file: file.precedence)


def _files_of(source: pathlib.Path) -> t.Iterator[SourceFile]:
    for path in sorted(source.iterdir()) if source.is_dir() else [source]:
        yield from _read(path, "all", 0)
    folder = source if source.is_dir() else source.parent
    for kind in ("group_vars", "host_vars"):
        for entry in sorted((folder / kind).glob("*")):
            scope = entry.name if entry.is_dir() else entry.stem
            precedence = 3 if kind == "host_vars" else 1 if scope == "all" else 2
            for path in sorted(entry.rglob("*")) if entry.is_dir() else [entry]:
                yield from _read(path, scope, precedence)


def _read(path: pathlib.Path, scope: str, precedence: int) -> t.Iterator[SourceFile]:
    if path.is_file() and path.suffix in _SUFFIXES and not path.name.startswith("."):
        yield SourceFile(path, scope, precedence, path.read_text(encoding="utf-8", errors="replace"))


@dataclasses.dataclass(frozen=True)
class Sources:
    """Answers where a user sets a variable.

    ``files`` are the inventory's, ``example`` those of the inventory that the collection ships: a variable that is set
    nowhere belongs in the file that sets it there. ``extra`` are the names given on the command line.
    """

    files: list[SourceFile]
    example: list[SourceFile]
    example_root: pathlib.Path
    inventory_root: pathlib.Path
    extra: t.Collection[str]

    def where(self, variable: str, scopes: t.Collection[str]) -> str:
        """The file that sets the variable for a host in these groups (or of this name), or the one it belongs in."""
        name = re.split(r"[.\[]", variable)[0]
        if name in self.extra:
            return "--extra-vars, where key=value makes a text of every value"
        setting = [file.path for file in self.files if file.scope in {"all", *scopes} and file.sets(name)]
        if setting:
            return shown_path(setting[-1])
        belonging = [file.path.relative_to(self.example_root) for file in self.example if file.sets(name)]
        if belonging:
            return shown_path(self.inventory_root / belonging[-1])
        return f"a file of {shown_path(self.inventory_root / 'group_vars/all')}"


def shown_path(path: pathlib.Path) -> str:
    """The path as a user would type it: relative where it lies in the current folder."""
    here = pathlib.Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
