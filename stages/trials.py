"""What the stages of stages/dvc.yaml share: trials, of what the first pipeline left."""

from collections.abc import Iterator

import project  # noqa: F401

from miface.evaluation.outside import Embedded
from miface.evaluation.trial import Conditions, Trial
from miface.faces.dataset import load_faces
from miface.files import read_arrays
from miface.params.schema import load_params
from miface.progress import tracked
from miface.recognisers import RECOGNISERS, device
from miface.recognisers.store import load


def ordinary(model: str, seed: int) -> str:
    """Name the file of a recogniser without countermeasures."""
    return f"data/ordinary/{model}-{seed}.safetensors"


def trial(seed: int, models: list[str]) -> Trial:
    """Give the trial of a seed, with the ordinary recognisers of some models."""
    params = load_params()
    conditions = Conditions(
        train_per_person=params.split.train_per_person,
        settings={model: params.settings(model) for model in RECOGNISERS},
        plans={model: params.plan("refined", model) for model in RECOGNISERS},
        prior=params.prior,
        queries=params.queries,
        budget=params.countermeasures.sweep.budget,
    )
    embedded = Embedded(**read_arrays("data/embedded.npz"))
    trained = {model: load(ordinary(model, seed), device()) for model in models}
    return Trial(conditions, load_faces(), embedded, trained, seed)


def trials(work: str, models: list[str]) -> Iterator[Trial]:
    """Give the trials of the sweep, a seed each, and tell how far `work` on them is."""
    for seed in tracked(load_params().countermeasures.sweep.seeds, work, "seed"):
        yield trial(seed, models)
