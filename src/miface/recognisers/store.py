"""Recognisers on disk: weights and what they are, as safetensors, which cannot run code."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from miface import recognisers
from miface.errors import MifaceError
from miface.files import written_whole
from miface.recognisers.recogniser import Recogniser

_KEY = "miface"  # one key, since safetensors writes several in no fixed order


def save(recogniser: Recogniser, path: str | Path) -> None:
    """Write a recogniser; the same recogniser gives the same bytes."""
    metadata = {
        "model": recogniser.name(),
        "size": recogniser.size,
        "names": recogniser.names,
        "settings": recogniser.settings.model_dump(mode="json"),
    }
    weights = {name: weight.contiguous().cpu() for name, weight in recogniser.state_dict().items()}
    with written_whole(path) as beside:
        save_file(weights, beside, metadata={_KEY: json.dumps(metadata)})


def load(path: str | Path, device: torch.device) -> Recogniser:
    """Read a recogniser, in evaluation mode.

    Raises
    ------
    MifaceError
        If the file is missing or was not written by `save`.
    """
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            metadata = json.loads((file.metadata() or {})[_KEY])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        kind = recognisers.RECOGNISERS[metadata["model"]]
        settings = kind.Settings.model_validate_json(json.dumps(metadata["settings"]))
        height, width = metadata["size"]
        recogniser = kind((height, width), metadata["names"], settings).to(device)
        recogniser.load_state_dict(weights)
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
        raise MifaceError(
            f"{path}: cannot be read as a recogniser ({str(error).splitlines()[0]}); train it with "
            "dvc repro"
        ) from None
    return recogniser.eval()
