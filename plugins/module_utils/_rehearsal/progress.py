# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says how far a long build is: a line at its start and end, and one every few seconds between."""

from __future__ import annotations

import collections.abc as c
import contextlib
import time

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_WAITS = 30.0


class Step:
    """One long piece of work; ``describe`` tells where it stands."""

    def __init__(self, name: str, say: c.Callable[[str], None], clock: c.Callable[[], float]) -> None:
        self._name = name
        self._say = say
        self._clock = clock
        self._started = clock()
        self._next = self._started + _SECONDS_BETWEEN_LINES
        self._describe: c.Callable[[], str] = str

    def at(self, phase: str | c.Callable[[], str]) -> None:
        """Sets what the following lines say, a text or a function that gives it, and says it."""
        self._describe = (lambda: phase) if isinstance(phase, str) else phase
        self._line()

    def tick(self) -> None:
        """Says where the work stands if the last line is some seconds old."""
        if self._clock() >= self._next:
            self._line()

    def seconds(self) -> float:
        return self._clock() - self._started

    def _line(self) -> None:
        self._next = self._clock() + _SECONDS_BETWEEN_LINES
        self._say(f"{self._name}: {self._describe()} ({self.seconds():.0f} s)")


class Progress:
    """Where the lines go; ``say`` prints one at once."""

    def __init__(self, say: c.Callable[[str], None], clock: c.Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock

    @contextlib.contextmanager
    def of(self, name: str, done: str) -> c.Iterator[Step]:
        """A step; when it ends without an error, ``name: done in N s`` is said."""
        step = Step(name, self._say, self._clock)
        yield step
        self._say(f"{name}: {done} in {step.seconds():.0f} s")

    def waiting(self, name: str) -> c.Callable[[str], None]:
        """For a lock: says, not too often, that ``name`` is being made by somebody else."""
        next_line = self._clock()

        def on_wait(maker: str) -> None:
            nonlocal next_line
            if self._clock() >= next_line:
                next_line = self._clock() + _SECONDS_BETWEEN_WAITS
                self._say(f"{name}: waiting, {maker} is making it")

        return on_wait
