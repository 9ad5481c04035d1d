"""Every hyperparameter of ``params.yaml``: its type, its range and what it does.

These definitions validate the file and are the source of ``docs/parameters.md``.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from miface.errors import MifaceError

ModelName = Literal["softmax", "mlp", "dae", "cnn"]
MODELS: tuple[ModelName, ...] = ("softmax", "mlp", "dae", "cnn")

InitialWeights = Literal["default", "zeros", "small_normal", "normal", "xavier", "glorot_x4"]

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


def _told_as(allowed: str) -> WrapValidator:
    """One message for a union of types, in place of one for each of its branches."""

    def validate(value: Any, union: ValidatorFunctionWrapHandler) -> Any:
        try:
            return union(value)
        except ValidationError:
            raise PydanticCustomError("union", f"should be {allowed}") from None

    return WrapValidator(validate)


class Group(BaseModel):
    """A group of parameters: unknown keys, loose types, NaN and infinity are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Data(Group):
    """Where the photos come from."""

    sources: list[str] = Field(
        min_length=1,
        description="Tried in order, the first that answers is used: an archive or a folder with "
        "one folder a person, an HTTPS address of an archive, or `rendered`.",
    )
    digest: str | None = Field(
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of all decoded pixels that an archive must have (a folder is taken "
        "as it is); null takes any archive.",
    )
    size: tuple[Annotated[int, Field(ge=16)], Annotated[int, Field(ge=16)]] | None = Field(
        strict=False,
        description="[height, width] in pixels that every photo is resized to; null keeps the "
        "photos as they are, which must then be of one size.",
    )
    timeout: Positive = Field(description="Seconds that a mirror may take to answer.")


class Rendered(Group):
    """The faces that the project draws itself."""

    people: Annotated[int, Field(ge=2)] = Field(description="Number of people.")
    photos: Annotated[int, Field(ge=2)] = Field(description="Photos of each person.")
    height: Annotated[int, Field(ge=24)] = Field(description="Height in pixels.")
    width: Annotated[int, Field(ge=24)] = Field(description="Width in pixels.")
    seed: Annotated[int, Field(ge=0)] = Field(description="Seed of the people and their photos.")


class Split(Group):
    """Which photos train the recognisers and which are held out."""

    train_per_person: Annotated[
        Count | Annotated[float, Field(gt=0, lt=1)],
        _told_as("a count of photos from 1 up, or a ratio above 0 and below 1"),
    ] = Field(description="Photos of each person to train on: a count (7), or a ratio (0.7).")


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
    hidden_units: Count = Field(description="Units between the linear layers.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(description="Dropout after the pooling.")
    initial_weights: InitialWeights = Field(
        description="Initial weights of the two linear layers; the convolutions keep the default."
    )


class MiFace(Group):
    """What MI-FACE leaves open, for one model."""

    process: Literal["identity", "clamp", "process_dae"] = Field(
        description="PROCESS: what is done to every candidate. `process_dae` (decode, denoise, "
        "sharpen, encode) needs the DAE."
    )


class Attack(Group):
    """MI-FACE: Algorithm 1 of Fredrikson et al. (2015), and whom it attacks."""

    methods: list[Literal["mi_face"]] = Field(min_length=1, description="Methods to run.")
    models: list[ModelName] = Field(min_length=1, description="Models to attack.")
    labels: Annotated[
        Literal["all"] | Annotated[list[str], Field(min_length=1)],
        _told_as("'all' or a list of names, such as [s1, s2]"),
    ] = Field(description="People to attack: `all`, or a list of names (s1, s2, …).")
    alpha: Count = Field(description="α: iterations, at most.")
    beta: Count = Field(
        description="β: stop when the cost is no lower than the highest of the last β costs."
    )
    gamma: NonNegative = Field(description="γ: stop when the cost is at most this.")
    lambda_: Positive = Field(alias="lambda", description="λ: length of a step, as a factor.")
    start: Literal["zero", "black"] = Field(
        description="x0: the origin of the space that is searched, or (for the DAE, whose origin "
        "is the zero code) the code of a black image."
    )
    auxterm: Literal["none", "total_variation", "l2", "symmetry"] = Field(
        description="AUXTERM: what is added to the cost."
    )
    auxterm_weight: NonNegative = Field(description="Factor of AUXTERM.")


class Params(Group):
    """All of ``params.yaml``."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(
        description="Seed of the split, the initial weights, the order of batches and the attack."
    )
    data: Data
    rendered: Rendered
    split: Split
    softmax: Softmax
    mlp: Mlp
    dae: Dae
    cnn: Cnn
    attack: Attack
    mi_face: dict[ModelName, MiFace]

    @model_validator(mode="after")
    def _methods_fit_models(self) -> "Params":
        for model, settings in self.mi_face.items():
            if settings.process == "process_dae" and model != "dae":
                raise ValueError(
                    f"mi_face.{model}.process: found 'process_dae', which encodes with the DAE and "
                    "fits only mi_face.dae; should be 'identity' or 'clamp'"
                )
        for model in self.attack.models:
            if model not in self.mi_face:
                raise ValueError(f"mi_face.{model}: missing, but attack.models has {model!r}")
        return self


def load_params(path: str | Path = "params.yaml") -> Params:
    """Read and validate a parameter file.

    Parameters
    ----------
    path
        A YAML file with the groups of `Params`.

    Returns
    -------
    Params
        The validated parameters.

    Raises
    ------
    MifaceError
        If the file is missing or is no YAML, or a key is unknown or missing, or a value has the
        wrong type or lies out of range. One line for each mistake.
    """
    path = Path(path)
    try:
        # As DVC reads and writes it: YAML 1.2, where 1e-05 is a number and a key may stand once.
        content: Any = YAML(typ="safe", pure=True).load(path)
    except OSError as error:
        raise MifaceError(
            f"{path}: cannot be read ({error.strerror}); run this from the project's folder"
        ) from None
    except YAMLError as error:
        raise MifaceError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise MifaceError(f"{path}: found {type(content).__name__}, expected groups of parameters")
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        mistakes = [_describe(detail) for detail in error.errors()]
        raise MifaceError("\n".join(f"{path}: {mistake}" for mistake in mistakes)) from None


def _describe(detail: ErrorDetails) -> str:
    """One line for one mistake: the key, what was found, what is allowed."""
    loc = tuple(part for part in detail["loc"] if part != "[key]")  # a mark of pydantic's
    key = ".".join(str(part) for part in loc)
    found = f"{key}: found {detail['input']!r}"
    match detail["type"]:
        case "missing":
            return f"{key}: missing; see docs/parameters.md for what it does"
        case "extra_forbidden":
            return f"{found}, but there is no such key; should be one of {_keys(loc[:-1])}"
        case "model_type":
            return f"{found}, should be a group of {_keys(loc)}"
        case "value_error":
            return str(detail["ctx"]["error"])
    _, _, rule = detail["msg"].rpartition("should ")  # "Input should …", "List should …"
    rule = rule.replace(" after validation", "").replace("valid tuple", "valid list")
    return f"{found}, should {rule}"


def _keys(loc: tuple[int | str, ...]) -> str:
    """Name the keys of the group at a location of `Params`."""
    kind: Any = Params
    for part in loc:
        if isinstance(kind, type) and issubclass(kind, Group):
            kind = kind.model_fields[str(part)].annotation
        else:  # tuple[Pretraining, …] or dict[ModelName, MiFace]
            kind = get_args(kind)[-1]
    return ", ".join(field.alias or name for name, field in kind.model_fields.items())
