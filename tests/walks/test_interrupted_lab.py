# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make lab` is interrupted at random moments of a build from nothing; the next one must complete it.

SEED replays a walk; tests/walk_length.py tells how long it is.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from walk_length import steps

CLONE = Path(__file__).parents[2]
SEED = int(os.environ.get("SEED", "20261123"))
STEPS = steps(sample=2, whole=10)
LIMIT_S = 180
PORT_BASE = 27740


class Lab:
    """`make lab` with a state folder and ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "make-lab.log"
        self._args = f"ARGS=-e '{{lab_state_dir: \"{folder}/state\", rehearsal_base_port: {PORT_BASE}}}'"

    def start(self, target: str = "lab") -> subprocess.Popen[bytes]:
        with self.log.open("wb") as log:
            return subprocess.Popen(
                ["make", target, self._args], cwd=CLONE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def run(self, target: str = "lab") -> str:
        process = self.start(target)
        assert process.wait(LIMIT_S) == 0, self.log.read_text(errors="replace")[-4000:]
        return self.log.read_text(errors="replace")

    def interrupt(self, after_s: float, how: signal.Signals) -> None:
        """What Ctrl-C (SIGINT) or a lost machine (SIGKILL) does: the whole process group gets the signal."""
        process = self.start()
        time.sleep(after_s)
        if process.poll() is None:
            os.killpg(process.pid, how)
        process.wait(LIMIT_S)


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    yield lab
    lab.run("lab-down")


def test_lab_interrupted_at_random_moments_is_completed_by_the_next_run(lab):
    choice = random.Random(SEED)
    print(f"seed {SEED}, {STEPS} interruptions")
    started = time.monotonic()
    lab.run()
    whole_s = time.monotonic() - started
    for step in range(STEPS):
        lab.run("lab-down")
        subprocess.run(["rm", "-rf", str(lab.log.parent / "state")], check=True)
        after_s = choice.uniform(0.2, whole_s)
        how = choice.choice([signal.SIGINT, signal.SIGKILL])
        print(f"step {step}: {how.name} after {after_s:.2f} s of {whole_s:.2f} s")
        lab.interrupt(after_s, how)
        assert "failed=0" in lab.run()
        assert " changed=0 " in lab.run()
