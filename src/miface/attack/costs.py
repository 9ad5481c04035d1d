"""The cost that an attack minimises, and its gradient, by autograd."""

from collections.abc import Mapping

import torch
from torch import Tensor

from miface.attack.auxterms import AUXTERMS
from miface.attack.candidates import Candidates
from miface.attack.evidence import Evidence
from miface.attack.objectives import Objective
from miface.attack.spaces import Space
from miface.models.networks import Network


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
