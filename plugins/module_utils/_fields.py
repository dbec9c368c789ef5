# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one dictionary that a user wrote, field by field; what is wrong goes into InputErrors with its path."""

from __future__ import annotations

import difflib
import re
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputErrors

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DNS_LABEL = re.compile(_LABEL)
_DNS_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")


class Fields:
    """One dictionary at ``path``; each method returns the field's value, or its default when it is unset or wrong."""

    def __init__(self, raw: t.Any, path: str, known: t.Collection[str], errors: InputErrors) -> None:
        self.path = path
        self._errors = errors
        self._raw: t.Mapping[str, t.Any] = raw if isinstance(raw, dict) else {}
        if not isinstance(raw, dict):
            errors.add(path, raw, f"a dictionary with {', '.join(known)}")
        for key in self._raw:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, 1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                errors.add(f"{path}.{key}", self._raw[key], f"the keys {', '.join(known)}{hint}")

    def wrong(self, name: str, allowed: str) -> None:
        """Records that a field's value is not allowed."""
        self._errors.add(f"{self.path}.{name}", self._raw.get(name), allowed)

    def text(self, name: str, pattern: re.Pattern[str] | None = None, allowed: str = "a text") -> str | None:
        value = self._raw.get(name)
        if value is None or (isinstance(value, str) and (pattern is None or pattern.fullmatch(value))):
            return value
        self.wrong(name, allowed)
        return None

    def dns_label(self, name: str, *, dots: bool = False) -> str:
        """A required DNS label, or several with ``dots`` between them; "" when it is missing or wrong."""
        allowed = f"a DNS {'name' if dots else 'label'}: a-z, 0-9 and -, with - neither first nor last"
        if self._raw.get(name) is None:
            self.wrong(name, allowed)
        return self.text(name, _DNS_NAME if dots else _DNS_LABEL, allowed) or ""

    def choice(self, name: str, choices: t.Sequence[str], default: str) -> str:
        value = self._raw.get(name)
        if value is None or value in choices:
            return default if value is None else str(value)
        self.wrong(name, f"one of {', '.join(choices)}")
        return default

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._raw.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.wrong(name, "true or false")
        return default

    def number(self, name: str, low: int, high: int) -> int | None:
        """A whole number from ``low`` to ``high``."""
        value = self._raw.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and low <= value <= high):
            return value
        self.wrong(name, f"a whole number from {low} to {high}")
        return None

    def items(self, name: str, *, required: bool = False) -> list[tuple[str, t.Any]] | None:
        """The path and the value of each item of a list; None when it is unset."""
        value = self._raw.get(name)
        if isinstance(value, list) and (value or not required):
            return [(f"{self.path}.{name}[{index}]", item) for index, item in enumerate(value)]
        if value is not None or required:
            self.wrong(name, "a list with at least one item" if required else "a list")
        return None

    def texts(self, name: str, *, required: bool = False) -> list[str] | None:
        """A list of texts without repetition; None when it is unset."""
        items = self.items(name, required=required)
        if items is None:
            return None
        texts: list[str] = []
        for path, item in items:
            if not isinstance(item, str) or item in texts:
                self._errors.add(path, item, "a text that is in the list once")
            else:
                texts.append(item)
        return texts

    def labels(self, name: str) -> dict[str, str]:
        """A dictionary of texts."""
        value = self._raw.get(name)
        if isinstance(value, dict) and all(isinstance(text, str) for pair in value.items() for text in pair):
            return value
        if value is not None:
            self.wrong(name, "a dictionary of texts")
        return {}
