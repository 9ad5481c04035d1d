"""Spaces that the attack moves in: each point is an image, and has a logit for each person."""

from typing import Protocol

import torch
from torch import Tensor

from miface.attack.auxterms import AuxTerm
from miface.attack.objectives import Objective
from miface.models.networks import Network, Perceptron, SoftmaxRegression, StackedAutoencoder


class Space(Protocol):
    """Points [R, k], their images, and the costs that the attack sees."""

    dimensions: int

    def images(self, points: Tensor) -> Tensor:
        """Map points [R, k] to images [R, H·W] in pixel units (photos are [0, 1])."""
        ...

    def points(self, images: Tensor) -> Tensor:
        """Map images [R, H·W] to points [R, k]."""
        ...

    def logits(self, points: Tensor) -> Tensor:
        """Map points [R, k] to logits [R, P]."""
        ...


class PixelSpace:
    """The grey values themselves."""

    def __init__(self, network: Network, pixels: int) -> None:
        self.model: torch.nn.Module = network
        self.dimensions = pixels

    def images(self, points: Tensor) -> Tensor:
        """Points are images."""
        return points

    def points(self, images: Tensor) -> Tensor:
        """Images are points."""
        return images

    def logits(self, points: Tensor) -> Tensor:
        """Ask the network."""
        logits: Tensor = self.model(points)
        return logits


class CodeSpace:
    """The codes of a stacked autoencoder: the classifier on top of it sees nothing else."""

    def __init__(self, network: StackedAutoencoder) -> None:
        self.network = network
        self.model = network.classifier
        self.dimensions = network.classifier.first.in_features

    def images(self, points: Tensor) -> Tensor:
        """Decode."""
        return self.network.decode(points)

    def points(self, images: Tensor) -> Tensor:
        """Encode."""
        return self.network.encode(images)

    def logits(self, points: Tensor) -> Tensor:
        """Ask the classifier."""
        logits: Tensor = self.model(points)
        return logits


def space_of(network: Network, pixels: int) -> PixelSpace | CodeSpace:
    """Give the space that the published attack searches: codes for the DAE, else pixels."""
    if isinstance(network, StackedAutoencoder):
        return CodeSpace(network)
    return PixelSpace(network, pixels)


class Cost:
    """c = objective + weight · AUXTERM at points of a space, with its gradient.

    Parameters
    ----------
    space
        Where the points are.
    size
        (height, width) of the images.
    objective
        What is asked of the logits.
    auxterm, weight
        What is asked of the image, and its factor.
    """

    def __init__(
        self,
        space: Space,
        size: tuple[int, int],
        objective: Objective,
        auxterm: AuxTerm | None = None,
        weight: float = 0.0,
    ) -> None:
        self.space = space
        self.size = size
        self.objective = objective
        self.auxterm = auxterm if weight > 0 else None
        self.weight = weight

    def __call__(self, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Map points [R, k] and labels [R] to costs [R] and gradients [R, k]."""
        points = points.detach().requires_grad_()
        with torch.enable_grad():
            logits = self.space.logits(points)
            cost, derivative = self.objective(logits.detach(), labels)
            outputs, factors = [logits], [derivative]
            if self.auxterm is not None:
                term = self.auxterm(self.space.images(points).unflatten(1, self.size))
                cost = cost + self.weight * term.detach()
                outputs.append(term)
                factors.append(torch.full_like(term, self.weight))
            (gradient,) = torch.autograd.grad(outputs, points, factors)
        return cost, gradient


class RowSpace:
    r"""Exact fast form of a space whose model begins with a linear layer z = x Wᵀ + b.

    The gradient of any function of z with respect to x is Wᵀ δ with δ = ∂c/∂z, so steps from x0
    stay in the row space of W: x = x0 + Wᵀ a. With the Gram matrix G = W Wᵀ [h, h],

        z = z0 + G a,    and the step x −= λ Wᵀ δ is a −= λ δ.

    Points are a [R, h]; the gradient that this gives is δ, so that the same loop makes the same
    iterates. Exact while PROCESS is the identity, AUXTERM is none, and the step is linear in the
    gradient.

    Parameters
    ----------
    model
        A network that begins with a linear layer.
    objective
        What is asked of the logits.
    start
        float [d], x0.
    """

    def __init__(self, model: Perceptron, objective: Objective, start: Tensor) -> None:
        self.model = model
        self.objective = objective
        self.start = start
        with torch.no_grad():
            self.gram = model.first.weight @ model.first.weight.T
            self.origin = model.first(start)
        self.dimensions = len(self.gram)

    def __call__(self, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Map a [R, h] and labels [R] to costs [R] and δ [R, h]."""
        z = torch.addmm(self.origin, points, self.gram)
        if isinstance(self.model, SoftmaxRegression):  # z are the logits: spare autograd
            return self.objective(z, labels)
        z.requires_grad_()
        with torch.enable_grad():
            logits = self.model.tail(z)
            cost, derivative = self.objective(logits.detach(), labels)
            (delta,) = torch.autograd.grad(logits, z, derivative)
        return cost, delta

    @torch.no_grad()
    def expand(self, points: Tensor) -> Tensor:
        """Map a [R, h] to points of the full space [R, d]."""
        return torch.addmm(self.start, points, self.model.first.weight)
