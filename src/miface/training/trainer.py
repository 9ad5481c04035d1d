"""Training by stochastic gradient descent, with early stopping."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from miface.params.base import Count, Group, NonNegative, Positive
from miface.progress import Progress
from miface.training.optimisers import SGD
from miface.training.perceptron import Perceptron
from miface.training.span import SpanLinear

Log = Callable[[dict[str, float]], None]
"""Receives the measures of an epoch by name: ``train/loss``, ``test/accuracy`` and so on."""

Loss = Callable[[Tensor, Tensor], Tensor]
"""Maps logits [B, P] and people int64 [B] to their mean loss, a number."""


class Descent(Group):
    """Stochastic gradient descent on the cross-entropy."""

    learning_rate: Positive = Field(description="Step of stochastic gradient descent.")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(description="Momentum.")
    weight_decay: NonNegative = Field(description="ℓ2 penalty on the weights, as in torch SGD.")
    batch_size: Count = Field(description="Photos in a step.")
    max_epochs: Count = Field(description="Passes over the training photos, at most.")
    patience: Count = Field(description="Stop after so many epochs without a lower training loss.")


@dataclass(frozen=True)
class Photos:
    """Inputs and labels on both sides of the split.

    Attributes
    ----------
    x
        float [N, d]: the n training inputs first, then the held-out ones.
    person
        int64 [N], the label of each.
    trained_on
        n.
    """

    x: Tensor
    person: Tensor
    trained_on: int


def cross_entropy(logits: Tensor, person: Tensor) -> Tensor:
    """Mean −log p of the right people."""
    return nn.functional.cross_entropy(logits, person)


@dataclass(frozen=True)
class Trainer:
    """What training needs beside a network and its settings.

    Attributes
    ----------
    photos
        What to train on and what to measure on.
    generator
        Source of initial weights, noise and the order of batches.
    log
        Receives the measures of each epoch.
    loss
        What is minimised; a countermeasure may change it.
    """

    photos: Photos
    generator: torch.Generator
    log: Log
    loss: Loss = cross_entropy


def train_classifier(network: nn.Module, settings: Descent, trainer: Trainer) -> None:
    """Train a network in place until `max_epochs`, or `patience` epochs without a lower loss.

    The loss that patience watches is the cross-entropy on the training photos, so the held-out
    ones never steer the training. A network that begins with a linear layer is trained in the span
    of its inputs (`miface.training.span`), which changes no result.

    Parameters
    ----------
    network
        Maps inputs [B, d] to logits [B, P]; its weights are the start.
    settings
        Hyperparameters.
    trainer
        The photos, and what travels with them.
    """
    photos = trainer.photos
    if isinstance(network, Perceptron):
        first = SpanLinear(network.first, photos.x, photos.trained_on)
        tail = network.tail
        parameters = [*first.parameters(), *_tail_parameters(network)]
        descend(network, lambda rows: tail(first(rows)), parameters, settings, trainer)
        first.restore()
    else:
        weights = list(network.parameters())
        descend(network, lambda rows: network(photos.x[rows]), weights, settings, trainer)


def _tail_parameters(network: Perceptron) -> Iterator[nn.Parameter]:
    first = {id(parameter) for parameter in network.first.parameters()}
    return (parameter for parameter in network.parameters() if id(parameter) not in first)


def descend(
    network: nn.Module,
    forward: Callable[[Tensor], Tensor],
    parameters: list[nn.Parameter],
    settings: Descent,
    trainer: Trainer,
) -> None:
    """Run stochastic gradient descent on the logits that `forward` gives for rows of photos."""
    photos = trainer.photos
    optimiser = SGD(parameters, settings.learning_rate, settings.momentum, settings.weight_decay)
    lowest, since = float("inf"), 0
    with Progress(settings.max_epochs, "training", "epoch") as progress:
        for _ in range(settings.max_epochs):
            network.train()
            order = torch.randperm(photos.trained_on, generator=trainer.generator)
            for rows in order.split(settings.batch_size):
                rows = rows.to(photos.x.device)
                trainer.loss(forward(rows), photos.person[rows]).backward()
                optimiser.step()
            measures = _measure(network, forward, photos)
            trainer.log(measures)
            loss = measures["train/loss"]
            progress.step(loss=f"{loss:.4f}", held_out=f"{measures['test/accuracy']:.1%}")
            since = 0 if loss < lowest else since + 1
            lowest = min(lowest, loss)
            if since >= settings.patience:
                break


@torch.no_grad()
def _measure(
    network: nn.Module, forward: Callable[[Tensor], Tensor], photos: Photos
) -> dict[str, float]:
    """Mean cross-entropy and share of right answers on both sides of the split."""
    network.eval()
    rows = torch.arange(len(photos.x), device=photos.x.device)
    logits = torch.cat([forward(some) for some in rows.split(100)])  # what fits in the cache
    losses = nn.functional.cross_entropy(logits, photos.person, reduction="none")
    right = (logits.argmax(1) == photos.person).float()
    n = photos.trained_on
    return {
        "train/loss": losses[:n].mean().item(),
        "train/accuracy": right[:n].mean().item(),
        "test/loss": losses[n:].mean().item(),
        "test/accuracy": right[n:].mean().item(),
    }
