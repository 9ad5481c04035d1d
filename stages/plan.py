"""plan: what each attack is told to do → data/plans/<method>-<model>.json.

A file for each attack, so that a changed parameter reruns the attacks that it concerns alone.
"""

from miface.command import run
from miface.faces.dataset import load_faces
from miface.faces.split import check_labels
from miface.files import write_json, written_whole
from miface.params import load_params


def main() -> None:
    """Run the stage."""
    params = load_params()
    check_labels(params.attack.labels, load_faces().names)  # now, not after the training
    with written_whole("data/plans") as folder:
        for method in params.attack.methods:
            for model in params.attack.models:
                plan = params.plan(method, model).model_dump(mode="json", by_alias=True)
                write_json(folder / f"{method}-{model}.json", plan)


run(main)
