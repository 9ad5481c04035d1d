"""What an attack is made of: a recipe, and the plan that a stage is handed."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from miface.attack.access import ACCESSES
from miface.attack.auxterms import AUXTERMS
from miface.attack.estimators import ESTIMATORS
from miface.attack.gradients import GRADIENT_RULES
from miface.attack.objectives import OBJECTIVES
from miface.attack.processes import PROCESSES, NonLocalMeans
from miface.attack.spaces import SPACES
from miface.countermeasures import Strengths
from miface.errors import MifaceError
from miface.params.base import Count, Group, NonNegative, OneOf, Positive
from miface.recognisers import RECOGNISERS
from miface.recognisers.recogniser import Begun, Coded, Convolutional


class _Weights(Group):
    """Factors of the terms that are added to the objective; 0 leaves a term out."""

    @property
    def weights(self) -> dict[str, float]:
        """The factors by name."""
        return dict(self)


def _first_line(function: Any) -> str:
    return str(function.__doc__).strip().split("\n")[0]


_FIELDS: dict[str, Any] = {
    name: (NonNegative, Field(description=_first_line(term))) for name, term in AUXTERMS.items()
}
AuxTerms = create_model("AuxTerms", __base__=_Weights, __doc__=_Weights.__doc__, **_FIELDS)


class Recipe(Group):
    """What an attack is made of: the loop of MI-FACE with a choice for each part.

    `recipe` has the defaults; `refined.<model>` and `prior.<model>` state what differs from them.
    """

    access: Annotated[str, OneOf(ACCESSES)] = Field(
        description="What the attacker may ask of the recogniser: everything (he holds the "
        "weights), or confidences, and then gradients are numerical, one query a dimension."
    )
    objective: Annotated[str, OneOf(OBJECTIVES)] = Field(
        description="What is minimised: 1 − p, −log p, or the lead of the best other logit."
    )
    gradient: Annotated[str, OneOf(GRADIENT_RULES)] = Field(
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
    process: Annotated[str, OneOf(PROCESSES)] = Field(
        description="PROCESS: what is done to every candidate. `process_dae` (decode, denoise, "
        "sharpen, encode) needs the DAE's codes."
    )
    space: Annotated[str, OneOf(SPACES)] = Field(
        description="What is searched: pixels, the DAE's codes, cosines from coarse to fine, or "
        "a prior's components (method `prior` only)."
    )
    initial_noise: Literal["kept", "filtered", "subtracted"] = Field(
        description="The weights that the first linear layer began with: kept, filtered "
        "as noise (CNN only), or subtracted once their seed is found (method "
        "`known_code` only)."
    )
    estimator: Annotated[str, OneOf(ESTIMATORS)] = Field(
        description="What is made of the image found at the end: nothing, Wiener's filter, or the "
        "posterior mean among faces of other people (method `prior` only). Needs space `pixels` "
        "or `codes`, where noise is white, and one start."
    )
    auxterms: AuxTerms  # type: ignore[valid-type]
    alpha: Count = Field(description="α: iterations, at most.")
    beta: Count = Field(
        description="β: stop when the cost is no lower than the highest of the last β costs."
    )
    gamma: float = Field(
        description="γ: stop when the cost is at most this. Costs with −log p or a margin may "
        "need another one than 1 − p."
    )
    lambda_: Positive = Field(alias="lambda", description="λ: length of a step, as a factor.")
    difference: Positive = Field(
        description="Width of numerical differences, in units of the space that is searched."
    )

    @property
    def weights(self) -> dict[str, float]:
        """The factors of AUXTERM by name."""
        terms: _Weights = self.auxterms
        return terms.weights

    @property
    def needs_photos(self) -> bool:
        """Whether the attack needs photos of other people."""
        estimated = self.estimator == "posterior_mean"
        return estimated or self.space == "prior" or self.start == "public_mean"

    @property
    def reads_weights(self) -> bool:
        """Whether the attack reads features off the weights beside the gradient."""
        terms = ("feature_span", "feature_template")
        return self.initial_noise == "filtered" or any(self.weights[term] > 0 for term in terms)


class Plan(Group):
    """All that one method is told to do on one model, but for what its attacker knows."""

    labels: Literal["all"] | list[str]
    seed: int
    snapshots: int
    non_local_means: NonLocalMeans
    seeds: int
    answers: Strengths
    recipe: Recipe


def check_recipe(key: str, model: str, recipe: Recipe) -> None:
    """Refuse parts that do not fit the model or one another.

    Raises
    ------
    ValueError
        With the key and what is wrong with it.
    """
    kind, space = RECOGNISERS[model], recipe.space
    problem = None
    if space == "codes" and not issubclass(kind, Coded):
        problem = "space: found 'codes', which only the DAE has"
    elif recipe.process == "process_dae" and space != "codes":
        problem = "process: found 'process_dae', which needs space 'codes'; should be another, "
        problem += "such as 'identity' or 'clamp'"
    elif recipe.smoothing > 0 and space != "pixels":
        problem = f"smoothing: found {recipe.smoothing}, which needs space 'pixels'; should be 0"
    elif recipe.reads_weights and not issubclass(kind, Convolutional):
        problem = (
            "auxterms: found terms of features, or initial_noise 'filtered', which only the CNN has"
        )
    elif recipe.initial_noise == "subtracted" and not issubclass(kind, Begun):
        problem = "initial_noise: found 'subtracted', but how it begins is not known"
    elif recipe.estimator != "as_is" and (
        space not in ("pixels", "codes") or recipe.start == "random"
    ):
        problem = f"estimator: found {recipe.estimator!r}, which needs space 'pixels' or 'codes' "
        problem += "and one start"
    elif recipe.restarts > 1 and recipe.start != "random":
        problem = f"restarts: found {recipe.restarts} with start {recipe.start!r}, all the same; "
        problem += "should be 1, or start 'random'"
    elif recipe.process != "identity" and space in ("frequencies", "prior"):
        problem = f"process: found {recipe.process!r}; should be 'identity' in space {space!r}"
    elif recipe.access != "everything" and (
        recipe.reads_weights or recipe.initial_noise != "kept" or space == "codes"
    ):
        problem = f"access: found {recipe.access!r}, but the recipe reads the weights "
        problem += "(initial_noise, terms of features, or codes); should be 'everything'"
    elif recipe.access == "labels":
        problem = "access: found 'labels', by which no recipe works (queries: who asks for them); "
        problem += "should be 'everything' or 'confidences'"
    if problem is not None:
        raise ValueError(f"{key}.{problem}")


def load_plan(path: Path) -> Plan:
    """Read a plan; MifaceError if it has not been written."""
    try:
        return Plan.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MifaceError(f"{path}: no such file; make it with: dvc repro plan") from None
