# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects what is wrong with a user's input and words it once: variable, value, what is allowed, where to set it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._plan import MASK


class Words(str):
    """What is wrong in words, shown as it is in place of a value ("an unknown key", "(hidden)", a sum laid out)."""

    __slots__ = ()


class Hidden(str):
    """A value that is compared and parsed like any other text but never shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return MASK


@dataclasses.dataclass(frozen=True)
class InputError:
    """One wrong value.

    ``variable`` is the path to it as a user writes it (``lab_nodes[1].address``), ``value`` what is set there or
    ``Words`` about it, ``allowed`` a phrase that follows "allowed:", ``where`` the file or place in which the user sets
    it ("" when there is nothing to add).
    """

    variable: str
    value: t.Any
    allowed: str
    where: str = ""

    def __str__(self) -> str:
        place = f" (set it in {self.where})" if self.where else ""
        return f"{self.variable} is {_shown(self.value)}; allowed: {self.allowed}{place}"


class InputErrors:
    """Gathers errors so that a user sees all of them at once."""

    def __init__(self) -> None:
        self._errors: list[InputError] = []

    def __bool__(self) -> bool:
        return bool(self._errors)

    def __iter__(self) -> t.Iterator[InputError]:
        return iter(self._errors)

    def add(self, variable: str, value: t.Any, allowed: str, where: str = "") -> None:
        """Records one error; the same error twice is recorded once."""
        error = InputError(variable, value, allowed, where)
        if error not in self._errors:
            self._errors.append(error)

    def message(self, subject: str) -> str:
        """One text for all errors: a headline that counts them, then a line each."""
        count = len(self._errors)
        headline = f"{subject}: {count} error{'' if count == 1 else 's'}"
        return "\n".join([headline, *(f"  - {error}" for error in self._errors)])


def _shown(value: t.Any) -> str:
    if isinstance(value, Words):
        return value
    text = "not set" if value is None else repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
