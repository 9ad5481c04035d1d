"""What the attack minimises, as functions of the logits, with their exact derivatives."""

from collections.abc import Callable

import torch
from torch import Tensor

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Maps logits [R, P] and labels int64 [R] to costs [R] and ∂cost/∂logits [R, P]."""

OBJECTIVES: dict[str, Objective] = {}
"""The objectives by their names in ``params.yaml``: those of the functions below."""


def objective(function: Objective) -> Objective:
    """Add a function to the objectives."""
    OBJECTIVES[function.__name__] = function
    return function


@objective
def one_minus_p(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """1 − p of the label: the cost of Fredrikson et al. (2015), in [0, 1].

    Its derivative p_l (p − e_l) vanishes in single precision where p_l does.
    """
    p = torch.softmax(logits, 1)
    at = labels.unsqueeze(1)
    p_label = p.gather(1, at)
    derivative = (p * p_label).scatter_add_(1, at, -p_label)
    return 1 - p_label.squeeze(1), derivative


@objective
def minus_log_p(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """−log p of the label, in [0, ∞): the same minimiser, and no plateau where p is small.

    Its derivative is p − e_l.
    """
    log_p = torch.log_softmax(logits, 1)
    at = labels.unsqueeze(1)
    derivative = log_p.exp().scatter_add_(1, at, -torch.ones_like(at, dtype=logits.dtype))
    return -log_p.gather(1, at).squeeze(1), derivative


@objective
def margin(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Highest logit of anybody else minus the logit of the label, in (−∞, ∞)."""
    at = labels.unsqueeze(1)
    others = logits.scatter(1, at, -torch.inf)
    highest, rival = others.max(1, keepdim=True)
    derivative = torch.zeros_like(logits).scatter_(1, rival, 1.0).scatter_(1, at, -1.0)
    return (highest - logits.gather(1, at)).squeeze(1), derivative
