"""Recognisers on disk: weights and what they are, as safetensors, which cannot run code."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from miface.errors import MifaceError
from miface.files import written_whole
from miface.models.networks import Architecture, Network, build

_KEY = "miface"  # one key, since safetensors writes several in no fixed order


@dataclass(frozen=True)
class Recogniser:
    """A trained network and whom its outputs stand for.

    Attributes
    ----------
    network
        The network, in evaluation mode.
    architecture
        What it is, and the size of its photos.
    names
        A name for each output.
    """

    network: Network
    architecture: Architecture
    names: list[str]


def save(recogniser: Recogniser, path: str | Path) -> None:
    """Write a recogniser; the same recogniser gives the same bytes."""
    metadata = {"architecture": recogniser.architecture, "names": recogniser.names}
    weights = {
        name: weight.contiguous().cpu() for name, weight in recogniser.network.state_dict().items()
    }
    with written_whole(path) as beside:
        save_file(weights, beside, metadata={_KEY: json.dumps(metadata)})


def load(path: str | Path, device: torch.device) -> Recogniser:
    """Read a recogniser.

    Raises
    ------
    MifaceError
        If the file is missing or was not written by `save`.
    """
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            metadata = json.loads((file.metadata() or {})[_KEY])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, KeyError, SafetensorError) as error:
        raise MifaceError(
            f"{path}: cannot be read as a recogniser ({error}); train it with dvc repro"
        ) from None
    network = build(metadata["architecture"]).to(device)
    network.load_state_dict(weights)
    return Recogniser(network.eval(), metadata["architecture"], metadata["names"])
