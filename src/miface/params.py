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


class AuxTerms(Group):
    """Factors of the terms that are added to the objective; 0 leaves a term out."""

    total_variation: NonNegative = Field(description="Differences of neighbouring pixels.")
    roughness: NonNegative = Field(description="Squared differences of neighbouring pixels.")
    l2: NonNegative = Field(description="Squared pixels.")
    symmetry: NonNegative = Field(description="Squared differences from the mirror image.")
    out_of_range: NonNegative = Field(description="Squared distances of pixels from [0, 1].")
    coefficients: NonNegative = Field(description="Squared coefficients of a prior.")
    feature_span: NonNegative = Field(
        description="CNN only. Features outside the span of the training photos' features."
    )
    feature_template: NonNegative = Field(
        description="CNN only. Features unlike the person's template, as the weights have it."
    )

    @property
    def weights(self) -> dict[str, float]:
        """The factors by name."""
        return dict(self)


class Recipe(Group):
    """What an attack is made of: the loop of MI-FACE with a choice for each part."""

    objective: Literal["one_minus_p", "minus_log_p", "margin"] = Field(
        description="What is minimised: 1 − p, −log p, or the lead of the best other logit."
    )
    gradient: Literal["as_is", "unit", "momentum", "adam"] = Field(
        description="What is made of the gradient before a step."
    )
    smoothing: NonNegative = Field(
        description="Standard deviation in pixels of a Gaussian that blurs the gradient; pixels "
        "only."
    )
    schedule: Literal["constant", "falling"] = Field(
        description="λ over the steps: constant, or falling to 0 in the second half."
    )
    start: Literal["zero", "black", "grey", "random", "public_mean"] = Field(
        description="x0: the origin of the space, a black or grey image, noise, or the mean of "
        "the public photos (method `prior` only)."
    )
    restarts: Count = Field(description="Attacks on each person, each from its own random start.")
    keep: Literal["best", "mean"] = Field(
        description="Of several restarts: the image of lowest cost, or the mean of all."
    )
    process: Literal["identity", "clamp", "blur", "non_local_means", "process_dae"] = Field(
        description="PROCESS: what is done to every candidate. `process_dae` (decode, denoise, "
        "sharpen, encode) needs the DAE's codes."
    )
    space: Literal["pixels", "codes", "frequencies", "prior"] = Field(
        description="What is searched: pixels, the DAE's codes, cosines from coarse to fine, or "
        "a prior's components (method `prior` only)."
    )
    filter_weights: bool = Field(
        description="CNN only. Attack the first linear layer without its initial noise."
    )
    auxterms: AuxTerms
    alpha: Count = Field(description="α: iterations, at most.")
    beta: Count = Field(
        description="β: stop when the cost is no lower than the highest of the last β costs."
    )
    gamma: float = Field(
        description="γ: stop when the cost is at most this. Costs with −log p or a margin may "
        "need another one than 1 − p."
    )
    lambda_: Positive = Field(alias="lambda", description="λ: length of a step, as a factor.")

    @property
    def reads_weights(self) -> bool:
        """Whether the attack looks at the weights beside the gradient."""
        terms = self.auxterms
        return self.filter_weights or terms.feature_span > 0 or terms.feature_template > 0


class MiFace(Group):
    """What MI-FACE leaves open, for one model."""

    process: Literal["identity", "clamp", "process_dae"] = Field(
        description="PROCESS: what is done to every candidate. `process_dae` (decode, denoise, "
        "sharpen, encode) needs the DAE."
    )


class Prior(Group):
    """What an attacker with photos of other people has, and the recipe for each model."""

    source: str = Field(
        min_length=1,
        description="Where the photos come from: `people` (some of the data set's own, who are "
        "then not attacked), `rendered`, or a folder or an archive.",
    )
    people: Count = Field(description="With `people`: how many of them are public.")
    components: Count = Field(description="Principal components of the photos, at most.")
    copies: Annotated[int, Field(ge=0)] = Field(
        description="Turned, scaled, shifted and mirrored copies of each photo to fit them on."
    )
    softmax: Recipe
    mlp: Recipe
    dae: Recipe
    cnn: Recipe


class Attack(Group):
    """MI-FACE: Algorithm 1 of Fredrikson et al. (2015), and whom it attacks."""

    methods: list[Literal["mi_face", "refined", "prior"]] = Field(
        min_length=1, description="Methods to run."
    )
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
    refined: dict[ModelName, Recipe]
    prior: Prior

    @model_validator(mode="after")
    def _methods_fit_models(self) -> "Params":
        for model in self.attack.models:
            for method in self.attack.methods:
                group = getattr(self, method)
                if isinstance(group, dict) and model not in group:
                    raise ValueError(f"{method}.{model}: missing, but attack.models has {model!r}")
        for model, settings in self.mi_face.items():
            if settings.process == "process_dae" and model != "dae":
                raise ValueError(
                    f"mi_face.{model}.process: found 'process_dae', which encodes with the DAE and "
                    "fits only mi_face.dae; should be 'identity' or 'clamp'"
                )
        for model, recipe in self.refined.items():
            _check_recipe(f"refined.{model}", model, recipe)
            if recipe.space == "prior" or recipe.start == "public_mean":
                raise ValueError(
                    f"refined.{model}: found a prior or a public mean, but refined knows nothing "
                    "but the model; give the recipe to prior"
                )
        for model in MODELS:
            _check_recipe(f"prior.{model}", model, getattr(self.prior, model))
        return self

    def recipe(self, method: str, model: ModelName) -> Recipe:
        """Give the recipe of a method for a model; for ``mi_face`` the published one."""
        if method == "mi_face":
            return published(self.attack, self.mi_face[model], model)
        recipe: Recipe = self.refined[model] if method == "refined" else getattr(self.prior, model)
        return recipe


def _check_recipe(key: str, model: ModelName, recipe: Recipe) -> None:
    """Refuse parts that do not fit the model or one another."""
    problem = None
    if recipe.space == "codes" and model != "dae":
        problem = "space: found 'codes', which only the DAE has"
    elif recipe.process == "process_dae" and recipe.space != "codes":
        problem = "process: found 'process_dae', which needs space 'codes'"
    elif recipe.smoothing > 0 and recipe.space != "pixels":
        problem = f"smoothing: found {recipe.smoothing}, which needs space 'pixels'; should be 0"
    elif recipe.reads_weights and model != "cnn":
        problem = "auxterms: found terms of features, or filter_weights, which only the CNN has"
    elif recipe.restarts > 1 and recipe.start != "random":
        problem = f"restarts: found {recipe.restarts} with start {recipe.start!r}, all the same; "
        problem += "should be 1, or start 'random'"
    elif recipe.process != "identity" and recipe.space in ("frequencies", "prior"):
        problem = f"process: found {recipe.process!r}; should be 'identity' in space "
        problem += f"{recipe.space!r}"
    if problem is not None:
        raise ValueError(f"{key}.{problem}")


def published(attack: Attack, settings: MiFace, model: ModelName) -> Recipe:
    """Give MI-FACE exactly as published: what follows from ``attack`` and ``mi_face`` alone."""
    weights = dict.fromkeys(AuxTerms.model_fields, 0.0)
    if attack.auxterm != "none":
        weights[attack.auxterm] = attack.auxterm_weight
    return Recipe.model_validate(
        {
            "objective": "one_minus_p",
            "gradient": "as_is",
            "smoothing": 0.0,
            "schedule": "constant",
            "start": attack.start,
            "restarts": 1,
            "keep": "best",
            "process": settings.process,
            "space": "codes" if model == "dae" else "pixels",
            "filter_weights": False,
            "auxterms": weights,
            "alpha": attack.alpha,
            "beta": attack.beta,
            "gamma": attack.gamma,
            "lambda": attack.lambda_,
        }
    )


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
