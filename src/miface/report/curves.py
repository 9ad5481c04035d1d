"""Training curves, as DVCLive writes them."""

from pathlib import Path

import pandas as pd

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


def read_curves(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the measures of each epoch: a frame a panel, with a column for each side."""
    panels: dict[str, dict[str, pd.Series]] = {}
    for name, (panel, side) in _LABELS.items():
        file = folder / "plots" / "metrics" / f"{name}.tsv"
        if file.exists():  # only the DAE has autoencoders
            values = pd.read_csv(file, sep="\t")[name.split("/")[-1]]
            panels.setdefault(panel, {})[side] = values
    return {panel: pd.DataFrame(lines) for panel, lines in panels.items()}
