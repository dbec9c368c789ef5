# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads how a user names a function: by its name alone, or with its argument types in brackets."""

from __future__ import annotations

import typing as t


class Signature(t.NamedTuple):
    """A function's name and the texts of its argument types; None where only the name is given."""

    name: str
    types: tuple[str, ...] | None


def parse(text: str) -> Signature | None:
    """The signature, or None when the brackets do not match or a type is empty.

    Brackets and commas inside of quoted identifiers and of type modifiers belong to the type.
    """
    if not text.endswith(")"):
        return Signature(text, None)
    start = _opening(text)
    if not start:
        return None
    inner = text[start + 1 : -1]
    types = tuple(part.strip() for part in _parts(inner)) if inner.strip() else ()
    return Signature(text[:start].rstrip(), types) if all(types) else None


def _opening(text: str) -> int:
    """Where the bracket opens that the text's last character closes; 0 if nowhere after a name."""
    depth, in_quotes = 0, False
    for at in range(len(text) - 1, 0, -1):
        if text[at] == '"':
            in_quotes = not in_quotes
        elif not in_quotes:
            depth += {")": 1, "(": -1}.get(text[at], 0)
            if depth == 0:
                return at
    return 0


def _parts(text: str) -> list[str]:
    """The text cut at its outer commas."""
    parts, depth, in_quotes = [""], 0, False
    for letter in text:
        in_quotes ^= letter == '"'
        depth += 0 if in_quotes else {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth and not in_quotes:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
