"""What the attack minimises, as functions of the logits, with their exact derivatives."""

from collections.abc import Callable

import torch
from torch import Tensor

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Maps logits [R, P] and labels int64 [R] to costs [R] and ∂cost/∂logits [R, P]."""


def one_minus_p(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """1 − p of the label: the cost of Fredrikson et al. (2015), in [0, 1].

    Its derivative p_l (p − e_l) vanishes in single precision where p_l does.
    """
    p = torch.softmax(logits, 1)
    at = labels.unsqueeze(1)
    p_label = p.gather(1, at)
    derivative = (p * p_label).scatter_add_(1, at, -p_label)
    return 1 - p_label.squeeze(1), derivative


OBJECTIVES: dict[str, Objective] = {"one_minus_p": one_minus_p}
