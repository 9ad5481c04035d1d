"""The face recognisers: one module each, and what their training shares."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from miface.discovery import discover
from miface.errors import MifaceError
from miface.recognisers.recogniser import Recogniser, Size
from miface.training.trainer import Descent, Trainer

RECOGNISERS: dict[str, type[Recogniser]] = discover(__name__, Recogniser)  # type: ignore[type-abstract]
"""The recognisers by their names in ``params.yaml``."""


def train(
    model: str, size: Size, names: Sequence[str], settings: Descent, trainer: Trainer
) -> Recogniser:
    """Make a recogniser and train it.

    Parameters
    ----------
    model
        Which of `RECOGNISERS`.
    size
        (height, width) of the photos.
    names
        A name for each person, in the order of the labels.
    settings
        The recogniser's group of parameters.
    trainer
        The photos, on the device to train on, and what travels with them. The seed of its generator
        is that of dropout and of the initial weights that stay PyTorch's own, too.

    Returns
    -------
    Recogniser
        Trained, in evaluation mode.

    Raises
    ------
    MifaceError
        If the training diverged, or a countermeasure cannot act on this recogniser.
    """
    torch.manual_seed(trainer.generator.initial_seed())
    recogniser = RECOGNISERS[model](size, names, settings).to(trainer.photos.x.device)
    recogniser.fit(replace(trainer, size=size))
    if not all(bool(weight.isfinite().all()) for weight in recogniser.parameters()):
        raise MifaceError(
            f"{model}.learning_rate: training with {settings.learning_rate} diverged (weights are "
            "not finite); lower it"
        )
    return recogniser.eval()


def device() -> torch.device:
    """Give the device to work on: CUDA where it is there, with convolutions in full float32."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.backends.cudnn.allow_tf32 = False  # it keeps 10 bits of 23, and images end elsewhere
    return torch.device("cuda")


@torch.no_grad()
def accuracy(network: torch.nn.Module, x: torch.Tensor, person: torch.Tensor) -> float:
    """Give the share of photos [B, d] that the network gives to the right person."""
    return (network(x).argmax(1) == person).double().mean().item()
