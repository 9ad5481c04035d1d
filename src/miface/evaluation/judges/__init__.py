"""The judges: independent recognisers of recovered images, one module each."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from miface.discovery import discover
from miface.errors import MifaceError
from miface.evaluation.judges.judge import Images, Judge, make_examples
from miface.files import written_whole

JUDGES: dict[str, type[Judge]] = discover(__name__, Judge)  # type: ignore[type-abstract]
"""The judges by name."""


def fit_judges(images: Images, person: NDArray[np.int64], seed: int) -> dict[str, Judge]:
    """Fit a judge of each kind on photos that the attacked models never saw.

    Parameters
    ----------
    images
        [n, H, W], the held-out photos.
    person
        int64 [n], whose they are; 0 to P − 1, everybody at least once.
    seed
        Seed of the altered copies and of what is drawn in the fitting.
    """
    examples = make_examples(images, person, seed)
    return {name: kind.fit(examples, seed) for name, kind in JUDGES.items()}


def save_judges(judges: Mapping[str, Judge], path: Path) -> None:
    """Write what `fit_judges` gives; the same judges give the same bytes."""
    tensors: dict[str, Tensor] = {}
    for name, judge in judges.items():
        tensors |= {f"{name}.{key}": tensor for key, tensor in judge.state().items()}
    with written_whole(path) as beside:
        save_file(tensors, beside)


def load_judges(path: Path) -> dict[str, Judge]:
    """Read what `save_judges` wrote; MifaceError if it cannot be read."""
    try:
        states: dict[str, dict[str, Tensor]] = {name: {} for name in JUDGES}
        for key, tensor in load_file(path).items():
            name, _, rest = key.partition(".")
            states[name][rest] = tensor
        return {name: kind.restored(states[name]) for name, kind in JUDGES.items()}
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
        raise MifaceError(
            f"{path}: cannot be read as judges ({str(error).splitlines()[0]}); make it with: "
            "dvc repro train_judges"
        ) from None
