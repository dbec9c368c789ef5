# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The long form of tests/servers/grants/test_postgresql_grants_property.py.

WALK_STEPS is the number of states on each version, SEED replays a walk.
"""

from __future__ import annotations

import os

import grants_walk
import pytest
from grants_lab import Lab, running
from postgresql_lab import missing

STEPS = int(os.environ.get("WALK_STEPS", "300"))


@pytest.mark.parametrize("version", [15, 16, 18])
def test_random_lists_on_random_states(version):
    if reason := missing(version):
        pytest.skip(reason)
    with running(version) as server:
        grants_walk.walk(Lab(server), STEPS)
