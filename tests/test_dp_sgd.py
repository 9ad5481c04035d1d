"""Private training: what its steps are, by hand, and what privacy they make."""

import copy
import math
import warnings
from dataclasses import replace

import pytest
import torch
from opacus.accountants import RDPAccountant
from torch import Tensor, nn
from trained import NAMES, PEOPLE, PIXELS, SIZE, photos, settings_of

from miface.countermeasures import dp_sgd, guarded
from miface.countermeasures.dp_sgd import LONGEST_GRADIENT, DpSgd, delta_of
from miface.errors import MifaceError
from miface.recognisers import train
from miface.training.perceptron import LinearClassifier
from miface.training.trainer import Trainer, train_classifier

Measures = dict[str, float]
N = photos().trained_on


def trainer_of(epsilon: float, measured: list[Measures]) -> Trainer:
    trainer = Trainer(photos(), torch.Generator().manual_seed(0), measured.append)
    return guarded(trainer, {"dp_sgd": epsilon})


@pytest.mark.parametrize(("epsilon", "batch_size"), [(0.5, 10), (8.0, 3), (300.0, 10)])
def test_the_epsilon_is_what_the_accountant_gives_for_all_steps(
    epsilon: float, batch_size: int
) -> None:
    measured: list[Measures] = []
    settings = settings_of("softmax", batch_size=batch_size, max_epochs=4, patience=1)
    train("softmax", SIZE, NAMES, settings, trainer_of(epsilon, measured))
    assert len(measured) == 4  # patience would tell of the photos
    by_hand = RDPAccountant()
    steps, noise = math.ceil(N / batch_size), measured[-1]["privacy/noise_multiplier"]
    for epoch in measured:
        for _ in range(steps):
            by_hand.step(noise_multiplier=noise, sample_rate=batch_size / N)
        with warnings.catch_warnings(action="ignore"):  # that other orders may bound tighter
            assert epoch["privacy/epsilon"] == by_hand.get_epsilon(N**-1.1)
    assert 0.98 * epsilon < measured[-1]["privacy/epsilon"] <= epsilon


def test_without_sampling_the_epsilon_is_below_that_of_the_gaussian_mechanism() -> None:
    measured: list[Measures] = []
    settings = settings_of("softmax", batch_size=1000, max_epochs=6)
    train("softmax", SIZE, NAMES, settings, trainer_of(3.0, measured))
    noise = measured[-1]["privacy/noise_multiplier"]
    # Its Rényi divergence of order α is α/(2σ²) a step (Mironov, 2017, proposition 7), and with
    # the simplest conversion to ε the best order is known. Opacus converts somewhat better.
    slope, log_delta = 6 / (2 * noise**2), -math.log(delta_of(N))
    simplest = slope + 2 * math.sqrt(slope * log_delta)
    assert 0.5 * simplest < measured[-1]["privacy/epsilon"] <= simplest


class Two(nn.Module):
    """Two layers, for gradients of more than one."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.output = nn.Linear(PIXELS, 6), nn.Linear(6, PEOPLE)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.output(torch.sigmoid(self.first(x)))
        return logits


@pytest.mark.parametrize(  # so that some gradients are cut and others are not
    ("strengths", "longest"), [({}, 2.2), ({"label_smoothing": 0.2}, 1.8)], ids=str
)
def test_a_step_is_of_gradients_cut_photo_by_photo(
    monkeypatch: pytest.MonkeyPatch, strengths: dict[str, float], longest: float
) -> None:
    monkeypatch.setattr(dp_sgd, "LONGEST_GRADIENT", longest)
    monkeypatch.setattr(DpSgd, "_noise_multiplier", lambda *_: 0.0)
    torch.manual_seed(0)
    network = Two()
    by_hand = copy.deepcopy(network)
    settings = settings_of("softmax", batch_size=4, max_epochs=2, momentum=0.5, weight_decay=0.1)
    trainer = guarded(trainer_of(1.0, []), strengths)
    train_classifier(network, settings, trainer)

    given, generator = photos(), torch.Generator().manual_seed(0)
    torch.randint(2**62, (), generator=generator)
    optimiser = torch.optim.SGD(
        by_hand.parameters(), settings.learning_rate, momentum=0.5, weight_decay=0.1
    )
    lengths = []
    for _ in range(2 * math.ceil(N / 4)):
        optimiser.zero_grad()
        total = [torch.zeros_like(weight) for weight in by_hand.parameters()]
        for row in (torch.rand(N, generator=generator) < 4 / N).nonzero()[:, 0]:
            loss = trainer.loss(by_hand(given.x[row][None]), given.person[row][None])
            gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
            length = sum(g.square().sum() for g in gradients) ** 0.5
            lengths.append(float(length))
            for sum_, g in zip(total, gradients, strict=True):
                sum_ += g * min(1.0, longest / float(length))
        for weight, sum_ in zip(by_hand.parameters(), total, strict=True):
            weight.grad = sum_ / 4
        optimiser.step()
    assert min(lengths) < 0.95 * longest < 1.05 * longest < max(lengths)
    torch.testing.assert_close(network.state_dict(), by_hand.state_dict(), rtol=1e-4, atol=1e-5)


def test_noise_is_of_the_longest_gradient_even_where_no_photo_is_drawn() -> None:
    measured: list[Measures] = []
    network = LinearClassifier(PIXELS, PEOPLE)
    before = network.first.weight.detach().clone()
    settings = settings_of(
        "softmax", batch_size=1, max_epochs=1, momentum=0.0, learning_rate=0.1
    )  # of 20 steps 7 are expected to be of no photo
    trainer = replace(trainer_of(5.0, measured), loss=lambda logits, person: 0 * logits.sum())
    train_classifier(network, settings, trainer)
    moved = network.first.weight.detach() - before
    noise = measured[-1]["privacy/noise_multiplier"] * LONGEST_GRADIENT
    assert moved.std().item() == pytest.approx(0.1 * noise * math.sqrt(N), rel=0.05)
    assert abs(moved.mean().item()) < 0.1 * moved.std().item()


def test_a_trained_recogniser_keeps_nothing_of_the_training() -> None:
    recogniser = train("cnn", SIZE, NAMES, settings_of("cnn"), trainer_of(100.0, []))
    for module in recogniser.modules():
        assert not module._forward_hooks
        assert not module._backward_hooks
    assert all(left is None for weight in recogniser.parameters() for left in vars(weight).values())
    x = photos().x[:2].requires_grad_()
    recogniser.train()(x).sum().backward()
    assert x.grad is not None


def test_an_epsilon_that_no_noise_reaches_is_told() -> None:
    with pytest.raises(MifaceError) as caught:
        DpSgd(0.01)._noise_multiplier(280, 10 / 280, 840)
    assert str(caught.value) == (
        "countermeasures.training.dp_sgd: found 0.01, expected an epsilon that some noise reaches "
        "in 840 steps on 280 photos; take a larger one"
    )


def test_a_penalty_on_photos_together_is_refused_beside_it() -> None:
    both = guarded(trainer_of(8.0, []), {"dependency_penalty": 1.0})
    with pytest.raises(MifaceError, match="found dp_sgd with dependency_penalty"):
        train("cnn", SIZE, NAMES, settings_of("cnn"), both)
