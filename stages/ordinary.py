"""ordinary: a recogniser without countermeasures → data/ordinary/<model>-<seed>.safetensors."""

import project  # noqa: F401

from miface.command import run
from miface.evaluation.outside import Embedded
from miface.evaluation.tradeoff import Trial
from miface.faces.dataset import load_faces
from miface.files import read_arrays
from miface.params.schema import load_params
from miface.recognisers.store import save


def main(model: str, seed: str) -> None:
    """Run the stage."""
    embedded = Embedded(**read_arrays("data/embedded.npz"))
    trial = Trial(load_params(), load_faces(), embedded, {}, int(seed))
    save(trial.trained(model, {}), f"data/ordinary/{model}-{seed}.safetensors")


run(main)
