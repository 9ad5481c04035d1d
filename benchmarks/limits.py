"""Distance from the machine's limit: operations and bytes a second beside product and copy."""

import statistics
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import subjects
from benchmarks.attack import Published
from benchmarks.timing import Record, measure
from miface.attack.mi_face import Loop, mi_face
from miface.attack.run import cost_of
from miface.recognisers.cnn import CnnSettings
from miface.recognisers.dae import Dae, DaeSettings
from miface.recognisers.mlp import Mlp, MlpSettings
from miface.training.autoencoder import pretrain
from miface.training.trainer import Trainer, train_classifier

_FLOAT = 4  # bytes


def run(quick: bool) -> Record:
    """Measure."""
    n = 3 if quick else 9
    hidden = subjects.settings(MlpSettings).hidden_units
    a, b = torch.rand(hidden, hidden), torch.rand(hidden, hidden)
    out = torch.empty(hidden, hidden)
    product = measure(lambda: torch.mm(a, b, out=out), n=n)
    large, small = torch.rand(64 << 20 >> (2 if quick else 0)), torch.rand(hidden * 280)
    return {
        "n": n,
        "hidden": hidden,
        "product": {"seconds": product, "flops": 2 * hidden**3 / product["min"]},
        "copy": _copy(large, n),
        "copy_in_cache": _copy(small, n),
        "cases": [
            _pretraining_epoch(quick),
            _cnn_epoch(quick),
            _cnn_attack_step(1, quick),
            _cnn_attack_step(40, quick),
            _attack_step(40, quick),
            _training_epoch(quick),
        ],
    }


def _copy(source: torch.Tensor, n: int) -> Record:
    target = torch.empty_like(source)
    seconds = measure(lambda: target.copy_(source), n=n)
    size = source.numel() * _FLOAT
    return {"bytes": size, "seconds": seconds, "bytes_per_second": 2 * size / seconds["min"]}


def _pretraining_epoch(quick: bool) -> Record:
    """Time an epoch of the outer autoencoder's pretraining: the longest step of a run."""
    photos, settings = subjects.photos(), subjects.settings(DaeSettings)
    network = subjects.untrained("dae", subjects.size())
    assert isinstance(network, Dae)
    outer = network.outer
    pretraining = settings.pretraining[0]

    def train(epochs: int) -> None:
        how = pretraining.model_copy(update={"epochs": epochs})
        trainer = Trainer(photos, torch.Generator().manual_seed(0), lambda _: None)
        pretrain(outer, how, settings.corruption, trainer, lambda *errors: None)

    weights = sum(weight.numel() for weight in outer.parameters())
    steps = -(-photos.trained_on // pretraining.batch_size)
    # Both ways through both matrices but back to the photos (half of the weights); a gradient
    # written; Adam, which reads it, the weights and two moments, and writes these three.
    moved = steps * weights * (1 + 0.5 + 1 + 4 + 3) + 2 * weights
    return {
        "name": f"pretraining of the outer autoencoder, an epoch of {steps} steps",
        "seconds": _slope(train, 1, 2 if quick else 5, n=3),
        "flop": _flop(lambda: train(1)),
        "bytes": _FLOAT * moved,
    }


def _cnn_epoch(quick: bool) -> Record:
    """Time an epoch of the CNN's training, with the measures at its end."""
    photos, settings = subjects.photos(), subjects.settings(CnnSettings)
    network = subjects.untrained("cnn", subjects.size())

    def train(epochs: int) -> None:
        trainer = Trainer(photos, torch.Generator().manual_seed(0), lambda _: None)
        train_classifier(network, settings.model_copy(update={"max_epochs": epochs}), trainer)

    steps = -(-photos.trained_on // settings.batch_size)
    weights = sum(weight.numel() for weight in network.parameters())
    # Both ways through the weights; a gradient written; descent with momentum, which reads it, the
    # weights and the velocity, and writes these two.
    return {
        "name": f"training of the CNN, an epoch of {steps} steps",
        "seconds": _slope(train, 1, 2 if quick else 5, n=3),
        "flop": _flop(lambda: train(1)),
        "bytes": _FLOAT * (steps * weights * (2 + 1 + 3 + 2) + weights),
    }


def _cnn_attack_step(rows: int, quick: bool) -> Record:
    """Time a step of the published attack on the CNN, the last rows of which run alone."""
    network = subjects.trained("cnn", quick)
    published = Published("cnn", network)
    cost, start = cost_of(published.case), published.starts[:rows]
    labels = torch.arange(rows)
    steps = 5 if quick else 50

    def attack(alpha: int) -> None:
        mi_face(cost, start, labels, Loop(alpha, beta=steps + 2, gamma=-1.0, lambda_=0.1))

    whose = "1 label" if rows == 1 else f"{rows} labels"
    return {
        "name": f"attack on the CNN, {whose}, a step",
        "seconds": _slope(attack, 1, 1 + steps, n=3),
        "flop": _flop(lambda: cost(start, labels)),
        "bytes": _FLOAT * 2 * sum(weight.numel() for weight in network.parameters()),
    }


def _flop(run: Callable[[], object]) -> float:
    """Count the operations of the products and convolutions of a run."""
    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops())


def _attack_step(rows: int, quick: bool) -> Record:
    """Time a step of the MLP's attack: z = z0 + G a, the layer above, and its gradient.

    Counted as if G were multiplied in each step, which `NearbyProducts` spares.
    """
    network = subjects.trained("mlp", quick)
    assert isinstance(network, Mlp)
    with torch.no_grad():
        space = Published("mlp", network).row_space()
    hidden, people = space.dimensions, network.output.out_features
    labels = torch.arange(rows) % people
    start = space.begin(rows)
    steps = 5 if quick else 50

    def attack(alpha: int) -> None:
        # γ below every cost and β beyond α: no row stops.
        mi_face(space, start, labels, Loop(alpha, beta=steps + 2, gamma=-1.0, lambda_=0.1))

    return {
        "name": f"attack on the MLP in the row space, {rows} labels, a step",
        "seconds": _slope(attack, 1, 1 + steps, n=3),
        "flop": 2 * rows * hidden**2 + 4 * rows * hidden * people,
        # The least that must move: G and the layer above once, x and its gradient.
        "bytes": _FLOAT * (hidden**2 + hidden * people + 3 * rows * hidden),
    }


def _training_epoch(quick: bool) -> Record:
    """Time an epoch of the MLP's training in the span, with the measures at its end."""
    photos, settings = subjects.photos(), subjects.settings(MlpSettings)
    n, every, batch = photos.trained_on, len(photos.x), settings.batch_size
    hidden, people = settings.hidden_units, 40
    network = subjects.untrained("mlp", subjects.size(), people)

    def train(epochs: int) -> None:
        trainer = Trainer(photos, torch.Generator().manual_seed(0), lambda _: None)
        train_classifier(network, settings.model_copy(update={"max_epochs": epochs}), trainer)

    steps = -(-n // batch)
    return {
        "name": f"training of the MLP in the span of {n} photos, an epoch",
        "seconds": _slope(train, 1, 3 if quick else 11, n=3),
        "flop": 2 * hidden * (n * n + every * n) + 2 * hidden * people * (3 * n + every),
        # C and its rows' part of the products, the layer above with its gradient and update.
        "bytes": _FLOAT
        * (
            steps * (hidden * n + 2 * batch * hidden + 3 * hidden * people)
            + hidden * n + every * hidden
        ),
    }  # fmt: skip


def _slope(run: Callable[[int], None], few: int, many: int, n: int) -> dict[str, float]:
    """Seconds for each of `many` − `few`, so that what is done once does not count."""
    run(few)
    slopes = []
    for _ in range(n):
        times = []
        for count in (few, many):
            since = time.perf_counter()
            run(count)
            times.append(time.perf_counter() - since)
        slopes.append((times[1] - times[0]) / (many - few))
    return {"median": statistics.median(slopes), "min": min(slopes), "max": max(slopes)}
