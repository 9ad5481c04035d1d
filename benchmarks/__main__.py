"""Measure, print, and write benchmarks/results.json and docs/performance.md."""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks import attack, growth, limits, page, peers, subjects, training
from benchmarks.timing import Record
from miface.files import write_json, written_whole

RESULTS, PAGE = Path("benchmarks/results.json"), Path("docs/performance.md")

SECTIONS: dict[str, Callable[[bool], Record]] = {
    "training": training.run,
    "attack": attack.run,
    "peers": peers.run,
    "growth": growth.run,
    "limits": limits.run,
}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repeats, short cases")
    parser.add_argument("--threads", type=int, help="threads of PyTorch (its own choice)")
    parser.add_argument(
        "--only", choices=SECTIONS, nargs="+", help="print these sections, and write nothing"
    )
    parser.add_argument("--page", action="store_true", help="write the page anew, measure nothing")
    options = parser.parse_args()
    if options.page:
        _write_page(json.loads(RESULTS.read_text(encoding="utf-8")))
        return
    if options.threads:
        torch.set_num_threads(options.threads)
    since = time.perf_counter()
    sections = {}
    for name in options.only or SECTIONS:
        started = time.perf_counter()
        sections[name] = SECTIONS[name](options.quick)
        print(page.SECTIONS[name](sections[name]))
        print(f"\n({name}: {time.perf_counter() - started:.0f} s)\n", flush=True)
    results: Record = {
        "quick": options.quick,
        "seconds": time.perf_counter() - since,
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
        },
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "data": subjects.source(),
        "sections": sections,
    }
    if not options.only:
        write_json(RESULTS, results)
        _write_page(json.loads(RESULTS.read_text(encoding="utf-8")))
        print(f"Written: {RESULTS}, {PAGE} ({results['seconds']:.0f} s in all)")


def _write_page(results: Record) -> None:
    with written_whole(PAGE) as beside:
        beside.write_text(page.render(results), encoding="utf-8")


def _processor() -> str:
    """Name the model of the processor, and nothing else of the machine."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
