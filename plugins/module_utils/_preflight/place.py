# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lenient cursor into declared values: what has the wrong type reads as absent, since the spec check reports it.

So the other rules still see everything that is right, and one run lists all errors.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputError

T = t.TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Place:
    """A value and the path to it, as a user writes it."""

    path: str
    value: t.Any

    def __getitem__(self, key: str) -> Place:
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return Place(f"{self.path}.{key}", value)

    @property
    def items(self) -> list[Place]:
        """The elements of a list."""
        if not isinstance(self.value, list):
            return []
        return [Place(f"{self.path}[{index}]", item) for index, item in enumerate(self.value)]

    @property
    def text(self) -> str | None:
        """The value when it is a text."""
        return str(self.value) if isinstance(self.value, str) else None

    @property
    def number(self) -> float | None:
        """The value when it is a number."""
        return self.value if isinstance(self.value, (int, float)) and not isinstance(self.value, bool) else None

    def error(self, allowed: str) -> InputError:
        """The error that this value is not an allowed one."""
        return InputError(self.path, self.value, allowed)


@dataclasses.dataclass(frozen=True)
class Parsed(t.Generic[T]):
    """A well-formed value with the place it was read from."""

    place: Place
    value: T

    def error(self, allowed: str) -> InputError:
        """The error that this value is not an allowed one."""
        return self.place.error(allowed)


class Reader:
    """Parses texts and collects those that are malformed."""

    def __init__(self) -> None:
        self.errors: list[InputError] = []

    def text(self, place: Place, parse: t.Callable[[str], T], allowed: str) -> Parsed[T] | None:
        """The text at a place, parsed; ``None`` when it is absent or ``parse`` raises a ValueError (which is noted)."""
        if place.text is None:
            return None
        try:
            return Parsed(place, parse(place.text))
        except ValueError:
            self.errors.append(place.error(allowed))
            return None

    def number(self, place: Place, minimum: int, maximum: int | None = None) -> Parsed[float] | None:
        """The number at a place; ``None`` when it is absent or out of its range (which is noted)."""
        if place.number is None:
            return None
        if minimum <= place.number <= (math.inf if maximum is None else maximum):
            return Parsed(place, place.number)
        self.errors.append(place.error(f"{minimum} or more" if maximum is None else f"{minimum} to {maximum}"))
        return None
