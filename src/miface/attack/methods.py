"""The methods: whom they attack, as published or refined, and what their attackers know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from miface.attack.recipe import Recipe
from miface.params.base import Count, Group, NonNegative, OneOf, Positive, once, told_as
from miface.recognisers import RECOGNISERS
from miface.recognisers.recogniser import Coded


@dataclass(frozen=True)
class Method:
    """A method of attack.

    Attributes
    ----------
    title
        Its name for people.
    knows
        What its attacker has: one of `THREAT_MODELS`.
    """

    title: str
    knows: str


METHODS = {
    "mi_face": Method("MI-FACE as published", "model"),
    "refined": Method("refined", "model"),
    "known_code": Method("known code", "code"),
    "prior": Method("prior", "photos"),
}
"""The methods by their names in ``params.yaml``."""


class Attack(Group):
    """MI-FACE: Algorithm 1 of Fredrikson et al. (2015), and whom all methods attack."""

    methods: Annotated[
        list[Annotated[str, OneOf(METHODS)]], AfterValidator(once), Field(min_length=1)
    ] = Field(description="Methods to run.")
    models: Annotated[
        list[Annotated[str, OneOf(RECOGNISERS)]], AfterValidator(once), Field(min_length=1)
    ] = Field(description="Models to attack.")
    labels: Annotated[
        Literal["all"] | Annotated[list[str], Field(min_length=1)],
        told_as("'all' or a list of names, such as [s1, s2]; numbers in quotes: ['12', '14']"),
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


class MiFace(Group):
    """What MI-FACE leaves open, for one model."""

    process: Literal["identity", "clamp", "process_dae"] = Field(
        default="identity",
        description="PROCESS: what is done to every candidate. `process_dae` (decode, denoise, "
        "sharpen, encode) needs the DAE.",
    )


def published(attack: Attack, settings: MiFace, model: str, defaults: Recipe) -> Recipe:
    """Give MI-FACE exactly as published: what follows from ``attack`` and ``mi_face`` alone."""
    weights = dict.fromkeys(defaults.weights, 0.0)
    if attack.auxterm != "none":
        weights[attack.auxterm] = attack.auxterm_weight
    return Recipe.model_validate(
        {
            "access": "everything",
            "objective": "one_minus_p",
            "gradient": "as_is",
            "smoothing": 0.0,
            "schedule": "constant",
            "start": attack.start,
            "restarts": 1,
            "keep": "best",
            "process": settings.process,
            "space": "codes" if issubclass(RECOGNISERS[model], Coded) else "pixels",
            "initial_noise": "kept",
            "auxterms": weights,
            "estimator": "as_is",
            "alpha": attack.alpha,
            "beta": attack.beta,
            "gamma": attack.gamma,
            "lambda": attack.lambda_,
            "difference": defaults.difference,
        }
    )


def differing(defaults: Mapping[str, Any], own: Any) -> Any:
    """Lay what a recipe states of its own over the defaults, as they stand in ``params.yaml``."""
    if not isinstance(own, Mapping):
        return own
    terms = own.get("auxterms", {})
    whole = {**defaults, **own}
    if isinstance(terms, Mapping) and isinstance(defaults.get("auxterms"), Mapping):
        whole["auxterms"] = {**defaults["auxterms"], **terms}
    return whole
