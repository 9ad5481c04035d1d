"""Training by stochastic gradient descent on the cross-entropy, with early stopping."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm import tqdm

from miface.models.networks import Network, Perceptron
from miface.models.optimisers import SGD
from miface.models.span import SpanLinear
from miface.params.training import Training


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


@dataclass(frozen=True)
class Epoch:
    """Mean cross-entropy and share of right answers after an epoch, on both sides."""

    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float


def train_classifier(
    network: Network,
    photos: Photos,
    settings: Training,
    generator: torch.Generator,
    log: Callable[[Epoch], None],
) -> None:
    """Train a network in place until `max_epochs`, or `patience` epochs without a lower loss.

    The loss that patience watches is that on the training photos, so the held-out ones never
    steer the training. A network that begins with a linear layer is trained in the span of its
    inputs (`miface.models.span`), which changes no result.

    Parameters
    ----------
    network
        The network; its weights are the start.
    photos
        What to train on and what to measure on.
    settings
        Hyperparameters.
    generator
        Source of the order of batches.
    log
        Receives the measures of each epoch.
    """
    if isinstance(network, Perceptron):
        first = SpanLinear(network.first, photos.x, photos.trained_on)
        parameters = [*first.parameters(), *_tail_parameters(network)]

        def forward(rows: Tensor) -> Tensor:
            return network.tail(first(rows))

        descend(network, forward, parameters, photos, settings, generator, log)
        first.restore()
    else:
        descend(
            network,
            lambda rows: network(photos.x[rows]),
            list(network.parameters()),
            photos,
            settings,
            generator,
            log,
        )


def _tail_parameters(network: Perceptron) -> Iterator[nn.Parameter]:
    first = {id(parameter) for parameter in network.first.parameters()}
    return (parameter for parameter in network.parameters() if id(parameter) not in first)


def descend(
    network: nn.Module,
    forward: Callable[[Tensor], Tensor],
    parameters: list[nn.Parameter],
    photos: Photos,
    settings: Training,
    generator: torch.Generator,
    log: Callable[[Epoch], None],
) -> None:
    """Run stochastic gradient descent on the logits that `forward` gives for rows of photos."""
    optimiser = SGD(parameters, settings.learning_rate, settings.momentum, settings.weight_decay)
    lowest, since = float("inf"), 0
    epochs = tqdm(range(settings.max_epochs), desc="training", unit="epoch", disable=None)
    for _ in epochs:
        network.train()
        order = torch.randperm(photos.trained_on, generator=generator)
        for rows in order.split(settings.batch_size):
            rows = rows.to(photos.x.device)
            loss = nn.functional.cross_entropy(forward(rows), photos.person[rows])
            loss.backward()
            optimiser.step()
        epoch = _measure(network, forward, photos)
        log(epoch)
        epochs.set_postfix(loss=f"{epoch.train_loss:.4f}", held_out=f"{epoch.test_accuracy:.1%}")
        since = 0 if epoch.train_loss < lowest else since + 1
        lowest = min(lowest, epoch.train_loss)
        if since >= settings.patience:
            break


@torch.no_grad()
def _measure(network: nn.Module, forward: Callable[[Tensor], Tensor], photos: Photos) -> Epoch:
    network.eval()
    rows = torch.arange(len(photos.x), device=photos.x.device)
    logits = torch.cat([forward(some) for some in rows.split(100)])  # what fits in the cache
    losses = nn.functional.cross_entropy(logits, photos.person, reduction="none")
    right = (logits.argmax(1) == photos.person).float()
    n = photos.trained_on
    return Epoch(
        losses[:n].mean().item(),
        right[:n].mean().item(),
        losses[n:].mean().item(),
        right[n:].mean().item(),
    )
