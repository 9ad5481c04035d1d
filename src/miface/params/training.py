"""Parameters of the recognisers: their architecture, their start and their training."""

from typing import Annotated, Literal

from pydantic import Field

from miface.params.base import Count, Group, NonNegative, Positive

InitialWeights = Literal["default", "zeros", "small_normal", "normal", "xavier", "glorot_x4"]


class Training(Group):
    """Stochastic gradient descent on the cross-entropy."""

    learning_rate: Positive = Field(description="Step of stochastic gradient descent.")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(description="Momentum.")
    weight_decay: NonNegative = Field(description="ℓ2 penalty on the weights, as in torch SGD.")
    batch_size: Count = Field(description="Photos in a step.")
    max_epochs: Count = Field(description="Passes over the training photos, at most.")
    patience: Count = Field(description="Stop after so many epochs without a lower training loss.")


class Softmax(Training):
    """Softmax regression: one linear layer on the pixels."""

    initial_weights: InitialWeights = Field(description="Distribution of the initial weights.")


class Mlp(Training):
    """A perceptron with one hidden layer of sigmoid units."""

    hidden_units: Count = Field(description="Sigmoid units in the hidden layer.")
    initial_weights: InitialWeights = Field(description="Initial weights of the hidden layer.")
    initial_output_weights: InitialWeights = Field(
        description="Initial weights of the output layer."
    )


class Pretraining(Group):
    """Adam on the mean squared reconstruction error of one denoising autoencoder."""

    learning_rate: Positive = Field(description="Peak step of Adam (one-cycle schedule).")
    batch_size: Count = Field(description="Photos in a step.")
    epochs: Annotated[int, Field(ge=0)] = Field(description="Passes over the training photos.")


class Dae(Training):
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


class Cnn(Training):
    """Two 3 × 3 convolutions with max-pooling, dropout, and two linear layers."""

    channels: tuple[Count, Count] = Field(strict=False, description="Channels of the convolutions.")
    initial_filters: Literal["default", "signed_dirac"] = Field(
        description="Start of the convolutions: PyTorch's, or filters that pass the image and its "
        "negative on, in pairs, so that ReLU loses nothing. Decides how much the CNN gives away."
    )
    hidden_units: Count = Field(description="Units between the linear layers.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(description="Dropout after the pooling.")
    initial_weights: InitialWeights = Field(
        description="Initial weights of the first linear layer."
    )
    initial_output_weights: InitialWeights = Field(
        description="Initial weights of the output layer."
    )
