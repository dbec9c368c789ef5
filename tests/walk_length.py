# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a random walk goes: a sample in `make test`, its whole length in `make walks`."""

from __future__ import annotations

import os


def steps(sample: int, whole: int) -> int:
    """The steps of a walk; WALK_STEPS overrides both lengths."""
    usual = whole if os.environ.get("WALKS") == "whole" else sample
    return int(os.environ.get("WALK_STEPS", usual))
