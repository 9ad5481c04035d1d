"""Training: in the span of the photos against plain descent, the DAE's starts, the CNN's format."""

import copy
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import subjects
from benchmarks.timing import Agreement, Record, Work, contest, measure
from miface.recognisers import accuracy
from miface.recognisers.cnn import Cnn, CnnSettings, start_with_signed_dirac
from miface.recognisers.dae import Dae, DaeSettings, Pretraining
from miface.recognisers.mlp import Mlp, MlpSettings
from miface.recognisers.recogniser import Recogniser
from miface.recognisers.softmax import Softmax
from miface.training.initial_weights import initialise
from miface.training.trainer import Descent, Photos, Trainer, train_classifier

PLAIN = "plain PyTorch SGD"


def run(quick: bool) -> Record:
    """Measure."""
    return {
        "contests": [_softmax(quick), _mlp(quick), _cnn(quick)],
        "all_epochs": _all_epochs(quick),
        "autoencoder": _autoencoder(quick),
    }


def plain_training(network: nn.Module, photos: Photos, settings: Descent, seed: int) -> None:
    """Train as everybody does: PyTorch's SGD on all weights, and no measures along the way."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    network.train()
    for _ in range(settings.max_epochs):
        order = torch.randperm(photos.trained_on, generator=generator)
        for rows in order.split(settings.batch_size):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(photos.x[rows]), photos.person[rows]).backward()
            optimiser.step()


def _ours(network: Recogniser, photos: Photos, settings: Descent, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    train_classifier(network, settings, Trainer(photos, generator, lambda _: None))


def _softmax(quick: bool) -> Record:
    start = subjects.untrained("softmax", subjects.size())
    assert isinstance(start, Softmax)
    initialise(start.first, start.settings.initial_weights, torch.Generator().manual_seed(0))
    return _against_plain("softmax", start, start.settings, n=3 if quick else 7)


def _mlp(quick: bool) -> Record:
    settings = subjects.settings(MlpSettings).model_copy(update={"max_epochs": 1 if quick else 3})
    return _against_plain("MLP", _initial_mlp(settings), settings, n=1 if quick else 3)


def _initial_mlp(settings: MlpSettings) -> Mlp:
    start = subjects.untrained("mlp", subjects.size())
    assert isinstance(start, Mlp)
    generator = torch.Generator().manual_seed(0)
    initialise(start.first, settings.initial_weights, generator)
    initialise(start.output, settings.initial_output_weights, generator)
    return start


def _all_epochs(quick: bool) -> Record:
    """Train the MLP for as long as the pipeline does."""
    epochs = 6 if quick else subjects.settings(MlpSettings).max_epochs
    settings = subjects.settings(MlpSettings).model_copy(update={"max_epochs": epochs})
    start = _initial_mlp(settings)
    photos = subjects.photos()
    return {
        "epochs": epochs,
        "n": 1,
        "seconds": measure(lambda: _on_copy(_ours, start, photos, settings), n=1),
    }


def _against_plain(name: str, start: Recogniser, settings: Descent, n: int) -> Record:
    photos = subjects.photos()
    return _train_contest(
        f"{name}, {settings.max_epochs} epochs",
        {
            "in the span of the photos": lambda: _on_copy(_ours, start, photos, settings),
            PLAIN: lambda: _on_copy(plain_training, start, photos, settings),
        },
        n,
        settings.max_epochs,
        _same_weights_or_rounding(start, settings),
        long=[PLAIN] if name == "MLP" else [],
    )


class _DefaultFormat(Cnn):
    """The CNN in PyTorch's default memory format."""

    def features(self, x: Tensor) -> Tensor:
        features: Tensor = self.convolutions(x.view(-1, 1, *self.size))
        return features


def in_default_format(network: Cnn) -> Cnn:
    """Copy a CNN, its convolutions in PyTorch's default memory format."""
    other = copy.deepcopy(network)
    other.__class__ = _DefaultFormat
    other.convolutions.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return other


def _cnn(quick: bool) -> Record:
    settings = subjects.settings(CnnSettings).model_copy(update={"max_epochs": 1})
    torch.manual_seed(0)
    start = subjects.untrained("cnn", subjects.size())
    assert isinstance(start, Cnn)
    start_with_signed_dirac(start)
    initialise(start.hidden, settings.initial_weights, torch.Generator().manual_seed(0))
    default, photos = in_default_format(start), subjects.photos()
    return _train_contest(
        "CNN, 1 epoch",
        {
            "channels last": lambda: _on_copy(_ours, start, photos, settings),
            "default memory format": lambda: _on_copy(_ours, default, photos, settings),
            "default memory format, plain loop without measures": lambda: _on_copy(
                plain_training, default, photos, settings
            ),
        },
        1 if quick else 3,
        1,
        same_weights,
    )


def _on_copy(
    how: Callable[[Any, Photos, Descent, int], None],
    start: Recogniser,
    photos: Photos,
    settings: Descent,
) -> Recogniser:
    torch.manual_seed(0)  # dropout
    network = copy.deepcopy(start)
    how(network, photos, settings, 0)
    return network


def _train_contest(
    title: str,
    contestants: Mapping[str, Callable[[], Recogniser]],
    n: int,
    epochs: int,
    agree: Callable[[Mapping[str, Recogniser]], Agreement],
    long: Collection[str] = (),
) -> Record:
    record, _ = contest(
        title, contestants, n=n, work=Work("epochs", lambda _: epochs), agree=agree, long=long
    )
    return record


def _same_weights_or_rounding(
    start: Recogniser, settings: Descent
) -> Callable[[Mapping[str, Recogniser]], Agreement]:
    """Compare weights, and where rounding has grown, those of the same training in float64.

    A step that is long for the data makes descent unstable at first: then plain PyTorch in float32
    is as far from itself in float64 as it is from ours.
    """

    def agree(networks: Mapping[str, Recogniser]) -> Agreement:
        single = same_weights(networks)
        if single.equal:
            return single
        photos = subjects.photos()
        photos = Photos(photos.x.double(), photos.person, photos.trained_on)
        exact = copy.deepcopy(start).double()
        plain = _on_copy(plain_training, exact, photos, settings)
        double = same_weights({"": plain, "ours": _on_copy(_ours, exact, photos, settings)})
        rounding = same_weights({"": plain, PLAIN: networks[PLAIN]})
        what = (
            f"{single.what} in float64 (in float32 rounding grows: {single.difference:.0e}, and "
            f"plain PyTorch in float32 is {rounding.difference:.0e} from itself in float64)"
        )
        return Agreement(what, double.difference, single.tolerance)

    return agree


@torch.no_grad()
def same_weights(networks: Mapping[str, Recogniser]) -> Agreement:
    """Compare all weights of the first network with those of the others."""
    ours, *others = (list(network.parameters()) for network in networks.values())
    difference = max(
        (a - b).abs().max().item() for other in others for a, b in zip(ours, other, strict=True)
    )
    return Agreement("largest difference of a weight", difference, 1e-4)


def _autoencoder(quick: bool) -> list[Record]:
    """Train the DAE twice: as the pipeline does, and by the recipe of a random start."""
    dae = subjects.settings(DaeSettings)
    if quick:
        few = tuple(x.model_copy(update={"epochs": 2}) for x in dae.pretraining)
        dae = dae.model_copy(update={"pretraining": few})
    recipes = {
        "from principal components": dae,
        "from random weights": dae.model_copy(
            update={
                "initial_autoencoder": "xavier",
                "pretraining": tuple(
                    Pretraining(learning_rate=1e-3, batch_size=28, epochs=epochs)
                    for epochs in ((2, 4) if quick else (100, 200))
                ),
                "momentum": 0.9,
            }
        ),
    }
    photos = subjects.photos()
    n = photos.trained_on
    records = []
    for name, recipe in recipes.items():
        last: dict[str, float] = {}
        since = time.perf_counter()
        network = subjects.trained_by("dae", recipe, last.update)
        seconds = time.perf_counter() - since
        assert isinstance(network, Dae)
        x = photos.x[n:]
        with torch.no_grad():
            reconstructed = network.decode(network.encode(x))
        records.append(
            {
                "name": name,
                "n": 1,
                "epochs": [part.epochs for part in recipe.pretraining],
                "seconds": seconds,
                "outer_error": last["outer/test"],
                "error": nn.functional.mse_loss(reconstructed, x).item(),
                "accuracy": accuracy(network, x, photos.person[n:]),
            }
        )
    return records
