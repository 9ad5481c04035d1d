"""Contests: ways to the same result, timed in turn."""

import contextlib
import io
import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Record = dict[str, Any]


@dataclass(frozen=True)
class Agreement:
    """How far the results of the contestants are apart, and how far they may be.

    Attributes
    ----------
    what
        What was compared, in words.
    difference, tolerance
        In the unit of what was compared; None where it could not be compared.
    """

    what: str
    difference: float | None
    tolerance: float

    @property
    def equal(self) -> bool:
        """Whether ratios of the times mean anything."""
        return self.difference is not None and self.difference <= self.tolerance


@dataclass(frozen=True)
class Work(Generic[T]):
    """How much a run did.

    Attributes
    ----------
    unit
        What is counted, for rates.
    of
        Counts it in a result.
    """

    unit: str
    of: Callable[[T], float]


def contest(
    title: str,
    contestants: Mapping[str, Callable[[], T]],
    *,
    n: int,
    work: Work[T],
    agree: Callable[[Mapping[str, T]], Agreement],
    long: Collection[str] = (),
) -> tuple[Record, dict[str, T]]:
    """Time contestants in turn, A B A B …, so that a busy moment of the machine hits them alike.

    Parameters
    ----------
    title
        What they all do.
    contestants
        By name; the first one is ours, and the ratios are to it. Each is run once beforehand.
    n
        Rounds.
    work
        How much a run did.
    agree
        Compares the results. Where they differ there are no ratios.
    long
        Contestants that run for seconds, to which a run beforehand would make no difference.

    Returns
    -------
    record
        For ``results.json``. A ratio is the time for a unit of work over that of ours in the same
        round.
    results
        Of the last round, by name.
    """
    times: dict[str, list[float]] = {name: [] for name in contestants}
    results: dict[str, T] = {}
    for turn in range(n + 1):
        for name, run in contestants.items():
            if turn == 0 and name in long:
                continue
            # Progress bars belong to a terminal, not to a measurement.
            with contextlib.redirect_stderr(io.StringIO()):
                since = time.perf_counter()
                results[name] = run()
                seconds = time.perf_counter() - since
            if turn > 0:
                times[name].append(seconds)
    agreement = agree(results)
    done = {name: work.of(result) for name, result in results.items()}
    ours = next(iter(contestants))
    entries = []
    for name, seconds_of in times.items():
        entry: Record = {
            "name": name,
            "n": n,
            "seconds": spread(seconds_of),
            "work": done[name],
            "per_second": done[name] / statistics.median(seconds_of),
            "ratio": None,
        }
        if agreement.equal and name != ours:
            pairs = zip(seconds_of, times[ours], strict=True)
            entry["ratio"] = spread([a / done[name] / (b / done[ours]) for a, b in pairs])
        entries.append(entry)
    record = {
        "title": title,
        "unit": work.unit,
        "entries": entries,
        "agreement": asdict(agreement) | {"equal": agreement.equal},
    }
    return record, results


def measure(run: Callable[[], Any], *, n: int) -> dict[str, float]:
    """Give median, lowest and highest of the seconds of `n` runs; above 1, after one more."""
    if n > 1:
        run()
    times = []
    for _ in range(n):
        since = time.perf_counter()
        run()
        times.append(time.perf_counter() - since)
    return spread(times)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Give median, lowest and highest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}
