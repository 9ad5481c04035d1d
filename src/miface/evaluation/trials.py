"""Trials as the pipeline left what they need: photos, points, and ordinary recognisers."""

from collections.abc import Iterator
from pathlib import Path

from miface.evaluation.outside import Embedded
from miface.evaluation.tradeoff import Trial
from miface.faces.dataset import load_faces
from miface.files import read_arrays
from miface.params.schema import Params
from miface.progress import tracked
from miface.recognisers import device
from miface.recognisers.store import load

ORDINARY = Path("data/ordinary")
"""Where recognisers without countermeasures are, ``<model>-<seed>.safetensors``."""


def trials(params: Params, work: str) -> Iterator[Trial]:
    """Give the trials of the sweep, a seed each, and tell how far `work` on them is."""
    faces, embedded = load_faces(), Embedded(**read_arrays("data/embedded.npz"))
    for seed in tracked(params.countermeasures.sweep.seeds, work, "seed"):
        ordinary = {
            model: load(f"{ORDINARY}/{model}-{seed}.safetensors", device())
            for model in params.countermeasures.sweep.models
        }
        yield Trial(params, faces, embedded, ordinary, seed)
