"""A judge that is a network."""

from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from miface.evaluation.judges.judge import Examples, Images, Judge, Scores, halved, standardise
from miface.training.optimisers import Adam


class Network(Judge):
    """A small convolutional network on images of half the size.

    Parameters
    ----------
    people
        P.
    """

    def __init__(self, people: int) -> None:
        blocks: list[nn.Module] = []
        for inputs, outputs in ((1, 16), (16, 32), (32, 64)):
            blocks += [
                nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs),
                nn.MaxPool2d(2), nn.ReLU(),
            ]  # fmt: skip
        self.network = nn.Sequential(
            *blocks, nn.AdaptiveAvgPool2d((6, 5)), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(64 * 30, people),
        ).eval()  # fmt: skip
        # Twice as fast on a CPU.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def fit(cls, examples: Examples, seed: int) -> Self:
        """Train on the cross-entropy with smoothed labels."""
        torch.manual_seed(seed)
        judge = cls(int(examples.person.max()) + 1)
        x, y = judge._inputs(examples.images), torch.from_numpy(examples.person)
        epochs, size = 6, 64
        optimiser = Adam(judge.network.parameters(), peak=3e-3, steps=epochs * -(-len(x) // size))
        judge.network.train()
        for _ in range(epochs):
            for rows in torch.randperm(len(x)).split(size):
                nn.functional.cross_entropy(
                    judge.network(x[rows]), y[rows], label_smoothing=0.1
                ).backward()
                optimiser.step()
        judge.network.eval()
        return judge

    def state(self) -> dict[str, Tensor]:
        """Give the weights."""
        return {name: value.contiguous() for name, value in self.network.state_dict().items()}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor]) -> Self:
        """Make one of the weights."""
        last = max(int(name.partition(".")[0]) for name in state)
        judge = cls(len(state[f"{last}.bias"]))
        judge.network.load_state_dict(dict(state))
        return judge

    @staticmethod
    def _inputs(images: NDArray[np.float32]) -> Tensor:
        inputs = torch.from_numpy(halved(images)).unsqueeze(1)
        return inputs.contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def __call__(self, images: Images) -> Scores:
        """Give log-probabilities [n, P]."""
        logits = self.network(self._inputs(standardise(images)))
        return np.asarray(torch.log_softmax(logits.double(), 1).numpy())
