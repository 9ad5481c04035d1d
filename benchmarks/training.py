"""Training: in the span of the photos against plain descent, the DAE's starts, the CNN's format."""

import copy
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import subjects
from benchmarks.timing import Agreement, Record, contest, measure
from miface.models.networks import (
    ConvolutionalNetwork,
    MultilayerPerceptron,
    Network,
    SoftmaxRegression,
    StackedAutoencoder,
    build,
    initialise,
    start_with_signed_dirac,
)
from miface.models.recognisers import accuracy, reconstruct, train
from miface.models.training import Photos, train_classifier
from miface.params.training import Mlp, Pretraining, Training

PLAIN = "plain PyTorch SGD"


def run(quick: bool) -> Record:
    """Measure."""
    return {
        "contests": [_softmax(quick), _mlp(quick), _cnn(quick)],
        "all_epochs": _all_epochs(quick),
        "autoencoder": _autoencoder(quick),
    }


def plain_training(network: nn.Module, photos: Photos, settings: Training, seed: int) -> None:
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


def _ours(network: Network, photos: Photos, settings: Training, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    train_classifier(network, photos, settings, generator, lambda _: None)


def _softmax(quick: bool) -> Record:
    settings = subjects.params().softmax
    start = SoftmaxRegression(subjects.photos().x.shape[1], 40)
    initialise(start.first, settings.initial_weights, torch.Generator().manual_seed(0))
    return _against_plain("softmax", start, settings, n=3 if quick else 7)


def _mlp(quick: bool) -> Record:
    settings = subjects.params().mlp.model_copy(update={"max_epochs": 1 if quick else 3})
    return _against_plain("MLP", _initial_mlp(settings), settings, n=1 if quick else 3)


def _initial_mlp(settings: Mlp) -> MultilayerPerceptron:
    start = MultilayerPerceptron(subjects.photos().x.shape[1], settings.hidden_units, 40)
    generator = torch.Generator().manual_seed(0)
    initialise(start.first, settings.initial_weights, generator)
    initialise(start.output, settings.initial_output_weights, generator)
    return start


def _all_epochs(quick: bool) -> Record:
    """Train the MLP for as long as the pipeline does."""
    epochs = 6 if quick else subjects.params().mlp.max_epochs
    settings = subjects.params().mlp.model_copy(update={"max_epochs": epochs})
    start = _initial_mlp(settings)
    photos = subjects.photos()
    return {
        "epochs": epochs,
        "n": 1,
        "seconds": measure(lambda: _on_copy(_ours, start, photos, settings), n=1),
    }


def _against_plain(name: str, start: Network, settings: Training, n: int) -> Record:
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


class _DefaultFormat(ConvolutionalNetwork):
    """The CNN in PyTorch's default memory format."""

    def features(self, x: Tensor) -> Tensor:
        features: Tensor = self.convolutions(x.view(-1, 1, *self.size))
        return features


def in_default_format(network: ConvolutionalNetwork) -> ConvolutionalNetwork:
    """Copy a CNN, its convolutions in PyTorch's default memory format."""
    other = copy.deepcopy(network)
    other.__class__ = _DefaultFormat
    other.convolutions.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return other


def _cnn(quick: bool) -> Record:
    settings = subjects.params().cnn.model_copy(update={"max_epochs": 1})
    torch.manual_seed(0)
    start = build(subjects.architecture("cnn"))
    assert isinstance(start, ConvolutionalNetwork)
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
    how: Callable[[Any, Photos, Training, int], None],
    start: Network,
    photos: Photos,
    settings: Training,
) -> Network:
    torch.manual_seed(0)  # dropout
    network = copy.deepcopy(start)
    how(network, photos, settings, 0)
    return network


def _train_contest(
    title: str,
    contestants: Mapping[str, Callable[[], Network]],
    n: int,
    epochs: int,
    agree: Callable[[Mapping[str, Network]], Agreement],
    long: Collection[str] = (),
) -> Record:
    record, _ = contest(
        title, contestants, n=n, unit="epochs", work=lambda _: epochs, agree=agree, long=long
    )
    return record


def _same_weights_or_rounding(
    start: Network, settings: Training
) -> Callable[[Mapping[str, Network]], Agreement]:
    """Compare weights, and where rounding has grown, those of the same training in float64.

    A step that is long for the data makes descent unstable at first: then plain PyTorch in float32
    is as far from itself in float64 as it is from ours.
    """

    def agree(networks: Mapping[str, Network]) -> Agreement:
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
def same_weights(networks: Mapping[str, Network]) -> Agreement:
    """Compare all weights of the first network with those of the others."""
    ours, *others = (list(network.parameters()) for network in networks.values())
    difference = max(
        (a - b).abs().max().item() for other in others for a, b in zip(ours, other, strict=True)
    )
    return Agreement("largest difference of a weight", difference, 1e-4)


def _autoencoder(quick: bool) -> list[Record]:
    """Train the DAE twice: as the pipeline does, and by the recipe of a random start."""
    dae = subjects.params().dae
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
        network = train(
            subjects.architecture("dae"),
            photos,
            subjects.params().model_copy(update={"dae": recipe}),
            last.update,
        )
        seconds = time.perf_counter() - since
        assert isinstance(network, StackedAutoencoder)
        x = photos.x[n:]
        records.append(
            {
                "name": name,
                "n": 1,
                "epochs": [part.epochs for part in recipe.pretraining],
                "seconds": seconds,
                "outer_error": last["outer/test"],
                "error": nn.functional.mse_loss(reconstruct(network, x), x).item(),
                "accuracy": accuracy(network, x, photos.person[n:]),
            }
        )
    return records
