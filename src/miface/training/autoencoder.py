"""Denoising autoencoders and their training (Vincent et al., 2010)."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from miface.progress import Progress
from miface.training.initial_weights import uniform
from miface.training.optimisers import Adam
from miface.training.trainer import Trainer


class Autoencoder(nn.Module):
    """One layer of tanh units and a linear decoder."""

    def __init__(self, inputs: int, hidden_units: int) -> None:
        super().__init__()
        self.encoder = nn.Linear(inputs, hidden_units)
        self.decoder = nn.Linear(hidden_units, inputs)

    def encode(self, x: Tensor) -> Tensor:
        """Map inputs [B, d] to codes [B, h] in (-1, 1)."""
        return torch.tanh(self.encoder(x))

    def decode(self, code: Tensor) -> Tensor:
        """Map codes [B, h] to inputs [B, d]."""
        decoded: Tensor = self.decoder(code)
        return decoded

    def forward(self, x: Tensor) -> Tensor:
        """Encode and decode."""
        return self.decode(self.encode(x))


class PretrainingSettings(Protocol):
    """Peak step of Adam, photos in a step, and passes over the photos."""

    @property
    def learning_rate(self) -> float: ...  # noqa: D102
    @property
    def batch_size(self) -> int: ...  # noqa: D102
    @property
    def epochs(self) -> int: ...  # noqa: D102


# Standard deviation of a unit's input after a start from principal components: within it tanh is
# nearly linear (tanh 0.25 = 0.245), beyond it the start is no longer the best linear autoencoder.
_LINEAR_RANGE = 0.25


@torch.no_grad()
def start_from_principal_components(
    autoencoder: Autoencoder, x: Tensor, generator: torch.Generator
) -> None:
    r"""Make the best linear autoencoder, which leaves training little to do.

    With the principal components P [d, k] of x, a random matrix R [h, k] with orthonormal columns
    and a small ε, the code tanh(ε R Pᵀ (x - mean)) is nearly linear, and (1/ε) P Rᵀ decodes it
    (Baldi and Hornik, 1989: principal components are the optimum of a linear autoencoder).

    Parameters
    ----------
    autoencoder
        d inputs and h hidden units; changed in place.
    x
        float [n, d], what it will be trained on.
    generator
        Source of R.
    """
    mean = x.mean(0)
    _, spread, components = torch.linalg.svd(x - mean, full_matrices=False)
    hidden_units = autoencoder.encoder.out_features
    k = min(hidden_units, len(x) - 1)
    components = components[:k]
    rotation = torch.linalg.qr(
        torch.randn(hidden_units, k, generator=generator, dtype=torch.float64)
    ).Q.to(x)
    power = spread[:k].square().sum() / len(x)  # mean squared length of a centred input
    epsilon = _LINEAR_RANGE * (hidden_units / power).sqrt()
    weight = epsilon * rotation @ components
    autoencoder.encoder.weight.copy_(weight)
    autoencoder.encoder.bias.copy_(-weight @ mean)
    autoencoder.decoder.weight.copy_(components.T @ rotation.T / epsilon)
    autoencoder.decoder.bias.copy_(mean)


@torch.no_grad()
def start_at_random(autoencoder: Autoencoder, x: Tensor, generator: torch.Generator) -> None:
    """Draw Glorot weights, and set the biases so that the mean of `x` is the origin."""
    mean = x.mean(0)
    for layer in (autoencoder.encoder, autoencoder.decoder):
        bound = (6 / (layer.in_features + layer.out_features)) ** 0.5
        uniform(layer.weight, bound, generator)
    autoencoder.encoder.bias.copy_(-autoencoder.encoder.weight @ mean)
    autoencoder.decoder.bias.copy_(mean)


def pretrain(
    autoencoder: Autoencoder,
    settings: PretrainingSettings,
    corruption: float,
    trainer: Trainer,
    log: Callable[[float, float], None],
) -> None:
    """Train an autoencoder in place to undo masking noise.

    Parameters
    ----------
    autoencoder
        d inputs and h hidden units.
    settings
        Hyperparameters: Adam with a one-cycle schedule.
    corruption
        Share of the inputs that are set to zero at random, anew in every step. The others are
        scaled up by 1/(1 - corruption), so that a whole photo is as bright as a corrupted one on
        average: without it the trained stack brightens every whole photo.
    trainer
        Its photos float [N, d] to train and to measure on, and the source of the noise and of the
        order of batches.
    log
        Receives the mean squared reconstruction error on both sides after each epoch.
    """
    x, n, generator = trainer.photos.x, trainer.photos.trained_on, trainer.generator
    batches = -(-n // settings.batch_size)
    optimiser = Adam(
        autoencoder.parameters(), settings.learning_rate, steps=settings.epochs * batches
    )
    with Progress(settings.epochs, "pretraining", "epoch") as progress:
        for _ in range(settings.epochs):
            order = torch.randperm(n, generator=generator)
            for rows in order.split(settings.batch_size):
                clean = x[rows.to(x.device)]
                kept = torch.rand(clean.shape, generator=generator) >= corruption
                corrupted = clean * kept.to(x) / (1 - corruption)
                loss = nn.functional.mse_loss(autoencoder(corrupted), clean)
                loss.backward()
                optimiser.step()
            error = reconstruction_error(autoencoder, x[:n])
            log(error, reconstruction_error(autoencoder, x[n:]))
            progress.step(error=f"{error:.5f}")


@torch.no_grad()
def reconstruction_error(autoencoder: nn.Module, x: Tensor) -> float:
    """Give the mean squared difference of x [n, d] and what comes back."""
    return nn.functional.mse_loss(autoencoder(x), x).item()
