# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In random states a random list brings about just what it says: a bounded sample of tests/walks."""

from __future__ import annotations

import grants_walk


def test_random_lists_on_random_states(lab):
    grants_walk.walk(lab, 12)
