"""train_*: one recogniser → models/<model>.safetensors, reports/training/<model>."""

import project  # noqa: F401
import torch
from dvclive.live import Live

from miface.command import run
from miface.countermeasures import guarded
from miface.faces.dataset import load_faces, load_split
from miface.faces.split import pixels
from miface.files import written_whole
from miface.params.schema import load_params
from miface.recognisers import device, train
from miface.recognisers.store import save
from miface.training.trainer import Photos, Trainer


def main(model: str) -> None:
    """Run the stage."""
    params, faces = load_params(), load_faces()
    photos = Photos.of(pixels(faces), faces.person, load_split(), device())
    with (
        written_whole(f"reports/training/{model}") as folder,
        Live(str(folder), report=None, save_dvc_exp=False, dvcyaml=None) as live,
    ):

        def log(measures: dict[str, float]) -> None:
            for name, value in measures.items():
                live.log_metric(name, value)
            live.next_step()

        trainer = Trainer(photos, torch.Generator().manual_seed(params.seed), log)
        trainer = guarded(trainer, params.countermeasures.training)
        size, names = (faces.images.shape[1], faces.images.shape[2]), faces.names.tolist()
        recogniser = train(model, size, names, params.settings(model), trainer)
    save(recogniser, f"models/{model}.safetensors")


run(main)
