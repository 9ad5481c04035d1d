"""A stacked denoising autoencoder with softmax regression on its codes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from miface.errors import MifaceError
from miface.params.base import Count, Group, Positive
from miface.recognisers.recogniser import Coded, Recogniser, Size
from miface.training.autoencoder import (
    Autoencoder,
    pretrain,
    start_at_random,
    start_from_principal_components,
)
from miface.training.initial_weights import InitialWeights, initialise
from miface.training.perceptron import LinearClassifier
from miface.training.trainer import Descent, Photos, Trainer, train_classifier


class Pretraining(Group):
    """Adam on the mean squared reconstruction error of one denoising autoencoder."""

    learning_rate: Positive = Field(description="Peak step of Adam (one-cycle schedule).")
    batch_size: Count = Field(description="Photos in a step.")
    epochs: Annotated[int, Field(ge=0)] = Field(description="Passes over the training photos.")


class DaeSettings(Descent):
    """A stack of two denoising autoencoders with tanh units, and softmax on its codes."""

    hidden_units: tuple[Count, Count] = Field(
        strict=False, description="tanh units of the outer and the inner autoencoder."
    )
    corruption: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="Share of the inputs that masking noise sets to zero."
    )
    initial_autoencoder: Literal["principal_components", "xavier"] = Field(
        description="Start of each autoencoder: the best linear autoencoder, or random."
    )
    pretraining: tuple[Pretraining, Pretraining] = Field(
        strict=False, description="Training of the outer and the inner autoencoder."
    )
    initial_weights: InitialWeights = Field(description="Initial weights of the softmax.")


class Dae(Coded, Recogniser):
    """Two autoencoders, one on the codes of the other, and softmax regression on their codes."""

    title, Settings = "denoising autoencoder", DaeSettings
    settings: DaeSettings

    def __init__(self, size: Size, names: Sequence[str], settings: DaeSettings) -> None:
        super().__init__(size, names, settings)
        outer, inner = settings.hidden_units
        self.outer = Autoencoder(self.pixels, outer)
        self.inner = Autoencoder(outer, inner)
        self.classifier = LinearClassifier(inner, len(names))

    def encode(self, x: Tensor) -> Tensor:
        """Map photos [B, d] to codes [B, k] in (-1, 1)."""
        return self.inner.encode(self.outer.encode(x))

    def decode(self, code: Tensor) -> Tensor:
        """Map codes [B, k] to photos [B, d]."""
        return self.outer.decode(self.inner.decode(code))

    def forward(self, x: Tensor) -> Tensor:
        """Map photos [B, d] to logits [B, P]."""
        logits: Tensor = self.classifier(self.encode(x))
        return logits

    def fit(self, trainer: Trainer) -> None:
        """Train the outer autoencoder, the inner one on its codes, and the softmax on theirs.

        Raises
        ------
        MifaceError
            If a countermeasure alters photos, looks at the network or makes the steps: the softmax
            sees codes that are computed once, by what it would not reach.
        """
        if trainer.alterations or trainer.penalties or trainer.steps:
            raise MifaceError(
                "countermeasures.training: found one that changes the photos or steps of training, "
                "expected for the dae those of its loss or settings alone: its pretraining would "
                "go on without it; leave it out, or train the others alone, as in dvc repro "
                "train_softmax"
            )
        codes = self._pretrain(trainer)
        initialise(self.classifier.first, self.settings.initial_weights, trainer.generator)
        train_classifier(self.classifier, self.settings, replace(trainer, photos=codes))

    def _pretrain(self, trainer: Trainer) -> Photos:
        """Train both autoencoders and give the codes of all photos."""
        start = {
            "principal_components": start_from_principal_components,
            "xavier": start_at_random,
        }[self.settings.initial_autoencoder]
        photos = trainer.photos
        stack = {"outer": self.outer, "inner": self.inner}
        for (name, autoencoder), settings in zip(
            stack.items(), self.settings.pretraining, strict=True
        ):

            def log_error(train: float, test: float, name: str = name) -> None:
                trainer.log({f"{name}/train": train, f"{name}/test": test})

            start(autoencoder, photos.x[: photos.trained_on], trainer.generator)
            on = replace(trainer, photos=photos)
            pretrain(autoencoder, settings, self.settings.corruption, on, log_error)
            with torch.no_grad():
                photos = replace(photos, x=autoencoder.encode(photos.x))
        return photos
