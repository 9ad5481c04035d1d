"""How far long work is: a bar in a terminal, elsewhere a line every half minute."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Self, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

EVERY = 30.0
"""Seconds between two lines."""


class Progress:
    """Progress of so many steps of some work.

    Parameters
    ----------
    total
        How many steps there are, at most.
    work, unit
        What is done, and what a step of it is called.
    """

    def __init__(self, total: int, work: str, unit: str) -> None:
        self.total, self.work, self.unit, self.done = total, work, unit, 0
        self._bar = tqdm(total=total, desc=work, unit=unit, disable=None)
        self._begun = self._told = time.monotonic()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self._bar.close()

    def step(self, **facts: str) -> None:
        """Say that a step is done, and what is to be seen of it."""
        self.done += 1
        if not self._bar.disable:
            self._bar.set_postfix(facts, refresh=False)
            self._bar.update()
            return
        now = time.monotonic()
        if now - self._told >= EVERY:
            self._told = now
            left = (now - self._begun) / self.done * (self.total - self.done)
            seen = "".join(f", {name} {value}" for name, value in facts.items())
            print(
                f"{self.work}: {self.done} of {self.total} {self.unit}s after "
                f"{now - self._begun:.0f} s, at most {left:.0f} s to go{seen}",
                file=sys.stderr,
                flush=True,
            )


def tracked(items: Sequence[Item], work: str, unit: str) -> Iterator[Item]:
    """Give the items one after the other, and tell how far it is."""
    with Progress(len(items), work, unit) as progress:
        for item in items:
            yield item
            progress.step()


def tell(message: str) -> None:
    """Print a line for the user on standard error, out of the way of any output."""
    print(message, file=sys.stderr)
