"""train_*: one recogniser → models/<model>.safetensors, reports/training/<model>."""

import numpy as np
import torch
from dvclive.live import Live

from miface.command import run
from miface.errors import MifaceError
from miface.faces.dataset import load_faces, load_split
from miface.faces.split import check_labels, pixels
from miface.files import written_whole
from miface.models.networks import architecture_of
from miface.models.recognisers import device, train
from miface.models.store import Recogniser, save
from miface.models.training import Photos
from miface.params import load_params
from miface.params.base import ModelName


def main(model: ModelName) -> None:
    """Run the stage."""
    params = load_params()
    faces = load_faces()
    check_labels(params.attack.labels, faces.names)
    rows = np.concatenate(sides := load_split())
    photos = Photos(
        torch.from_numpy(pixels(faces)[rows]).to(device()),
        torch.from_numpy(faces.person[rows]).to(device()),
        trained_on=len(sides[0]),
    )
    _, height, width = faces.images.shape
    architecture = architecture_of(model, params, height, width, len(faces.names))
    with (
        written_whole(f"reports/training/{model}") as folder,
        Live(str(folder), report=None, save_dvc_exp=False, dvcyaml=None) as live,
    ):

        def log(measures: dict[str, float]) -> None:
            for name, value in measures.items():
                live.log_metric(name, value)
            live.next_step()

        network = train(architecture, photos, params, log)
        if not all(bool(weight.isfinite().all()) for weight in network.parameters()):
            raise MifaceError(
                f"{model}.learning_rate: training with {getattr(params, model).learning_rate} "
                "diverged (weights are not finite); lower it"
            )
    save(Recogniser(network, architecture, faces.names.tolist()), f"models/{model}.safetensors")


run(main)
