"""Candidates of an attack: points of the space it searches, and all that a cost may ask of them.

Each view is computed once, when something first asks for it.
"""

from functools import cached_property

from torch import Tensor

from miface.attack.case import Case
from miface.attack.evidence import Evidence
from miface.attack.spaces import CodeSpace, PriorSpace
from miface.recognisers.recogniser import Convolutional


class Candidates:
    """Points of a space, a row for each label.

    Parameters
    ----------
    case
        What they are candidates for.
    points
        float [R, k].
    labels
        int64 [R].
    """

    def __init__(self, case: Case, points: Tensor, labels: Tensor) -> None:
        self.case, self.points, self.labels = case, points, labels
        self.space, self.size = case.space, case.size

    @property
    def evidence(self) -> Evidence:
        """What was read off the weights."""
        if self.case.evidence is None:
            raise ValueError("this term of the cost needs a convolutional network")
        return self.case.evidence

    @cached_property
    def images(self) -> Tensor:
        """Float [R, H, W] in pixel units."""
        return self.space.images(self.points).unflatten(1, self.size)

    @cached_property
    def coefficients(self) -> Tensor:
        """Float [R, k], the points, or the part of them that are a prior's coefficients."""
        if isinstance(self.space, PriorSpace):
            return self.space.split(self.points)[0]
        return self.points

    @cached_property
    def unshaped(self) -> Tensor:
        """Float [R, H, W], the part of the images that no prior shapes: without one, all."""
        if isinstance(self.space, PriorSpace):
            return self.space.rest.images(self.space.split(self.points)[1]).unflatten(1, self.size)
        return self.images

    @cached_property
    def features(self) -> Tensor:
        """Float [R, d], what the convolutions make of the images."""
        network = self.case.attacked
        assert isinstance(network, Convolutional)
        return network.features(self.images.flatten(1))

    @cached_property
    def logits(self) -> Tensor:
        """Float [R, P]."""
        if isinstance(self.case.attacked, Convolutional):
            return self.case.attacked.classify(self.features)
        if isinstance(self.space, CodeSpace):
            return self.space.logits(self.points)
        logits: Tensor = self.case.attacked(self.images.flatten(1))
        return logits
