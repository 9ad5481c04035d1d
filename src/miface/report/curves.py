"""Curves: of training over epochs, as DVCLive writes them, and of the attacks' cost."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

_LABELS = {
    "train/loss": ("cross-entropy", "training photos"),
    "test/loss": ("cross-entropy", "held-out photos"),
    "train/accuracy": ("accuracy", "training photos"),
    "test/accuracy": ("accuracy", "held-out photos"),
    "outer/train": ("outer autoencoder, squared error", "training photos"),
    "outer/test": ("outer autoencoder, squared error", "held-out photos"),
    "inner/train": ("inner autoencoder, squared error", "training photos"),
    "inner/test": ("inner autoencoder, squared error", "held-out photos"),
}
# Of one lightness about half way, so that they are seen on white and on black.
_COLOURS = ("#2f7fd1", "#d1662f")


def read_curves(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the measures of each epoch: a frame a panel, with a column for each side."""
    panels: dict[str, dict[str, pd.Series]] = {}
    for name, (panel, side) in _LABELS.items():
        file = folder / "plots" / "metrics" / f"{name}.tsv"
        if file.exists():  # only the DAE has autoencoders
            values = pd.read_csv(file, sep="\t")[name.split("/")[-1]]
            panels.setdefault(panel, {})[side] = values
    return {panel: pd.DataFrame(lines) for panel, lines in panels.items()}


def training_chart(curves: dict[str, pd.DataFrame], name: str) -> str:
    """Draw measures over epochs as an SVG element without a background.

    Parameters
    ----------
    curves
        A panel for each entry: a frame with an epoch a row and a column a line.
    name
        What sets its parts' identifiers apart from those of other charts of a page.
    """
    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "miface", "font.size": 9}
    with rc_context(style):
        figure = Figure(figsize=(3.4 * len(curves), 2.4), layout="constrained")
        for axes, (panel, lines) in zip(
            figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True
        ):
            for column, colour in zip(lines, _COLOURS, strict=False):
                values = lines[column].dropna()
                axes.plot(np.arange(1, len(values) + 1), values, label=column, color=colour)
            axes.set(xlabel="epoch", title=panel)
            axes.spines[["top", "right"]].set_visible(False)
            axes.spines[["bottom", "left"]].set_color("#888888")
            axes.tick_params(color="#888888")
            axes.set_facecolor("none")
            axes.legend(frameon=False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    return re.sub(r' id="|href="#|url\(#', rf"\g<0>{name}-", text[text.index("<svg") :])


def thinned(length: int, count: int) -> NDArray[np.int64]:
    """Choose about so many of the points of a curve, its ends among them, on a logarithmic scale.

    Parameters
    ----------
    length
        Points of the curve.
    count
        Points to keep beside the first.

    Returns
    -------
    int64 [k]
        Indices, rising; none of a curve without points.
    """
    later = np.geomspace(1, max(length - 1, 1), count).round()
    return np.unique(np.concatenate([[0], later])).astype(np.int64)[:length]


def cost_table(inversions: dict[tuple[str, str], dict[str, NDArray[Any]]]) -> pd.DataFrame:
    """Tabulate the lowest cost so far, averaged over people, at some iterations of each attack.

    Returns
    -------
    DataFrame
        ``attack``, ``iteration`` (from 1, on a logarithmic scale) and ``cost``.
    """
    parts = []
    for (method, model), arrays in inversions.items():
        history = arrays["cost_history"]
        lowest = np.fmin.accumulate(history, axis=1)  # what has stopped stays where it was
        at = thinned(history.shape[1], 60)[1:]
        parts.append(
            pd.DataFrame(
                {"attack": f"{method} {model}", "iteration": at, "cost": lowest[:, at].mean(0)}
            )
        )
    return pd.concat(parts, ignore_index=True)
