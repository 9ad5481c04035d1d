"""train_*: one recogniser → models/<model>.safetensors, reports/training/<model>."""

import numpy as np
import project  # noqa: F401
import torch
from dvclive.live import Live

from miface.command import run
from miface.countermeasures import in_training
from miface.errors import MifaceError
from miface.faces.dataset import load_faces, load_split
from miface.faces.split import pixels
from miface.files import written_whole
from miface.params.schema import load_params
from miface.recognisers import device, train
from miface.recognisers.store import save
from miface.training.trainer import Photos, Trainer


def main(model: str) -> None:
    """Run the stage."""
    params = load_params()
    settings, faces = params.settings(model), load_faces()
    rows = np.concatenate(sides := load_split())
    photos = Photos(
        torch.from_numpy(pixels(faces)[rows]).to(device()),
        torch.from_numpy(faces.person[rows]).to(device()),
        trained_on=len(sides[0]),
    )
    _, height, width = faces.images.shape
    with (
        written_whole(f"reports/training/{model}") as folder,
        Live(str(folder), report=None, save_dvc_exp=False, dvcyaml=None) as live,
    ):

        def log(measures: dict[str, float]) -> None:
            for name, value in measures.items():
                live.log_metric(name, value)
            live.next_step()

        generator = torch.Generator().manual_seed(params.seed)
        trainer = Trainer(photos, generator, log)
        for countermeasure in in_training(params.countermeasures.training):
            trainer = countermeasure.apply(trainer)
        names = faces.names.tolist()
        recogniser = train(model, (height, width), names, settings, trainer)
        if not all(bool(weight.isfinite().all()) for weight in recogniser.parameters()):
            raise MifaceError(
                f"{model}.learning_rate: training with {settings.learning_rate} diverged (weights "
                "are not finite); lower it"
            )
    save(recogniser, f"models/{model}.safetensors")


run(main)
