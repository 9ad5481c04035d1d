"""The cost that an attack minimises, and its gradient: by autograd, or in a layer's row space."""

from collections.abc import Mapping

import torch
from torch import Tensor

from miface.attack.auxterms import AUXTERMS
from miface.attack.candidates import Candidates
from miface.attack.evidence import Evidence
from miface.attack.objectives import Objective
from miface.attack.spaces import Space
from miface.models.networks import Network, Perceptron, SoftmaxRegression


class Cost:
    """c = objective + Σ weight · AUXTERM at points of a space, with its gradient.

    Parameters
    ----------
    network
        The network that is attacked.
    space
        Where the points are.
    size
        (height, width) of the images.
    objective
        What is asked of the logits.
    auxterms
        Factors of the terms in `miface.attack.auxterms`, by name.
    evidence
        What was read off the weights, for the terms that ask for it.
    """

    def __init__(
        self,
        network: Network,
        space: Space,
        size: tuple[int, int],
        objective: Objective,
        auxterms: Mapping[str, float] | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        self.network, self.space, self.size = network, space, size
        self.objective = objective
        self.auxterms = {AUXTERMS[name]: w for name, w in (auxterms or {}).items() if w > 0}
        self.evidence = evidence

    def __call__(self, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Map points [R, k] and labels [R] to costs [R] and gradients [R, k]."""
        points = points.detach().requires_grad_()
        with torch.enable_grad():
            candidates = Candidates(
                self.network, self.space, self.size, points, labels, self.evidence
            )
            logits = candidates.logits
            cost, derivative = self.objective(logits.detach(), labels)
            whole = (logits * derivative).sum()  # its gradient is that of the objective
            for auxterm, weight in self.auxterms.items():
                term = auxterm(candidates)
                cost = cost + weight * term.detach()
                whole = whole + weight * term.sum()
            (gradient,) = torch.autograd.grad(whole, points)
        return cost, gradient


class RowSpace:
    r"""Exact fast form of a cost without AUXTERM whose model begins with a layer z = x Wᵀ + b.

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
            (delta,) = torch.autograd.grad((logits * derivative).sum(), z)
        return cost, delta

    @torch.no_grad()
    def expand(self, points: Tensor) -> Tensor:
        """Map a [R, h] to points of the full space [R, d]."""
        return torch.addmm(self.start, points, self.model.first.weight)
