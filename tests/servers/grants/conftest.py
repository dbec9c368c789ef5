# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server of each version for a session, and on it a new database and roles for each test."""

from __future__ import annotations

import pytest
from grants_lab import Lab, running
from postgresql_lab import missing


@pytest.fixture(scope="session", params=[15, 16, 18], ids=lambda version: f"postgresql-{version}")
def postgres(request):
    if reason := missing(request.param):
        pytest.skip(reason)
    with running(request.param) as server:
        yield server


@pytest.fixture
def lab(postgres):
    lab = Lab(postgres)
    lab.reset()
    return lab
