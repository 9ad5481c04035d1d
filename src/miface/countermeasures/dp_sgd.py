"""Differentially private stochastic gradient descent."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from miface.countermeasures.countermeasure import Training
from miface.errors import MifaceError
from miface.training.trainer import Descent, Epoch, Trainer

# The longest gradient of a photo: about the median of the softmax regression after five epochs on
# the AT&T faces, where shorter ones take longer to train and longer ones bring more noise.
LONGEST_GRADIENT = 10.0


def delta_of(photos: int) -> float:
    """Give δ, the chance that the bound ε does not hold: n^−1.1, below one in n photos."""
    return float(photos**-1.1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves that hooks fire as they should, and that other orders may bound tighter."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"opacus\.")
        yield


class DpSgd(Training):
    """Noisy steps keep privacy of at most ε, the strength, at δ = n^−1.1 (Abadi et al., 2016).

    Each photo is in a step by chance, by itself (Poisson sampling). Its gradient is cut to a length
    of 10, and normal noise is added to their sum; Opacus finds how much, for as many steps as
    there will be, and does it (ghost clipping, which needs no gradient of each photo in memory).
    It accounts by Rényi divergence (Mironov et al., 2019), and what ε the steps so far make is
    logged as ``privacy/epsilon``. All epochs are made, without patience, since when to stop would
    tell of the photos. A neighbour is a training set with one photo more, not a person more.

    The noise comes from the seed of the run, so that it is private from those alone who do not
    know it; and the losses that are logged are not private. The autoencoder's pretraining would
    not be either, so that the DAE is refused.
    """

    Strength = Annotated[float, Field(gt=0)]

    def apply(self, trainer: Trainer) -> Trainer:
        """Train by private steps."""

        def descent(settings: Descent) -> Descent:
            settings = trainer.descent(settings)
            return settings.model_copy(update={"patience": settings.max_epochs})

        return replace(trainer, descent=descent, steps=self._steps)

    def _steps(self, network: nn.Module, settings: Descent, trainer: Trainer) -> Epoch:
        # Seconds, which nobody else should wait.
        from opacus import GradSampleModuleFastGradientClipping as PerPhoto
        from opacus.accountants import RDPAccountant
        from opacus.optimizers import DPOptimizerFastGradientClipping as PrivateOptimiser
        from opacus.utils.fast_gradient_clipping_utils import DPTensorFastGradientClipping as Loss

        if trainer.penalties:
            raise MifaceError(
                "countermeasures.training: found dp_sgd with dependency_penalty, expected one of "
                "them: a penalty on photos together has no gradient of each to cut; leave one out"
            )
        photos, generator = trainer.photos, trainer.generator
        n, device = photos.trained_on, photos.x.device
        rate, steps = min(1.0, settings.batch_size / n), math.ceil(n / settings.batch_size)
        noise = self._noise_multiplier(n, rate, settings.max_epochs * steps)
        seed = int(torch.randint(2**62, (), generator=generator))
        optimiser = PrivateOptimiser(
            torch.optim.SGD(
                network.parameters(),
                settings.learning_rate,
                settings.momentum,
                weight_decay=settings.weight_decay,
            ),
            noise_multiplier=noise,
            max_grad_norm=LONGEST_GRADIENT,
            expected_batch_size=rate * n,
            generator=torch.Generator(device).manual_seed(seed),
        )
        accountant = RDPAccountant()

        def set_gradients(hooked: nn.Module, rows: Tensor) -> None:
            if len(rows) == 0:  # of nothing: the step is noise alone
                for weight in network.parameters():
                    weight.grad = torch.zeros_like(weight)
                return
            logits = hooked(trainer.inputs(rows)).split(1)
            each = zip(logits, photos.person[rows].split(1), strict=True)
            losses = torch.stack([trainer.loss(logit, person) for logit, person in each])
            Loss(hooked, optimiser, losses).backward()

        @_quiet()
        def epoch() -> dict[str, float]:
            hooked = PerPhoto(network, max_grad_norm=LONGEST_GRADIENT)
            for _ in range(steps):
                rows = (torch.rand(n, generator=generator) < rate).nonzero()[:, 0]
                set_gradients(hooked, rows.to(device))
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
                accountant.step(noise_multiplier=noise, sample_rate=rate)
            hooked.to_standard_module()
            epsilon = accountant.get_epsilon(delta_of(n))
            return {"privacy/epsilon": epsilon, "privacy/noise_multiplier": noise}

        return epoch

    @_quiet()
    def _noise_multiplier(self, n: int, rate: float, steps: int) -> float:
        """Give the noise's deviation in lengths of the longest gradient, within 1% of ε."""
        from opacus.accountants.utils import get_noise_multiplier

        try:
            return float(
                get_noise_multiplier(
                    target_epsilon=self.strength,
                    target_delta=delta_of(n),
                    sample_rate=rate,
                    steps=steps,
                    epsilon_tolerance=self.strength / 100,
                )
            )
        except ValueError:
            raise MifaceError(
                f"countermeasures.training.dp_sgd: found {self.strength:g}, expected an epsilon "
                f"that some noise reaches in {steps} steps on {n} photos; take a larger one"
            ) from None
