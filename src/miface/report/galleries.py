"""Pictures of many faces at once: everybody, some people under all models, reconstructions."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from miface.recognisers.recogniser import Coded
from miface.report.experiments import Experiment, Pair
from miface.report.pictures import gallery, labelled_grid, stretch

_SOME = 8


def everybody(experiment: Experiment, pair: Pair, photos: NDArray[np.floating]) -> Image.Image:
    """Draw a photo of each person attacked, and beside it what was recovered.

    Parameters
    ----------
    experiment, pair
        The run, and which attack of it.
    photos
        [P, H, W], a photo of each person of the run, in [0, 1].
    """
    arrays = experiment.inversions[pair]
    names = experiment.rows(pair)["person"].tolist()
    return gallery(photos[arrays["label"]], stretch(arrays["x"]), names)


def overview(experiment: Experiment, method: str, photos: NDArray[np.floating]) -> Image.Image:
    """Draw some people: a photo, and below it what each model gave away; as `everybody`."""
    attacked = {m: experiment.inversions[method, m] for m in experiment.models}
    labels = next(iter(attacked.values()))["label"]
    some = np.arange(len(labels))[:: max(1, len(labels) // _SOME)][:_SOME]
    names = experiment.rows((method, experiment.models[0]))["person"]
    rows = [photos[labels[some]], *(stretch(a["x"][some]) for a in attacked.values())]
    return labelled_grid(rows, ["photo", *attacked], names.iloc[some].tolist())


def encoded_twice(network: Coded, photos: NDArray[np.floating]) -> Image.Image:
    """Draw photos [n, H, W], the same encoded and decoded once, and twice (the report's Fig. 3)."""
    shape = photos.shape
    with torch.no_grad():
        once = network.decode(
            network.encode(torch.from_numpy(photos.astype(np.float32)).flatten(1))
        )
        twice = network.decode(network.encode(once))
    rows = [photos, *(x.clamp(0, 1).numpy().reshape(shape) for x in (once, twice))]
    return labelled_grid(rows, ["photo", "once", "twice"], [""] * len(photos))
