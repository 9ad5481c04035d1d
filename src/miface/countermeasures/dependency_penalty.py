"""A penalty on the dependency of features on photos."""

from dataclasses import replace
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from miface.countermeasures.countermeasure import Training
from miface.errors import MifaceError
from miface.recognisers.recogniser import Convolutional
from miface.training.trainer import Trainer

# The paper rewards ten times as strongly as it penalises: factors 0.05 and 0.5, or 2 and 20.
_REWARD = 10


class DependencyPenalty(Training):
    """The loss has s (HSIC(photo, features) − 10 HSIC(features, label)) added (Peng et al., 2022).

    Of convolutional recognisers alone, by the features that their linear layers see.
    """

    Strength = Annotated[float, Field(gt=0)]

    def apply(self, trainer: Trainer) -> Trainer:
        """Train with this penalty beside those that the trainer has."""
        return replace(trainer, penalties=(*trainer.penalties, self._penalty))

    def _penalty(self, network: nn.Module, x: Tensor, person: Tensor) -> Tensor:
        if not isinstance(network, Convolutional):
            raise MifaceError(
                f"countermeasures.training.dependency_penalty: found {type(network).__name__} to "
                "train, expected a recogniser with convolutional features; leave the penalty out, "
                "or train such a one alone, as in dvc repro train_cnn"
            )
        features = network.features(x)
        label = (person[:, None] == person.unique()).to(x)
        return self.strength * (hsic(x, features) - _REWARD * hsic(features, label))


def hsic(a: Tensor, b: Tensor) -> Tensor:
    r"""Hilbert-Schmidt independence criterion: tr(K H L H)/m² of m pairs (Gretton et al., 2005).

    K and L are Gaussian kernels, of a width that is the mean squared distance within the pairs, so
    that the measure does not depend on the scale of either side.

    Parameters
    ----------
    a, b
        float [m, d] and [m, e].

    Returns
    -------
    Tensor
        A number, at least 0; about 0 where they are independent.
    """
    return (_centred_kernel(a) * _centred_kernel(b)).mean()


def _centred_kernel(a: Tensor) -> Tensor:
    squares = a.square().sum(1)
    distances = (squares[:, None] + squares - 2 * a @ a.T).clamp(min=0)
    # Pairs that are all alike tell nothing, and must not divide by 0.
    kernel = torch.exp(-distances / distances.mean().clamp(min=1e-12))
    return kernel - kernel.mean(0) - kernel.mean(1, keepdim=True) + kernel.mean()
