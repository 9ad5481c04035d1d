"""Training by stochastic gradient descent, with early stopping."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
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

Alteration = Callable[[Tensor, torch.Generator], Tensor]
"""Maps the photos of a step [B, H, W] to those that it is made on, each for itself."""

Penalty = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""Maps a network, its inputs [B, d] and people int64 [B] to what the loss rises by, a number."""

Epoch = Callable[[], dict[str, float]]
"""Makes the steps of a pass over the photos, and gives what there is to log of them by name."""


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

    @classmethod
    def of(
        cls,
        x: NDArray[np.float32],
        person: NDArray[np.int64],
        sides: tuple[NDArray[np.int64], NDArray[np.int64]],
        device: torch.device,
    ) -> "Photos":
        """Take inputs [N, d] and labels [N] to a device; sides are rows to train and test on."""
        rows = np.concatenate(sides)
        x_there, person_there = (torch.from_numpy(each[rows]).to(device) for each in (x, person))
        return cls(x_there, person_there, len(sides[0]))


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
        Receives the measures of each epoch; nobody does where it is not given.
    size
        (height, width) of the photos, where there are any `alterations`.
    loss, alterations, penalties, descent, steps
        What countermeasures change: what is minimised; what is done to the photos of each step, in
        this order; what is added to the loss; the settings; and how the steps are made, if not by
        plain descent.
    """

    photos: Photos
    generator: torch.Generator
    log: Log = lambda measures: None
    size: tuple[int, int] | None = None
    loss: Loss = cross_entropy
    alterations: tuple[Alteration, ...] = ()
    penalties: tuple[Penalty, ...] = ()
    descent: Callable[[Descent], Descent] = lambda settings: settings
    steps: Callable[[nn.Module, Descent, "Trainer"], Epoch] | None = None

    def inputs(self, rows: Tensor) -> Tensor:
        """Give the photos of a step, int64 [B] to float [B, d], as the alterations leave them."""
        x = self.photos.x[rows]
        for alter in self.alterations:
            assert self.size is not None
            x = alter(x.view(-1, *self.size), self.generator).flatten(1)
        return x


def train_classifier(network: nn.Module, settings: Descent, trainer: Trainer) -> None:
    """Train a network in place until `max_epochs`, or `patience` epochs without a lower loss.

    The loss that patience watches is the cross-entropy on the training photos, so the held-out
    ones never steer the training. A network that begins with a linear layer is trained in the span
    of its inputs (`miface.training.span`), which changes no result, unless a countermeasure alters
    them, looks at the network, or makes the steps.

    Parameters
    ----------
    network
        Maps inputs [B, d] to logits [B, P]; its weights are the start.
    settings
        Hyperparameters.
    trainer
        The photos, and what travels with them.
    """
    photos, settings = trainer.photos, trainer.descent(settings)
    changed = trainer.alterations or trainer.penalties or trainer.steps
    if isinstance(network, Perceptron) and not changed:
        _train_in_the_span(network, settings, trainer)
        return

    def loss(rows: Tensor) -> Tensor:
        x, person = trainer.inputs(rows), photos.person[rows]
        added = (penalty(network, x, person) for penalty in trainer.penalties)
        return sum(added, start=trainer.loss(network(x), person))

    if trainer.steps:
        epoch = trainer.steps(network, settings, trainer)
    else:
        epoch = _descent(loss, list(network.parameters()), settings, trainer)
    _train(network, lambda rows: network(photos.x[rows]), epoch, settings, trainer)


def _train_in_the_span(network: Perceptron, settings: Descent, trainer: Trainer) -> None:
    photos, tail = trainer.photos, network.tail
    first = SpanLinear(network.first, photos.x, photos.trained_on)
    parameters = [*first.parameters(), *_tail_parameters(network)]

    def forward(rows: Tensor) -> Tensor:
        return tail(first(rows))

    def loss(rows: Tensor) -> Tensor:
        return trainer.loss(forward(rows), photos.person[rows])

    epoch = _descent(loss, parameters, settings, trainer)
    _train(network, forward, epoch, settings, trainer)
    first.restore()


def _tail_parameters(network: Perceptron) -> Iterator[nn.Parameter]:
    first = {id(parameter) for parameter in network.first.parameters()}
    return (parameter for parameter in network.parameters() if id(parameter) not in first)


def _descent(
    loss: Callable[[Tensor], Tensor],
    parameters: list[nn.Parameter],
    settings: Descent,
    trainer: Trainer,
) -> Epoch:
    """Make epochs of stochastic gradient descent on the mean loss of rows of the photos."""
    optimiser = SGD(parameters, settings.learning_rate, settings.momentum, settings.weight_decay)

    def epoch() -> dict[str, float]:
        order = torch.randperm(trainer.photos.trained_on, generator=trainer.generator)
        for rows in order.split(settings.batch_size):
            loss(rows.to(trainer.photos.x.device)).backward()
            optimiser.step()
        return {}

    return epoch


def _train(
    network: nn.Module,
    forward: Callable[[Tensor], Tensor],
    epoch: Epoch,
    settings: Descent,
    trainer: Trainer,
) -> None:
    """Make epochs until it is enough; `forward` gives the logits of rows of the photos."""
    lowest, since = float("inf"), 0
    with Progress(settings.max_epochs, "training", "epoch") as progress:
        for _ in range(settings.max_epochs):
            network.train()
            steps = epoch()
            measures = _measure(network, forward, trainer.photos)
            trainer.log(measures | steps)
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
