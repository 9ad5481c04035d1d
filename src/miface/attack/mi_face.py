"""MI-FACE: Algorithm 1 of Fredrikson, Jha and Ristenpart (CCS 2015), for many people at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from miface.attack.gradients import GradientRule

CostAndGradient = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Maps points [R, k] and labels [R] to costs [R] and gradients [R, k]."""

Observe = Callable[[int, Tensor, Tensor, Tensor], None]
"""Receives iteration, row numbers still running [R], their points [R, k] and costs [R]."""

_STALLED, _REACHED = 1, 2
_RULES = np.array(["alpha", "beta", "gamma"])


@dataclass(frozen=True)
class Attacked:
    """What an attack returns, a row for each label.

    Attributes
    ----------
    points
        float [R, k], the point of lowest cost that was visited.
    cost
        float [R], its cost.
    iterations
        int64 [R], steps that were made.
    stopped
        str [R], the rule that ended the row: ``alpha``, ``beta`` or ``gamma``.
    history
        float32 [R, I + 1], the cost of x0, x1, …; NaN after a row has stopped.
    """

    points: Tensor
    cost: Tensor
    iterations: NDArray[np.int64]
    stopped: NDArray[np.str_]
    history: NDArray[np.float32]


@dataclass(frozen=True)
class Loop:
    """The knobs of the paper, and what may be done to a step; without that, as published.

    Attributes
    ----------
    alpha, beta, gamma, lambda_
        The knobs.
    process
        PROCESS; None is the identity.
    rule
        What is made of the gradient before the step; None takes it as it is.
    schedule
        Factor of λ in step i; None is 1.
    """

    alpha: int
    beta: int
    gamma: float
    lambda_: float
    process: Callable[[Tensor], Tensor] | None = None
    rule: GradientRule | None = None
    schedule: Callable[[int], float] | None = None


@torch.no_grad()
def mi_face(
    cost: CostAndGradient,
    start: Tensor,
    labels: Tensor,
    loop: Loop,
    observe: Observe | None = None,
) -> Attacked:
    r"""Minimise a cost for each label by gradient descent with the stopping rules of MI-FACE.

    For i = 1 … α: x_i = PROCESS(x_{i−1} − λ ∇c(x_{i−1})); a row stops when c(x_i) ≥
    max(c(x_{i−1}), …, c(x_{i−β})), or else when c(x_i) ≤ γ. The first rule needs β earlier costs,
    so a row that never improves stops after β steps. A cost that is not a number counts as no
    improvement. Rows share nothing but the batch that they are computed in, and a row that has
    stopped is computed no more.

    Parameters
    ----------
    cost
        c and its gradient.
    start
        float [R, k], x0 of each row.
    labels
        int64 [R].
    loop
        The knobs of the paper, and what is done to a step.
    observe
        Called with what is still running after x0 and after each step.

    Returns
    -------
    Attacked
        The visited point of lowest cost (the earliest of several) for each row, x0 included.

    References
    ----------
    .. [1] M. Fredrikson, S. Jha and T. Ristenpart, "Model Inversion Attacks that Exploit
       Confidence Information and Basic Countermeasures", CCS 2015, Algorithm 1.
    """
    alpha, beta, gamma, rule = loop.alpha, loop.beta, loop.gamma, loop.rule
    rows = torch.arange(len(start), device=start.device)
    x = start.clone()
    c, gradient = cost(x, labels)
    best_x, best_c = x, c
    window = torch.full((len(rows), beta), torch.inf, dtype=c.dtype, device=x.device)
    window[:, 0] = c
    points, costs = torch.empty_like(x), torch.empty_like(c)
    iterations = torch.full_like(rows, alpha)
    stopped = torch.zeros_like(rows)
    history = [(rows, c)]
    if observe is not None:
        observe(0, rows, x, c)
    for i in range(1, alpha + 1):
        length = loop.lambda_ if loop.schedule is None else loop.lambda_ * loop.schedule(i)
        x = torch.sub(x, gradient if rule is None else rule(gradient), alpha=length)
        if loop.process is not None:
            x = loop.process(x)
        c, gradient = cost(x, labels)
        history.append((rows, c))
        if observe is not None:
            observe(i, rows, x, c)
        better = c < best_c
        if (better & (c > gamma)).all():
            # Every row is lower than ever, and so than its last β costs: no rule ends any.
            best_x, best_c = x, c
            window[:, i % beta] = c
            continue
        best_x = torch.where(better.unsqueeze(1), x, best_x)
        best_c = torch.where(better, c, best_c)
        stalled = ~(c < window.amax(1))
        ended = stalled | (c <= gamma)
        window[:, i % beta] = c
        if ended.any():
            out = rows[ended]
            points[out], costs[out], iterations[out] = best_x[ended], best_c[ended], i
            stopped[out] = torch.where(stalled[ended], _STALLED, _REACHED)
            on = ~ended
            rows, labels, x, c, gradient = rows[on], labels[on], x[on], c[on], gradient[on]
            best_x, best_c, window = best_x[on], best_c[on], window[on]
            if rule is not None:
                rule.keep(on)
            if len(rows) == 0:
                break
    points[rows], costs[rows] = best_x, best_c
    return Attacked(
        points,
        costs,
        iterations.cpu().numpy(),
        _RULES[stopped.cpu().numpy()],
        _tabulate(history, len(start)),
    )


def _tabulate(history: list[tuple[Tensor, Tensor]], rows: int) -> NDArray[np.float32]:
    table = np.full((rows, len(history)), np.nan, dtype=np.float32)
    for i, (running, c) in enumerate(history):
        table[running.cpu().numpy(), i] = c.cpu().numpy()
    return table
