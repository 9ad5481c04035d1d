"""A case: who may ask what of which recogniser, with what knowledge, and by which recipe."""

import copy
import time
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from miface.attack.access.access import Access
from miface.attack.access.everything import Everything
from miface.attack.evidence import Evidence, read_evidence, without_initial_noise
from miface.attack.knowledge import Knowledge
from miface.attack.recipe import Plan, Recipe
from miface.attack.seeds import initial_weights
from miface.attack.spaces import SPACES, Space
from miface.progress import tell
from miface.recognisers.recogniser import Begun, Convolutional, Recogniser, Size


@torch.no_grad()
def less(recogniser: Recogniser, weights: Tensor) -> Recogniser:
    """Give a copy whose first linear layer is less by some weights."""
    without = copy.deepcopy(recogniser)
    assert isinstance(without, Begun)
    without.first_linear.weight -= weights
    return without


@dataclass(frozen=True)
class Case:
    """What travels through an attack together.

    Attributes
    ----------
    access
        What the attacker may ask of the recogniser.
    plan
        What he does.
    knowledge
        What he has beside it.
    """

    access: Access
    plan: Plan
    knowledge: Knowledge

    @property
    def recipe(self) -> Recipe:
        """What the attack is made of."""
        return self.plan.recipe

    @property
    def size(self) -> Size:
        """(height, width) of images."""
        return self.access.size

    @property
    def device(self) -> torch.device:
        """Where the attack is computed."""
        return self.access.device

    @property
    def recogniser(self) -> Recogniser:
        """The recogniser as it was trained.

        Raises
        ------
        TypeError
            If the attacker may only ask.
        """
        if not isinstance(self.access, Everything):
            raise TypeError(f"an attacker who {self.access.title} sees no weights")
        return self.access.recogniser

    @cached_property
    def evidence(self) -> Evidence | None:
        """What the recipe reads off the weights, if anything."""
        if not self.recipe.reads_weights:
            return None
        recogniser, mean = self.attacked, None
        assert isinstance(recogniser, Convolutional)
        if len(self.knowledge.photos) > 0:
            with torch.no_grad():
                photos = torch.from_numpy(self.knowledge.photos).to(recogniser.hidden.weight)
                mean = recogniser.features(photos.flatten(1)).mean(0)
        return read_evidence(recogniser, mean)

    @cached_property
    def attacked(self) -> Recogniser:
        """The recogniser that gradients are taken of: without its initial noise, if so wished."""
        if self.recipe.initial_noise == "filtered":
            return without_initial_noise(self.recogniser)
        if self.recipe.initial_noise == "subtracted" and self.start is not None:
            return less(self.recogniser, self.start[1])
        return self.recogniser

    @cached_property
    def start(self) -> tuple[int, Tensor] | None:
        """The seed and the initial weights of the first linear layer, where they are found."""
        seeds = self.plan.seeds
        begun = time.perf_counter()
        found = initial_weights(self.recogniser, range(seeds))
        took = f"{seeds:,} seeds tried in {time.perf_counter() - begun:.1f} s"
        if found is None:
            tell(f"{took}: none of them; the initial weights stay where they are")
        else:
            tell(f"{took}: {found[0]} it was, and its initial weights are taken off")
        return found

    @cached_property
    def space(self) -> Space:
        """The space that is searched."""
        return SPACES[self.recipe.space](self)

    def starts(self, labels: int, generator: torch.Generator) -> Tensor:
        """Give x0 for each label and restart: float [labels · restarts, k]."""
        rows, start, pixels = labels * self.recipe.restarts, self.recipe.start, self._pixels
        if start == "zero":
            return torch.zeros(rows, self.space.dimensions, device=self.device)
        if start == "random":
            # Uniform noise, as an untrained eye's photo: grey values in [0, 1].
            image = torch.rand(rows, pixels, generator=generator).to(self.device)
        elif start == "public_mean":
            image = torch.from_numpy(self.knowledge.mean).to(self.device).unsqueeze(0)
        else:
            grey = 0.0 if start == "black" else 0.5
            image = torch.full((1, pixels), grey, device=self.device)
        with torch.no_grad():
            return self.space.points(image).expand(rows, -1)

    @property
    def _pixels(self) -> int:
        return self.size[0] * self.size[1]
