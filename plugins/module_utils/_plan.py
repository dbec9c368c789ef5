# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task will change, as data: one type behind `changed`, `--diff` and check mode."""

from __future__ import annotations

import dataclasses
import typing as t

MASK = "(hidden)"


@dataclasses.dataclass(frozen=True)
class Change:
    """One object that differs from what is wanted.

    ``object`` names it the same way in check mode and in the real run ("server etcd", "certificate admin"): the
    check-mode contract compares these names. ``before`` and ``after`` are texts fit to be shown; a secret is replaced
    by ``MASK`` or by a fingerprint before it gets here.
    """

    object: str
    before: str = ""
    after: str = ""


@dataclasses.dataclass(frozen=True)
class Plan:
    """The ordered changes that turn a snapshot into what is wanted; empty when nothing differs."""

    changes: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __add__(self, other: Plan) -> Plan:
        return Plan(self.changes + other.changes)

    @property
    def objects(self) -> list[str]:
        """The names of the objects that change, in order."""
        return [change.object for change in self.changes]

    def result(self) -> dict[str, t.Any]:
        """The part of an Ansible result that every plan gives: ``changed``, ``objects`` and ``diff``."""
        diff = [
            {
                "before_header": change.object,
                "after_header": change.object,
                "before": _with_newline(change.before),
                "after": _with_newline(change.after),
            }
            for change in self.changes
        ]
        return {"changed": bool(self), "objects": self.objects, "diff": diff}


def _with_newline(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"
