"""invert: one method on one recogniser → reports/inversions/<method>-<model>.npz."""

import time
from dataclasses import asdict

import numpy as np
import torch

from miface.attack.inversion import invert
from miface.command import run
from miface.faces.split import check_labels
from miface.files import write_arrays, write_json
from miface.models.recognisers import device
from miface.models.store import load
from miface.params import ModelName, load_params


def main(method: str, model: ModelName) -> None:
    """Run the stage."""
    params = load_params()
    recogniser = load(f"models/{model}.safetensors", device())
    size = recogniser.architecture["height"], recogniser.architecture["width"]
    labels = check_labels(params.attack.labels, np.array(recogniser.names))
    begun = time.perf_counter()
    inversion = invert(recogniser.network, size, labels, params.attack, params.mi_face[model])
    seconds = time.perf_counter() - begun
    write_arrays(f"reports/inversions/{method}-{model}.npz", **asdict(inversion))
    timing = {"seconds": seconds, "labels": len(labels), "device": device().type,
              "threads": torch.get_num_threads()}  # fmt: skip
    write_json(f"reports/timing/{method}-{model}.json", timing)


run(main)
