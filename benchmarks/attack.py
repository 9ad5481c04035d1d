"""MI-FACE as published: in the row space, by autograd in one batch, and one label at a time."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks import subjects
from benchmarks.timing import Agreement, Record, Work, contest, measure
from benchmarks.training import in_default_format
from miface.attack.access.everything import Everything
from miface.attack.case import Case
from miface.attack.costs import Cost
from miface.attack.knowledge import nothing
from miface.attack.mi_face import Attacked, mi_face
from miface.attack.row_space import RowSpace, row_space_of
from miface.attack.run import attack, loop_of
from miface.attack.spaces import CodeSpace
from miface.recognisers.cnn import Cnn
from miface.recognisers.recogniser import Recogniser

ALONE = "one label at a time"
_DIFFERENCE = "same numbers of steps; largest difference of a pixel or code"
TITLES = {"softmax": "softmax", "mlp": "MLP", "dae": "DAE", "cnn": "CNN"}


@dataclass(frozen=True)
class Recovered:
    """Points of lowest cost [L, k] and steps that were made [L], for the first L labels."""

    points: Tensor
    iterations: NDArray[np.int64]

    @classmethod
    def of(cls, attacked: Attacked) -> "Recovered":
        """Take what is compared."""
        return cls(attacked.points, attacked.iterations)


LABEL_STEPS = Work[Recovered]("label-steps", lambda recovered: float(recovered.iterations.sum()))


class Published:
    """MI-FACE as published on a recogniser, with the ways to make it.

    Parameters
    ----------
    model
        Which one.
    recogniser
        The recogniser.
    alpha
        Limit of steps; None is that of the parameters.
    """

    def __init__(self, model: str, recogniser: Recogniser, alpha: int | None = None) -> None:
        plan = subjects.params().plan("mi_face", model)
        if alpha is not None:
            recipe = plan.recipe.model_copy(update={"alpha": alpha})
            plan = plan.model_copy(update={"recipe": recipe})
        self.model, self.recogniser, self.alpha = model, recogniser, alpha
        self.case = Case(Everything(recogniser), plan, nothing(*subjects.size()))
        self.recipe = plan.recipe
        self.labels = torch.arange(40)
        self.starts = self.case.starts(40, torch.Generator())
        self.process = loop_of(self.case).process

    def in_double_precision(self) -> "Published":
        """Give the same attack in float64."""
        double = Published(self.model, copy.deepcopy(self.recogniser).double(), self.alpha)
        double.starts = double.starts.double()
        return double

    def project(self) -> Recovered:
        """Attack as the pipeline does, which chooses the row space by itself."""
        fast = row_space_of(self.case)
        return Recovered.of(attack(self.case, self.labels, self.starts, fast))

    def row_space(self) -> RowSpace:
        """Do what the row space needs once for a model, before the first step."""
        space = row_space_of(self.case)
        assert space is not None
        return space

    def steps_in(self, space: RowSpace) -> Recovered:
        """Attack in a row space that is there already."""
        attacked = self._loop(space, space.begin(len(self.starts)))
        return Recovered(space.expand(attacked.points), attacked.iterations)

    def batched(self) -> Recovered:
        """Attack all labels in one batch, by autograd through the whole network."""
        return Recovered.of(self._loop(Cost(self.case), self.starts))

    def _loop(self, cost: Cost | RowSpace, starts: Tensor) -> Attacked:
        return mi_face(cost, starts, self.labels, loop_of(self.case))

    def one_at_a_time(self, labels: int) -> Recovered:
        """Attack the first labels one after the other, as one reads it in the paper."""
        recipe, points, iterations = self.recipe, [], []
        for label in range(labels):
            x = self.starts[label : label + 1].clone()
            gradient = torch.zeros_like(x)
            best, best_cost, costs = x, float("inf"), []
            for i in range(recipe.alpha + 1):
                if i > 0:
                    x = x.detach() - recipe.lambda_ * gradient
                    x = x if self.process is None else self.process(x)
                x.requires_grad_()
                cost = 1 - torch.softmax(self._logits(x), 1)[0, label]
                (gradient,) = torch.autograd.grad(cost, x)
                if (c := cost.item()) < best_cost:
                    best, best_cost = x.detach(), c
                costs.append(c)
                if i >= recipe.beta and c >= max(costs[-1 - recipe.beta : -1]):
                    break
                if i > 0 and c <= recipe.gamma:
                    break
            points.append(best)
            iterations.append(i)
        return Recovered(torch.cat(points), np.array(iterations))

    def _logits(self, points: Tensor) -> Tensor:
        if isinstance(self.case.space, CodeSpace):
            return self.case.space.logits(points)
        logits: Tensor = self.recogniser(points)
        return logits


def run(quick: bool) -> Record:
    """Measure."""
    softmax = Published("softmax", subjects.trained("softmax", quick), 300 if quick else None)
    mlp = Published("mlp", subjects.trained("mlp", quick), 10 if quick else 60)
    dae = Published("dae", subjects.trained("dae", quick), 2 if quick else 10)
    cnn = subjects.trained("cnn", quick)
    assert isinstance(cnn, Cnn)
    ours = Published("cnn", cnn, 5 if quick else 20)
    default = Published("cnn", in_default_format(cnn), 5 if quick else 20)
    n = 1 if quick else 3
    return {
        "contests": [
            _linear_first(softmax, "softmax", n=3 if quick else 5, alone=4),
            _linear_first(mlp, "MLP", n=n, alone=2),
            _contest(
                f"DAE, with PROCESS-DAE, at most {dae.recipe.alpha} steps",
                {
                    "one batch, autograd": dae.project,
                    ALONE: lambda: dae.one_at_a_time(8),
                },
                n,
                _same_images_or_rounding(dae),
            ),
            _contest(
                f"CNN, at most {ours.recipe.alpha} steps",
                {
                    "one batch, autograd": ours.project,
                    "one batch, default memory format": default.project,
                    ALONE: lambda: ours.one_at_a_time(8),
                },
                n,
            ),
        ],
        "set_up": {"softmax": _set_up(softmax, n), "mlp": _set_up(mlp, n)},
    }


def _linear_first(ours: Published, name: str, n: int, alone: int) -> Record:
    with torch.no_grad():
        space = ours.row_space()
    return _contest(
        f"{name}, at most {ours.recipe.alpha} steps",
        {
            "row space, its set-up done": lambda: ours.steps_in(space),
            "row space, set-up included": ours.project,
            "one batch, autograd in pixels": ours.batched,
            ALONE: lambda: ours.one_at_a_time(alone),
        },
        n,
    )


def _set_up(ours: Published, n: int) -> dict[str, float]:
    return measure(ours.row_space, n=n)


def _contest(
    title: str,
    contestants: Mapping[str, Callable[[], Recovered]],
    n: int,
    agree: Callable[[Mapping[str, Recovered]], Agreement] | None = None,
) -> Record:
    record, _ = contest(
        title,
        contestants,
        n=n,
        work=LABEL_STEPS,
        agree=agree or same_images,
        long=[ALONE],
    )
    return record


def same_images(recovered: Mapping[str, Recovered]) -> Agreement:
    """Compare points and steps of the labels that all contestants attacked."""
    ours, *others = recovered.values()
    difference = 0.0
    for other in others:
        count = len(other.iterations)
        if (ours.iterations[:count] != other.iterations).any():
            return Agreement("the numbers of steps differ", None, 1e-4)
        gap = (ours.points[:count] - other.points).abs().max().item()
        difference = max(difference, gap)
    return Agreement(_DIFFERENCE, difference, 1e-4)


def _same_images_or_rounding(ours: Published) -> Callable[[Mapping[str, Recovered]], Agreement]:
    """Compare points, and where the rounding in PROCESS has parted them, those in float64.

    PROCESS-DAE rounds to 8 bits: a last digit of float32 decides now and then to which side.
    """

    def agree(recovered: Mapping[str, Recovered]) -> Agreement:
        single = same_images(recovered)
        if single.equal or single.difference is None:
            return single
        exact = ours.in_double_precision()
        double = same_images({"ours": exact.project(), ALONE: exact.one_at_a_time(8)})
        what = (
            f"{single.what} in float64 (in float32 {single.difference:.0e}, because PROCESS-DAE "
            "rounds to 8 bits, and a last digit may decide to which side)"
        )
        return Agreement(what, double.difference, single.tolerance)

    return agree
