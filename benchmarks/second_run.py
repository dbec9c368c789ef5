# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a run takes that has nothing to do: site.yml on a rehearsal that is up, beside as many empty plays."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
INVENTORY = ROOT / "inventory" / "rehearsal"
SITE = ROOT / "site.yml"


def main() -> None:
    """Prints one JSON line: seconds of site.yml's second run, of as many empty plays, and their ratio (medians)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="pairs to measure (default: %(default)s)")
    runs = parser.parse_args().runs
    if runs < 1:
        sys.exit("second_run: --runs must be 1 or more")
    refuse_changes(ansible_playbook(SITE, "--check")[1])
    with tempfile.TemporaryDirectory(prefix="second-run-") as scratch:
        floor = pathlib.Path(scratch) / "empty.yml"
        floor.write_text(empty_playbook(count_plays(ansible_playbook(SITE, "--list-hosts")[1])), encoding="utf-8")
        # The first pair only warms the caches up.
        pairs = [(second_run(), ansible_playbook(floor)[0]) for _pair in range(runs + 1)][1:]
    ours, empty = (statistics.median(column) for column in zip(*pairs, strict=True))
    line = {"name": "second_run", "ours_s": round(ours, 3), "floor_s": round(empty, 3), "ratio": round(ours / empty, 2)}
    print(json.dumps(line))


def second_run() -> float:
    """Seconds that site.yml takes when it has nothing left to do."""
    seconds, output = ansible_playbook(SITE)
    refuse_changes(output)
    return seconds


def refuse_changes(output: str) -> None:
    """Ends the program when a run changed something, or would have: it was no second run."""
    changed = sum(map(int, re.findall(r"\bchanged=(\d+)", output.rpartition("PLAY RECAP")[2])))
    if changed:
        sys.exit(
            f"second_run: the rehearsal is not up, {changed} tasks of site.yml have something to do: run `make lab`"
        )


def ansible_playbook(playbook: pathlib.Path, *options: str) -> tuple[float, str]:
    """Seconds and output of one run against the rehearsal; ends the program when the run fails."""
    lab = ["-i", str(INVENTORY), "--vault-id", f"rehearsal@{INVENTORY / 'vault-password'}"]
    command = [sys.executable, "-m", "ansible", "playbook", *lab, str(playbook), *options]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_STDOUT_CALLBACK": "default"}
    begun = time.perf_counter()
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if run.returncode:
        sys.exit(f"second_run: {playbook.name} failed, `make lab` shows why:\n{(run.stdout + run.stderr)[-2000:]}")
    return seconds, run.stdout


def count_plays(listing: str) -> int:
    """Plays in the output of ``ansible-playbook --list-hosts``."""
    return len(re.findall(r"^ *play #\d+", listing, re.MULTILINE))


def empty_playbook(plays: int) -> str:
    """A playbook of as many plays, none of which has a task."""
    return json.dumps([{"name": f"Empty {n}", "hosts": "localhost", "gather_facts": False} for n in range(plays)])


if __name__ == "__main__":
    main()
