"""docs/performance.md, from nothing but results.json."""

from collections.abc import Callable, Sequence
from typing import Any

Record = dict[str, Any]

_NAMES = {"softmax": "softmax", "mlp": "MLP", "dae": "DAE", "cnn": "CNN"}


def render(results: Record) -> str:
    """Write the page."""
    sections = [SECTIONS[name](record) for name, record in results["sections"].items()]
    return "\n\n".join([_head(results), *sections]) + "\n"


def _head(results: Record) -> str:
    machine, versions = results["machine"], results["versions"]
    lines = [
        "# Performance",
        f"Written by `make bench` from `benchmarks/results.json`. Machine: {machine['processor']}, "
        f"{machine['cores']} cores; PyTorch used {machine['threads']} of them. Python "
        f"{versions['python']}, PyTorch {versions['torch']}, float32. Photos: {results['data']}, "
        "40 people, 7 photos each to train on.",
        "Contestants run in one process in turn, A B A B …, after a run that does not count (of "
        "plain MLP training and of loops over single labels, which take seconds, there is none). "
        "Times are the median of n runs (lowest – highest). *Times as long* is the time for the "
        "same work, divided by ours (the first line) in the same round: median (lowest – highest) "
        "of the rounds. It is given only where the results are equal, as the line under "
        "each table says.",
    ]
    if results["quick"]:
        lines.append(
            "**This is a quick run: few repeats and short cases, to see that the benchmark "
            "works. Quote none of it.**"
        )
    return "\n\n".join(lines)


def training(record: Record) -> str:
    """Describe training."""
    parts = [
        "## Training",
        "Softmax and MLP: in the span of the photos (`src/miface/training/span.py`) against a "
        "plain loop of PyTorch's SGD, from the same weights with the same batches. Ours measures "
        "loss and accuracy on all photos after each epoch; the plain loop measures nothing. Set-up "
        "is included.",
        *map(_contest, record["contests"]),
        _all_epochs(record),
        "The DAE from principal components (the parameters in use) and from random weights by the "
        "recipe that a feasibility study arrived at (Adam 1e-3, one cycle, batch 28), classifier "
        "included. Both use the same training code, so the difference is the start and what it "
        "spares. Error: mean squared, on held-out photos.",
        _table(
            ["DAE", "epochs", "s", "error, first autoencoder", "error, whole stack", "accuracy"],
            [
                [
                    row["name"],
                    " + ".join(map(str, row["epochs"])),
                    _number(row["seconds"]),
                    f"{row['outer_error']:.5f}",
                    f"{row['error']:.5f}",
                    f"{row['accuracy']:.1%}",
                ]
                for row in record["autoencoder"]
            ],
        ),
        f"n = {record['autoencoder'][0]['n']} each.",
    ]
    return "\n\n".join(parts)


def _all_epochs(record: Record) -> str:
    """Say what the span saves where its set-up counts for less."""
    long = record["all_epochs"]
    seconds = long["seconds"]["median"]
    (plain,) = (
        long["epochs"] / entry["per_second"]
        for contest in record["contests"]
        if contest["title"].startswith("MLP")
        for entry in contest["entries"]
        if entry["name"].startswith("plain")
    )
    return (
        f"For {long['epochs']} epochs of the MLP the span takes {_number(seconds)} s (n = "
        f"{long['n']}), plain PyTorch at the rate above {_number(plain)} s: "
        f"{_number(plain / seconds)} times as long."
    )


def attack(record: Record) -> str:
    """Describe the attack."""
    parts = [
        "## Attack",
        "MI-FACE as published, on the trained models. *Row space* is what the project chooses by "
        "itself for softmax and MLP; *autograd in pixels* is the same loop on the whole network; "
        "*one label at a time* is a loop as one reads it in the paper, on the first few labels. A "
        "label-step is one iteration for one label. No contestant computes gradients of weights.",
        *map(_contest, record["contests"]),
    ]
    for model in ("softmax", "mlp"):
        entries = {
            entry["name"]: entry
            for contest in record["contests"]
            if contest["title"].startswith(_NAMES[model])
            for entry in contest["entries"]
        }
        ready, pixels = (
            1 / entries[name]["per_second"]
            for name in ("row space, its set-up done", "one batch, autograd in pixels")
        )
        set_up = record["set_up"][model]
        text = (
            f"{_NAMES[model]}: the row space's set-up (G = W Wᵀ) takes {_seconds(set_up)} s and "
            "depends on no label. "
        )
        if pixels > ready:
            pays = set_up["median"] / (pixels - ready)
            text += f"It has paid for itself after {pays:,.0f} label-steps."
        parts.append(text)
    return "\n\n".join(parts)


def peers(record: Record) -> str:
    """Describe what others ship."""
    art = record["versions"]["adversarial-robustness-toolbox"]
    aijack = record["versions"]["aijack"]
    parts = ["## Other implementations"]
    if art is None:
        parts.append(
            "ART (`pip install -e '.[bench]'`) was not installed for this run, and is left out."
        )
    else:
        parts.append(
            f"ART {art}, `MIFace`, at the same λ, β, γ, from zero, without clipping. After each "
            "step it sets `active = (cost <= threshold) + (cost >= np.max(window))` and goes on "
            "with the rows where that holds: those that have reached γ or no longer improve. A "
            "row that improves and has not reached γ, which is nearly every row, ends after its "
            "first step; one that has reached γ goes on to α. (A row that has ended comes back "
            "once its window has filled with its own cost, if others in its batch run that long.) "
            "It returns the last image, not the best. So it is compared twice: as shipped, each "
            "to its own end; and with that one line of its source corrected to `(cost > "
            "threshold) & (cost < np.max(window))`, at equal numbers of steps and equal images."
        )
        parts.append(
            "ART's steps also pay for gradients of all weights, for a second forward pass for the "
            "cost, and for copies to and from NumPy. In one batch it runs a backward pass of the "
            "whole batch for each different label, so that its time grows with the square of the "
            "labels; `batch_size=1`, its default, is the faster way to use it."
        )
    if aijack is None:
        parts.append(
            "AIJack was not installed for this run, and is left out. Its source package builds "
            "C++ and wants Boost's headers and libraries on the machine."
        )
    else:
        parts.append(
            f"AIJack {aijack}, `MI_FACE`: no stopping rules, so it makes as many steps as ours "
            "took. The image it calls the best is the one it goes on changing in place: it "
            "returns the last."
        )
    for found in record["models"].values():
        parts.extend(map(_contest, found))
    return "\n\n".join(parts)


def growth(record: Record) -> str:
    """Describe growth."""
    alpha = record["alpha"]
    parts = [
        "## Growth",
        f"The published attack on networks of random weights, {alpha} steps in which no label "
        "stops, each case in a process of its own, once. *Step* is the time of one step for all "
        "labels, *once* what comes before and after (the row space's set-up, the images). "
        "*Peak* is the most memory the process held, Python and PyTorch included; *before* is "
        "what it had held with the network built and no attack begun.",
        "**MLP with 3000 hidden units, as many people as labels**",
        _cases(record["labels"]),
        "**40 labels, growing images**",
        _cases(record["sizes"]),
    ]
    return "\n\n".join(parts)


def _cases(cases: Sequence[Record]) -> str:
    return _table(
        ["model", "width × height", "labels", "step, s", "once, s", "peak, MiB", "before, MiB"],
        [
            [
                _NAMES[case["model"]],
                f"{case['width']} × {case['height']}",
                str(case["labels"]),
                _number(case["step"]),
                _number(case["once"]),
                f"{case['peak'] / 2**20:.0f}",
                f"{case['peak_before'] / 2**20:.0f}",
            ]
            for case in cases
        ],
    )


def limits(record: Record) -> str:
    """Describe the distance from the machine's limit."""
    product, copy, cached = record["product"], record["copy"], record["copy_in_cache"]
    rows = []
    for case in record["cases"]:
        seconds = case["seconds"]["median"]
        by_product = case["flop"] / product["flops"]
        by_copy = case["bytes"] / copy["bytes_per_second"]
        floor = max(by_product, by_copy)
        rows.append(
            [
                case["name"],
                _number(seconds * 1e3),
                _number(case["flop"] / seconds / 1e9),
                f"{by_product / seconds:.0%}",
                _number(case["bytes"] / seconds / 1e9),
                f"{by_copy / seconds:.0%}",
                f"{floor / seconds:.0%}",
            ]
        )
    parts = [
        "## Distance from the machine's limit",
        f"Measured, the fastest of n = {record['n']}: a product of two {record['hidden']} × "
        f"{record['hidden']} matrices runs at "
        f"{_number(product['flops'] / 1e9)} GFLOP/s; a copy of "
        f"{copy['bytes'] / 2**20:.0f} MiB moves {_number(copy['bytes_per_second'] / 1e9)} GB/s "
        f"(bytes read and written), one of {cached['bytes'] / 2**20:.1f} MiB, which stays in "
        f"cache, {_number(cached['bytes_per_second'] / 1e9)} GB/s. Operations are those of the "
        "matrix products; bytes are the fewest that must move if nothing stays in cache from one "
        "step to the next, so a share of the copy above 100% means that the cache helps. The "
        "limit is the slower of the two floors. The attack on the MLP is counted as if W Wᵀ were "
        "multiplied in each step; a share above 100% is what `NearbyProducts` spares.",
        "What is left: Adam passes over ten million weights, their gradients and both moments in "
        "each of the autoencoder's steps, far more bytes than any cache holds, and drawing the "
        "noise adds to it; the CNN's convolutions are small (8 and 16 channels), so that pooling, "
        "ReLU and the way in and out of each operation, which are not counted, take longer than "
        "the products; an attack on one label reads all weights of the CNN for one image.",
        _table(
            ["", "ms", "GFLOP/s", "of the product", "GB/s", "of the copy", "of the limit"], rows
        ),
    ]
    return "\n\n".join(parts)


SECTIONS: dict[str, Callable[[Record], str]] = {
    "training": training,
    "attack": attack,
    "peers": peers,
    "growth": growth,
    "limits": limits,
}


def _contest(record: Record) -> str:
    with_cost = all("cost" in entry for entry in record["entries"])
    rows = []
    for i, entry in enumerate(record["entries"]):
        ratio = entry["ratio"]
        row = [
            entry["name"],
            str(entry["n"]),
            _seconds(entry["seconds"]),
            _number(entry["per_second"]),
            "1"
            if i == 0
            else "—"
            if ratio is None
            else f"**{_number(ratio['median'])}** "
            f"({_number(ratio['min'])} – {_number(ratio['max'])})",
        ]
        if with_cost:
            row += [_number(entry["steps"]), f"{entry['cost']:.4f}"]
        rows.append(row)
    agreement = record["agreement"]
    if agreement["equal"]:
        verdict = f"Equal results. {_sentence(agreement['what'])}: {agreement['difference']:.1g}"
        verdict += f" (at most {agreement['tolerance']:.0e})."
    else:
        verdict = f"**Not equal results, so no ratios**: {agreement['what']}"
        if agreement["difference"] is not None:
            verdict += f": {agreement['difference']:.1g} (at most {agreement['tolerance']:.0e})"
        verdict += "."
    head = ["", "n", "s", f"{record['unit']} a second", "times as long"]
    table = _table([*head, "steps a label", "mean cost"] if with_cost else head, rows)
    return f"**{record['title']}**\n\n{table}\n\n{verdict}"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def _seconds(seconds: Record) -> str:
    return f"{_number(seconds['median'])} ({_number(seconds['min'])} – {_number(seconds['max'])})"


def _number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 2 if abs(value) >= 1 else 3 if abs(value) >= 0.1 else 4 if abs(value) >= 0.01 else 5
    return f"{value:.{digits - (abs(value) >= 10)}f}"
