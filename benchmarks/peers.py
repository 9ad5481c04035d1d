"""The attack against what others ship: ART's MIFace, and AIJack's MI_FACE where it is installed."""

import inspect
import textwrap
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import subjects
from benchmarks.attack import LABEL_STEPS, TITLES, Published, Recovered, same_images
from benchmarks.timing import Agreement, Record, contest
from miface.attack.objectives import OBJECTIVES

_ART, _AIJACK = "adversarial-robustness-toolbox", "aijack"
_MASK = "active = (cost <= self.threshold) + (cost >= np.max(window, axis=1))"
_CORRECTED = "active = (cost > self.threshold) & (cost < np.max(window, axis=1))"


def run(quick: bool) -> Record:
    """Measure what is installed."""
    versions = {name: _version(name) for name in (_ART, _AIJACK)}
    record: Record = {"versions": versions, "models": {}}
    models: dict[str, tuple[int | None, int]] = {
        "softmax": (300 if quick else None, 2),
        "mlp": (5 if quick else 30, 2),
    }
    for model, (alpha, labels) in models.items():
        ours = Published(model, subjects.trained(model, quick), alpha)
        record["models"][model] = _compare(model, ours, labels, versions, quick)
    record["models"]["mlp"].append(_with_adam(quick))
    if versions[_ART]:
        ours = Published("softmax", subjects.trained("softmax", quick), 20)
        record["models"]["softmax"].append(_in_one_batch(ours))
    return record


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _compare(
    model: str, ours: Published, labels: int, versions: dict[str, str | None], quick: bool
) -> list[Record]:
    """Compare each as it is shipped, and at equal steps."""
    n = 1 if quick else 3
    title = f"{TITLES[model]}, at most {ours.recipe.alpha} steps"
    records = []
    space = ours.row_space()
    alike: dict[str, Callable[[], Recovered]] = {
        "this project, 40 labels, its set-up done": lambda: ours.steps_in(space),
        "this project, 40 labels, set-up included": ours.project,
    }
    if versions[_ART]:
        art = _Art(ours)
        shipped = {
            "this project": ours.project,
            "ART as shipped": lambda: art.attack(40, 1, corrected=False),
        }
        records.append(_contest(f"{title}, 40 labels, each as it is shipped", ours, shipped, n))
        alike[f"ART, mask corrected, {labels} labels one by one"] = lambda: art.attack(
            labels, 1, corrected=True
        )
    if versions[_AIJACK]:
        steps = ours.project().iterations[:labels]
        alike[f"AIJack, {labels} labels one by one"] = lambda: _aijack(ours, steps)
    if len(alike) > 2:
        records.append(_contest(f"{title}, equal steps", ours, alike, n))
    return records


def _in_one_batch(ours: Published) -> Record:
    """Compare on all labels at once, where ART's time grows with the square of the labels."""
    art = _Art(ours)
    contestants = {
        "this project": ours.project,
        "ART, mask corrected, `batch_size=40`": lambda: art.attack(40, 40, corrected=True),
    }
    return _contest(f"softmax, {ours.recipe.alpha} steps, one batch", ours, contestants, 1)


def _with_adam(quick: bool) -> Record:
    """Compare with Adam in pixels on all labels at once: the inner loop of Plug & Play Attacks."""
    ours = Published("mlp", subjects.trained("mlp", quick), 10 if quick else 100)
    contestants = {
        "this project": ours.project,
        "Adam on 40 images by autograd": lambda: _adam(ours),
    }
    title = f"MLP, {ours.recipe.alpha} steps, 40 labels in one batch, another optimiser"
    return _contest(title, ours, contestants, 1 if quick else 3, agree=_label_steps_alone)


def _adam(ours: Published) -> Recovered:
    images = ours.starts.clone().requires_grad_()
    optimiser = torch.optim.Adam([images], lr=0.01)
    for _ in range(ours.recipe.alpha):
        optimiser.zero_grad()
        nn.functional.cross_entropy(
            ours.recogniser(images), ours.labels, reduction="sum"
        ).backward()
        optimiser.step()
    for weight in ours.recogniser.parameters():
        weight.grad = None
    return Recovered(images.detach(), np.full(len(images), ours.recipe.alpha))


def _label_steps_alone(recovered: Mapping[str, Recovered]) -> Agreement:
    return Agreement("another descent finds other images; times are compared a label-step", 0, 0)


def _contest(
    title: str,
    ours: Published,
    contestants: Mapping[str, Callable[[], Recovered]],
    n: int,
    agree: Callable[[Mapping[str, Recovered]], Agreement] = same_images,
) -> Record:
    record, recovered = contest(title, contestants, n=n, work=LABEL_STEPS, agree=agree)
    for entry in record["entries"]:
        result = recovered[entry["name"]]
        entry["steps"] = float(result.iterations.mean())
        entry["cost"] = _mean_cost(ours, result.points)
    return record


@torch.no_grad()
def _mean_cost(ours: Published, points: Tensor) -> float:
    objective, labels = OBJECTIVES[ours.recipe.objective], torch.arange(len(points))
    return objective(ours.recogniser(points), labels)[0].double().mean().item()


class _Art:
    """ART's attack on the same, and the steps that it makes."""

    def __init__(self, ours: Published) -> None:
        from art.attacks.inference.model_inversion import mi_face as module
        from art.estimators.classification import PyTorchClassifier

        self.ours = ours
        self.shipped = module.MIFace
        self.corrected = _with_mask_corrected(module)
        pixels = ours.starts.shape[1]
        self.classifier = PyTorchClassifier(
            model=nn.Sequential(ours.recogniser, nn.Softmax(1)),  # ART descends on probabilities
            loss=nn.CrossEntropyLoss(),
            input_shape=(pixels,),
            nb_classes=40,
            device_type="cpu",
        )
        self.steps: np.ndarray[Any, np.dtype[np.int64]] = np.zeros(40, np.int64)
        gradient = self.classifier.class_gradient

        def counted(x: Any, label: Any, **kwargs: Any) -> Any:
            self.steps[label] += 1
            return gradient(x, label, **kwargs)

        self.classifier.class_gradient = counted

    def attack(self, labels: int, batch_size: int, *, corrected: bool) -> Recovered:
        """Attack the first labels at the λ, β, γ and α of ours."""
        recipe = self.ours.recipe
        self.steps[:] = 0
        kind = self.corrected if corrected else self.shipped
        attack = kind(
            self.classifier,
            max_iter=recipe.alpha,
            window_length=recipe.beta,
            threshold=float(recipe.gamma),
            learning_rate=float(recipe.lambda_),
            batch_size=batch_size,
            verbose=False,
        )
        images = attack.infer(self.ours.starts[:labels].numpy().copy(), np.arange(labels))
        return Recovered(torch.from_numpy(images), self.steps[:labels].copy())


def _with_mask_corrected(module: Any) -> Any:
    """Give ART's attack with one line of its source changed: the rows that go on."""
    source = textwrap.dedent(inspect.getsource(module.MIFace.infer))
    if _MASK not in source:
        raise RuntimeError(f"ART {_version(_ART)} has another stopping mask; look at it again")
    namespace: dict[str, Any] = {}
    exec(source.replace(_MASK, _CORRECTED), vars(module), namespace)
    return type("MIFaceCorrected", (module.MIFace,), {"infer": namespace["infer"]})


def _aijack(ours: Published, steps: "np.ndarray[Any, np.dtype[np.int64]]") -> Recovered:
    """Attack by AIJack, which has no stopping rules, for as many steps as ours took."""
    from aijack.attack import MI_FACE

    model = nn.Sequential(ours.recogniser, nn.Softmax(1))
    points = []
    for label, count in enumerate(steps.tolist()):
        start = ours.starts[label : label + 1]
        attack = MI_FACE(
            model,
            input_shape=tuple(start.shape),
            target_label=label,
            lam=ours.recipe.lambda_,
            num_itr=count,
            log_interval=0,
        )
        image, _ = attack.attack(start.clone())
        points.append(image.detach())
    for weight in model.parameters():
        weight.grad = None  # its loop leaves gradients behind
    return Recovered(torch.cat(points), steps)
