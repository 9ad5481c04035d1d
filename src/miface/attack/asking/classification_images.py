r"""Classification images: what of random images the answers depend on.

Smooth random images are asked about once for all people, and a softmax regression is fitted to the
answers by maximum likelihood (Knoblauch and Maloney, 2008, fit one as a generalised linear model;
to copy a model by its answers is extraction, Tramèr et al., 2016). Whatever is left of the answers
will do: rounded or noisy confidences, the highest alone, or labels.
"""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from miface.attack.asking.asker import AT_ONCE, Asker, Task
from miface.attack.asking.equation_solving import GREY, attacked, portrait
from miface.attack.estimators import coarse_cosines, coarse_frequencies, posterior_mean
from miface.params.base import Count, Group, NonNegative

_LOW = 0.02  # frequency below which the amplitude of random images rises no more
_MEMORY = 20  # of L-BFGS


class Noise(Group):
    """The random images, and what is fitted to the answers."""

    amplitude: Annotated[float, Field(gt=0, le=0.5)] = Field(
        description="Deviation of the grey values of the smooth noise."
    )
    faces: NonNegative = Field(
        description="Who has photos of others asks about faces under the noise: their deviation "
        "from the mean face, in units of the photos'."
    )
    cosines: Count = Field(description="Coarsest cosines that are fitted, at most.")
    decay: NonNegative = Field(
        description="Penalty on the squares of their coefficients, in units of smooth noise."
    )
    iterations: Count = Field(description="Steps of L-BFGS that fit them.")
    steps: Count = Field(description="Steps of the attack on the copy, as `refined` has them.")


class ClassificationImages(Asker):
    """Fits a softmax regression to the answers about smooth noise (Knoblauch and Maloney, 2008)."""

    title, Settings = "classification images", Noise
    settings: Noise
    told, shared = ("confidences", "labels"), True

    def search(self, task: Task) -> Tensor:
        """Attack the fitted copy: unit steps on −log p from grey.

        With photos of other people, the likeliest face with what is found.
        """
        settings = self.settings
        count = min(settings.cosines, task.pixels, max(1, task.budget // 2))
        basis = coarse_cosines(task.size, 0, count).to(task.access.device)
        spread = 1 / (coarse_frequencies(task.size, 0, count).to(basis) + _LOW)
        parts, told = [], []
        for at in range(0, task.budget, AT_ONCE):
            images = self._images(task, min(AT_ONCE, task.budget - at), basis, spread)
            parts.append((images - GREY) @ basis.T * spread)
            told.append(task.ask(images))
        fitted, origin = self._fitted(torch.cat(parts), torch.cat(told))
        found = attacked((fitted * spread) @ basis, origin, task, settings.steps)
        if len(task.knowledge.photos) == 0:
            return portrait(found, task, filtered=False)
        start = torch.full((task.pixels,), GREY).to(found)
        return posterior_mean(found, start, task.size, task.knowledge)

    def _images(self, task: Task, count: int, basis: Tensor, spread: Tensor) -> Tensor:
        """Draw the images [n, H·W]: noise as smooth as faces, on grey or on faces of others."""

        def normal(columns: int) -> Tensor:
            drawn = torch.randn(count, columns, generator=task.generator)
            return drawn.to(basis)

        noise = normal(len(basis)) * spread
        length = self.settings.amplitude * math.sqrt(task.pixels)
        noise = noise / noise.norm(dim=1, keepdim=True) * length
        images = GREY + noise @ basis
        if len(task.knowledge.photos) > 0:
            mean = torch.from_numpy(task.knowledge.mean).to(basis)
            components = torch.from_numpy(task.knowledge.components).to(basis)
            faces = mean + self.settings.faces * normal(len(components)) @ components
            images = images - GREY + faces
        return images.clamp(0, 1)

    def _fitted(self, inputs: Tensor, answers: Tensor) -> tuple[Tensor, Tensor]:
        """Fit to answers [n, P] about inputs [n, k] by maximum likelihood: [P, k] and [P]."""
        total = answers.sum(1, keepdim=True)
        told = total[:, 0] > 0  # nobody may be left of an answer that was rounded
        x, target = inputs[told], (answers / total.clamp(min=1e-12))[told]
        scale = x.std().clamp(min=1e-12) if len(x) > 1 else x.new_ones(())
        x = torch.cat([x / scale, x.new_ones(len(x), 1)], 1)
        weights = x.new_zeros(answers.shape[1], x.shape[1], requires_grad=True)
        descent = torch.optim.LBFGS(
            [weights],
            max_iter=self.settings.iterations,
            history_size=_MEMORY,
            line_search_fn="strong_wolfe",
        )

        def loss() -> Tensor:
            descent.zero_grad()
            log_p = torch.log_softmax(x @ weights.T, 1)
            unlikely = -(target * log_p).sum() / max(1, len(x))
            whole = unlikely + self.settings.decay * weights[:, :-1].square().sum()
            whole.backward()
            return whole

        with torch.enable_grad():
            descent.step(loss)
        fitted = weights.detach()
        return fitted[:, :-1] / scale, fitted[:, -1]
