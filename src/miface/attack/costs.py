"""The cost that an attack minimises, and its gradient: by autograd, or by asking."""

import torch
from torch import Tensor

from miface.attack.access.confidences import Confidences
from miface.attack.auxterms import AUXTERMS
from miface.attack.candidates import Candidates
from miface.attack.case import Case
from miface.attack.objectives import OBJECTIVES

_LEAST = 1e-12  # of a confidence, which may be rounded to 0 and has a logarithm all the same
_AT_ONCE = 512  # images in a query's batch


class Cost:
    """c = objective + Σ weight · AUXTERM at points of a space, with its gradient by autograd.

    Parameters
    ----------
    case
        The recogniser, whose weights the attacker must hold, and the recipe.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.objective = OBJECTIVES[case.recipe.objective]
        self.auxterms = {AUXTERMS[name]: w for name, w in case.recipe.weights.items() if w > 0}

    def __call__(self, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Map points [R, k] and labels [R] to costs [R] and gradients [R, k]."""
        points = points.detach().requires_grad_()
        with torch.enable_grad():
            candidates = Candidates(self.case, points, labels)
            logits = candidates.logits
            cost, derivative = self.objective(logits.detach(), labels)
            whole = (logits * derivative).sum()  # its gradient is that of the objective
            for auxterm, weight in self.auxterms.items():
                term = auxterm(candidates)
                cost = cost + weight * term.detach()
                whole = whole + weight * term.sum()
            (gradient,) = torch.autograd.grad(whole, points)
        return cost, gradient


class AskedCost(Cost):
    """The same cost for an attacker who may only ask for confidences.

    The gradient of the objective is that of forward differences along each dimension of the space,
    k + 1 queries a step (Fredrikson et al., 2015, §5.2); the terms of AUXTERM are the attacker's
    own, and differentiated exactly.

    Parameters
    ----------
    case
        The access, which counts the queries, and the recipe.
    """

    def __call__(self, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Map points [R, k] and labels [R] to costs [R] and gradients [R, k]."""
        h = self.case.recipe.difference
        cost = self._ask(points, labels)
        gradient = torch.empty_like(points)
        for row, (point, label) in enumerate(zip(points, labels, strict=True)):
            for along in torch.arange(len(point), device=points.device).split(_AT_ONCE):
                beside = point.expand(len(along), -1).clone()
                beside[torch.arange(len(along)), along] += h
                asked = self._ask(beside, label.expand(len(along)))
                gradient[row, along] = (asked - cost[row]) / h
        if self.auxterms:
            points = points.detach().requires_grad_()
            with torch.enable_grad():
                candidates = Candidates(self.case, points, labels)
                terms = sum(w * auxterm(candidates) for auxterm, w in self.auxterms.items())
                assert isinstance(terms, Tensor)
                gradient = gradient + torch.autograd.grad(terms.sum(), points)[0]
            cost = cost + terms.detach()
        return cost, gradient

    def _ask(self, points: Tensor, labels: Tensor) -> Tensor:
        access = self.case.access
        assert isinstance(access, Confidences)
        with torch.no_grad():
            p = access.ask(self.case.space.images(points), labels)
            # Softmax of their logarithms gives confidences that add up to 1 back as they are.
            return self.objective(p.clamp(min=_LEAST).log(), labels)[0]
