"""plan: what each attack is told to do → data/plans/<method>-<model>.json.

A file for each attack, so that a changed parameter reruns the attacks that it concerns alone. The
plan of an attack that nobody asked for is null. What is asked of the control is all of a model's.
"""

import project  # noqa: F401

from miface.attack.methods import METHODS
from miface.command import run
from miface.faces.dataset import load_faces
from miface.faces.split import check_labels
from miface.files import write_json, written_whole
from miface.params.schema import load_params
from miface.recognisers import RECOGNISERS


def main() -> None:
    """Run the stage."""
    params = load_params()
    check_labels(params.attack.labels, load_faces().names)  # now, not after the training
    with written_whole("data/plans") as folder:
        for model in RECOGNISERS:
            plans = {
                method: params.plan(method, model).model_dump(mode="json", by_alias=True)
                for method in params.attack.methods
            }
            write_json(folder / f"control-{model}.json", plans)
            for method in METHODS:
                asked = model in params.attack.models
                write_json(folder / f"{method}-{model}.json", plans.get(method) if asked else None)


run(main)
