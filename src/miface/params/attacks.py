"""Parameters of the attacks: what each is made of, and whom it attacks."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from miface.errors import MifaceError
from miface.params.base import (
    Count,
    CountOrRatio,
    Group,
    ModelName,
    NonNegative,
    Positive,
    once,
    told_as,
)

ProcessName = Literal["identity", "clamp", "blur", "non_local_means", "process_dae"]


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
    process: ProcessName = Field(
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


class NonLocalMeans(Group):
    """Non-local means (Buades et al., 2005), which PROCESS-DAE denoises with."""

    strength: Positive = Field(
        description="Grey values of 255: how unlike two patches may be that are averaged."
    )
    patch_radius: Count = Field(description="Patches that are compared: 2 r + 1 pixels wide.")
    search_radius: Count = Field(
        description="How many pixels away like patches are looked for. The time grows with its "
        "square, and PROCESS-DAE takes most of its time here."
    )


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
    people: CountOrRatio = Field(
        description="With `people`: how many of them are public, as a count or as a ratio."
    )
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

    methods: Annotated[list[Literal["mi_face", "refined", "prior"]], AfterValidator(once)] = Field(
        min_length=1, description="Methods to run."
    )
    models: Annotated[list[ModelName], AfterValidator(once)] = Field(
        min_length=1, description="Models to attack."
    )
    labels: Annotated[
        Literal["all"] | Annotated[list[str], Field(min_length=1)],
        told_as("'all' or a list of names, such as [s1, s2]"),
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
    snapshots: Annotated[int, Field(ge=0)] = Field(
        description="Images to keep on the way for each person, at most, for the page to play; at "
        "iterations spaced evenly on a logarithmic scale. Changes no result."
    )


class Plan(Group):
    """All that one method is told to do on one model, but for what its attacker knows."""

    labels: Literal["all"] | list[str]
    seed: int
    snapshots: int
    non_local_means: NonLocalMeans
    recipe: Recipe


def check_recipe(key: str, model: ModelName, recipe: Recipe) -> None:
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


def load_plan(path: Path) -> Plan:
    """Read a plan; MifaceError if it has not been written."""
    try:
        return Plan.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MifaceError(f"{path}: no such file; make it with: dvc repro plan") from None
