# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a long build: at its start and end, and one every few seconds between."""

from __future__ import annotations

import pytest
from ansible_collections.srelab.url_shortener.plugins.module_utils._rehearsal.progress import Progress


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def said():
    return []


def test_a_build_is_heard_at_its_start_every_five_seconds_and_at_its_end(clock, said):
    with Progress(said.append, clock).of("etcd 3.6.16 (1 of 3)", "built") as step:
        step.at(lambda: f"at {clock.now:.0f}")
        for _second in range(12):
            clock.now += 1
            step.tick()
    assert said == [
        "etcd 3.6.16 (1 of 3): at 100 (0 s)",
        "etcd 3.6.16 (1 of 3): at 105 (5 s)",
        "etcd 3.6.16 (1 of 3): at 110 (10 s)",
        "etcd 3.6.16 (1 of 3): built in 12 s",
    ]


def test_a_failed_build_is_not_said_to_be_built(clock, said):
    with pytest.raises(OSError, match="no"), Progress(said.append, clock).of("etcd", "built"):
        raise OSError("no")
    assert said == []


def test_who_waits_hears_for_whom_at_once_and_then_every_half_minute(clock, said):
    on_wait = Progress(said.append, clock).waiting("etcd 3.6.16")
    for _tick in range(400):
        on_wait("process 42 in /clone")
        clock.now += 0.1
    assert said == ["etcd 3.6.16: waiting, process 42 in /clone is making it"] * 2
