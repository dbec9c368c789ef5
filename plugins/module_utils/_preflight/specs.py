# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks values against the argument specs of the roles, strictly and with the path to every error.

ansible-core's own ``ArgumentSpecValidator`` reads the same specs when a role starts. It names neither the list element
nor the whole path, merges all unknown keys into one sentence, raises a TypeError for a number where a mapping belongs
or as a key, and converts ("80" passes for 80, "a,b" for a list). What passes here passes there: a test holds the two
together.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing as t

from ansible_collections.srelab.url_shortener.plugins.module_utils._input_errors import InputError, Words
from ansible_collections.srelab.url_shortener.plugins.module_utils._plan import MASK


@dataclasses.dataclass(frozen=True)
class Option:
    """One option of an argument spec; ``options`` are those of a mapping or of a list's mappings."""

    description: str = ""
    type: str = "str"
    required: bool = False
    default: t.Any = None
    choices: tuple[t.Any, ...] = ()
    elements: str = ""
    no_log: bool = False
    options: t.Mapping[str, Option] = dataclasses.field(default_factory=dict)


_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "a text"),
    "path": ((str,), "a path"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "list": ((list,), "a list"),
    "dict": ((dict,), "a mapping"),
    "raw": ((object,), "any value"),
}


def read_options(options: t.Mapping[str, t.Any]) -> dict[str, Option]:
    """The options of an entry point (or of a nested spec) as written in meta/argument_specs.yml."""
    return {name: _read_option(raw) for name, raw in options.items()}


def _read_option(raw: t.Mapping[str, t.Any]) -> Option:
    description = raw.get("description", "")
    return Option(
        description=description if isinstance(description, str) else description[0],
        type=raw.get("type", "str"),
        required=raw.get("required", False),
        default=raw.get("default"),
        choices=tuple(raw.get("choices", ())),
        elements=raw.get("elements", ""),
        no_log=raw.get("no_log", False),
        options=read_options(raw.get("options", {})),
    )


def value_errors(option: Option, value: t.Any, path: str) -> t.Iterator[InputError]:
    """What is wrong with one value, down to its last element.

    ``None`` counts as not set: an error for a required option and for one that has a default, whose place it would
    take. A required list has at least one element: an empty one says as little as none. Of an option with ``no_log`` no
    value is shown.
    """
    for error in _value_errors(option, value, path):
        hide = option.no_log and not isinstance(error.value, Words) and error.value is not None
        yield dataclasses.replace(error, value=Words(MASK)) if hide else error


def _value_errors(option: Option, value: t.Any, path: str) -> t.Iterator[InputError]:
    if value is None:
        if option.required or option.default is not None:
            yield not_set(option, path)
        return
    if not _is_a(option.type, value) or (option.required and value == []):
        yield InputError(path, value, allowed_values(option))
    elif option.type == "list":
        element = Option(type=option.elements or "raw", required=True, choices=option.choices, options=option.options)
        for index, item in enumerate(value):
            yield from value_errors(element, item, f"{path}[{index}]")
    elif option.choices and value not in option.choices:
        yield InputError(path, value, allowed_values(option))
    elif option.type == "dict" and option.options:
        yield from _mapping_errors(option.options, value, path)


def _mapping_errors(
    options: t.Mapping[str, Option], value: t.Mapping[t.Any, t.Any], path: str
) -> t.Iterator[InputError]:
    for key in value:
        if key not in options:
            yield InputError(f"{path}.{key}", Words("an unknown key"), known_names(str(key), options))
    for name, option in options.items():
        yield from value_errors(option, value.get(name), f"{path}.{name}")


def not_set(option: Option, path: str) -> InputError:
    """The error that a required value is missing, with the option's description."""
    # Without the markup of documentation, such as C(server).
    description = re.sub(r"[A-Z]\(([^)]*)\)", r"\1", option.description).rstrip(".")
    return InputError(path, None, ". ".join(filter(None, (allowed_values(option), description))))


def unknown_variable(name: str, known: t.Collection[str]) -> InputError:
    """The error for a variable that no role knows. Its value may be a misplaced secret and is not shown."""
    alike = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return InputError(name, Words("an unknown variable"), f"variables of the roles; the nearest is {alike[0]}")


def known_names(name: str, known: t.Collection[str]) -> str:
    """All known names, the one that looks most like ``name`` pointed out."""
    alike = difflib.get_close_matches(name, known, n=1)
    nearest = f"; the nearest is {alike[0]}" if alike else ""
    return f"{', '.join(sorted(known))}{nearest}"


def allowed_values(option: Option) -> str:
    """A phrase for what an option takes: "a whole number", "server or agent", "a list of mappings with ..."."""
    if option.choices:
        return " or ".join(str(choice) for choice in option.choices)
    words = _TYPES[option.type][1]
    if option.type == "list":
        words = f"a list of {'at least one ' * option.required}{_TYPES[option.elements or 'raw'][1].removeprefix('a ')}"
    if option.options:
        words += f" with {', '.join(option.options)}"
    return words


def _is_a(name: str, value: t.Any) -> bool:
    classes = _TYPES[name][0]
    # Python counts True as an int.
    return isinstance(value, classes) and (bool in classes or object in classes or not isinstance(value, bool))
