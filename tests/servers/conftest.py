# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rehearsal for all tests of a session that need a running control plane."""

from __future__ import annotations

import contract
import pytest
import rehearsal_lab


@pytest.fixture(scope="session")
def proven(tmp_path_factory):
    """A rehearsal brought up from nothing under the check-mode contract, and the proof's three runs."""
    state = tmp_path_factory.mktemp("rehearsal") / "state of it"
    lab = rehearsal_lab.Lab(state)
    try:
        proof = contract.prove(
            "playbooks/rehearsal.yml", rehearsal_lab.INVENTORY, extra_vars=lab.variables, untouched=[state]
        )
        yield lab, proof
    finally:
        lab.down()


@pytest.fixture
def lab(proven):
    """The session's rehearsal, which the test leaves as it found it."""
    lab, _proof = proven
    return lab


@pytest.fixture
def disturbed_lab(lab):
    """The session's rehearsal for a test that disturbs it: the layer is run once more in the end."""
    yield lab
    lab.up()


@pytest.fixture
def new_lab(tmp_path):
    """Makes rehearsals of a test's own, and ends them."""
    labs = []

    def make(**variables):
        labs.append(rehearsal_lab.Lab(tmp_path / f"state {len(labs)}", **variables))
        return labs[-1]

    yield make
    for lab in labs:
        lab.down()
