# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The long form of tests/servers/grants/test_postgresql_grants_property.py.

A step is a state on each version. SEED replays a walk; tests/walk_length.py tells how long it is.
"""

from __future__ import annotations

import grants_walk
import pytest
from grants_lab import Lab, running
from postgresql_lab import missing
from walk_length import steps

STEPS = steps(sample=5, whole=300)


@pytest.mark.parametrize("version", [15, 16, 18])
def test_random_lists_on_random_states(version):
    if reason := missing(version):
        pytest.skip(reason)
    with running(version) as server:
        grants_walk.walk(Lab(server), STEPS)
