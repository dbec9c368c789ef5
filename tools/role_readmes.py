# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the table of variables in each role's README.md from meta/argument_specs.yml, between two markers.

`python tools/role_readmes.py` writes the tables, with `--check` it only says which are out of date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- variables: written by tools/role_readmes.py from meta/argument_specs.yml -->"
END = "<!-- end of variables -->"
# Ansible's documentation markup: M(x), O(x), V(x), C(x), ... and L(text,link).
MARKUP = re.compile(r"\b[BCEFIMOPV]+\(([^()]*)\)")
LINK = re.compile(r"\bL\(([^(),]*),\s*([^()]*)\)")


def main(arguments: list[str]) -> int:
    """Returns 1 when a README lacks its markers, or with --check is out of date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args(arguments).check
    complaints = []
    for spec in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        readme = spec.parent.parent / "README.md"
        name = readme.relative_to(ROOT)
        before = readme.read_text(encoding="utf-8") if readme.exists() else ""
        if BEGIN not in before or END not in before:
            complaints.append(f"{name}: lacks the lines '{BEGIN}' and '{END}', between which its variables stand")
            continue
        after = with_tables(before, yaml.safe_load(spec.read_text(encoding="utf-8"))["argument_specs"])
        if after == before:
            continue
        if check:
            complaints.append(f"{name}: its variables differ from the spec; run python tools/role_readmes.py")
        else:
            readme.write_text(after, encoding="utf-8")
    sys.stderr.writelines(f"{complaint}\n" for complaint in complaints)
    return int(bool(complaints))


def with_tables(readme: str, specs: dict[str, t.Any]) -> str:
    """The README's text with a table for each entry point between the markers, `main` without a headline."""
    parts = []
    for name, spec in sorted(specs.items(), key=lambda entry: (entry[0] != "main", entry[0])):
        headline = (
            [] if name == "main" else [f"Variables of `tasks_from: {name}`, {_text(spec['short_description'])}:", ""]
        )
        parts.append("\n".join([*headline, table(spec.get("options", {}))]))
    head, rest = readme.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    return "\n\n".join([head + BEGIN, *parts, END + tail])


def table(options: dict[str, t.Any]) -> str:
    """A Markdown table with a row for each variable and each key inside it."""
    if not options:
        return "It has no variables."
    return "\n".join(["| variable | type | default | meaning |", "|-|-|-|-|", *_rows(options)])


def _rows(options: dict[str, t.Any], parent: str = "") -> t.Iterator[str]:
    for name, option in options.items():
        path = parent + name
        kind = option.get("type", "str")
        if kind == "list":
            kind = f"list of {option.get('elements', 'any')}"
        default = (
            f"`{_value(option['default'])}`" if "default" in option else "*required*" if option.get("required") else ""
        )
        choices = ", ".join(f"`{_value(choice)}`" for choice in option.get("choices", ()))
        meaning = _text(option["description"]) + (f" One of {choices}." if choices else "")
        cells = (f"`{path}`", kind, default, meaning)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        inside = f"{path}[]." if option.get("type") == "list" else f"{path}."
        yield from _rows(option.get("options", {}), inside)


def _value(value: t.Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)


def _text(description: str | list[str]) -> str:
    text = description if isinstance(description, str) else " ".join(description)
    return MARKUP.sub(r"`\1`", LINK.sub(r"[\1](\2)", " ".join(text.split())))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
