"""Every hyperparameter of ``params.yaml``: its type, its range and what it does.

The groups come from the rooms that they are about. Together they validate the file and are the
source of ``docs/parameters.md``.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, create_model, model_validator

from miface.attack.asking import QUERIES, Queries
from miface.attack.knowledge import PublicPhotos
from miface.attack.methods import METHODS, Attack, MiFace, differing, published
from miface.attack.processes import NonLocalMeans
from miface.attack.recipe import Plan, Recipe, check_recipe
from miface.attack.sharpening import Sharpening
from miface.countermeasures import Countermeasures
from miface.errors import MifaceError
from miface.params.base import Group, Seed
from miface.params.file import PARAMS, read_yaml, validate
from miface.params.photos import Data, Rendered, Split
from miface.recognisers import RECOGNISERS
from miface.training.trainer import Descent

ORDINARY = "ordinary"
"""The variant of training that the groups of the recognisers state."""
RECIPES = ("refined", "known_code", "prior")
"""The methods that state recipes."""


class _MiFaces(Group):
    """What MI-FACE leaves open, for each model."""


class _Recipes(Group):
    """The same loop with other parts; its attacker knows nothing but the model."""


class _KnownCode(Group):
    """The same; its attacker also knows the code that trained the model."""

    seeds: Annotated[int, Field(ge=1, le=2**32)] = Field(
        description="Seeds to try, from 0 up, for the one that the initial weights were drawn by. "
        "A million take seconds; all 2³² take hours."
    )


class Params(Group):
    """All of ``params.yaml``."""

    seed: Seed = Field(
        description="Seed of the split, the initial weights, the order of batches and the attack."
    )
    data: Data
    rendered: Rendered
    split: Split
    countermeasures: Countermeasures
    variant: str = Field(
        description="Whose training: `ordinary`, as the groups of the recognisers say, or one of "
        "`variants`."
    )
    variants: dict[str, dict[str, dict[str, Any]]] = Field(
        description="What named variants of the training do otherwise, by recogniser."
    )
    attack: Attack
    non_local_means: NonLocalMeans
    recipe: Recipe
    mi_face: _MiFaces
    refined: _Recipes
    known_code: _KnownCode
    prior: PublicPhotos
    queries: Queries
    sharpening: Sharpening

    @model_validator(mode="before")
    @classmethod
    def _complete_recipes(cls, content: Any) -> Any:
        """Lay each recipe of `refined` and `prior` over the defaults in `recipe`."""
        if not isinstance(content, Mapping) or not isinstance(content.get("recipe"), Mapping):
            return content
        whole = dict(content)
        for method in RECIPES:
            if isinstance(group := content.get(method), Mapping):
                own = {m: differing(content["recipe"], group.get(m, {})) for m in RECOGNISERS}
                whole[method] = {**group, **own}
        return whole

    @model_validator(mode="after")
    def _recipes_fit_models(self) -> "Params":
        for model in RECOGNISERS:
            for method, what in METHODS.items():
                key, recipe = f"{method}.{model}", self.recipe_of(method, model)
                check_recipe(key, model, recipe)
                if recipe.needs_photos and what.knows != "photos":
                    raise ValueError(
                        f"{key}: found a prior or a public mean, but {method} knows no photos; "
                        "give the recipe to prior"
                    )
                if recipe.initial_noise == "subtracted" and what.knows != "code":
                    raise ValueError(
                        f"{key}.initial_noise: found 'subtracted', but {method} does not know the "
                        "code; give the recipe to known_code"
                    )
        return self

    @model_validator(mode="after")
    def _variants_fit_models(self) -> "Params":
        if ORDINARY in self.variants:
            raise ValueError(f"variants: {ORDINARY!r} is what the groups of the recognisers say")
        if self.variant not in (known := [ORDINARY, *self.variants]):
            raise ValueError(f"variant: found {self.variant!r}, expected one of {known}")
        for variant, groups in self.variants.items():
            for model, own in groups.items():
                if model not in RECOGNISERS:
                    raise ValueError(
                        f"variants.{variant}: found {model!r}, expected one of {list(RECOGNISERS)}"
                    )
                whole = getattr(self, model).model_dump() | own
                at = ("variants", variant, model)
                try:
                    validate(RECOGNISERS[model].Settings, whole, at, "")
                except MifaceError as error:  # told with the other mistakes
                    raise ValueError(str(error).removeprefix(": ")) from None
        return self

    def settings(self, model: str) -> Descent:
        """Give the group of a recogniser, with what the chosen variant does otherwise."""
        group: Descent = getattr(self, model)
        own = self.variants.get(self.variant, {}).get(model, {})
        return type(group).model_validate(group.model_dump() | own)

    def recipe_of(self, method: str, model: str) -> Recipe:
        """Give the recipe of a method for a model; for ``mi_face`` the published one."""
        group = getattr(getattr(self, method), model)
        if method == "mi_face":
            return published(self.attack, group, model, self.recipe)
        recipe: Recipe = group
        return recipe

    def plan(self, method: str, model: str) -> Plan:
        """Give all that a method is told to do on a model, and nothing that it is not."""
        recipe = self.recipe_of(method, model)
        asks = recipe.access != "everything"
        return Plan(
            labels=self.attack.labels,
            seed=self.seed,
            snapshots=self.attack.snapshots,
            non_local_means=self.non_local_means,
            seeds=self.known_code.seeds,
            answers=self.countermeasures.answers if asks else {},
            recipe=recipe,
        )


def _a_model_each(base: type[Group], kind: type[Group], default: Any) -> Any:
    """Add a group for each recogniser to a definition."""
    fields: dict[str, Any] = {name: (kind, Field(default=default)) for name in RECOGNISERS}
    return create_model(base.__name__, __base__=base, __doc__=base.__doc__, **fields)


_FIELDS: dict[str, Any] = {
    "mi_face": (_a_model_each(_MiFaces, MiFace, MiFace()), ...),
    "refined": (_a_model_each(_Recipes, Recipe, ...), ...),
    "known_code": (_a_model_each(_KnownCode, Recipe, ...), ...),
    "prior": (_a_model_each(PublicPhotos, Recipe, ...), ...),
    "queries": (QUERIES, ...),
} | {name: (kind.Settings, ...) for name, kind in RECOGNISERS.items()}
SCHEMA: type[Params] = create_model("Params", __base__=Params, __doc__=Params.__doc__, **_FIELDS)
"""`Params` with the groups of each recogniser."""


def load_params(path: str | Path = PARAMS) -> Params:
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
    content = read_yaml(path)
    # First by itself: a mistake in the defaults would be told again for each recipe.
    validate(Recipe, content.get("recipe"), ("recipe",), path)
    return validate(SCHEMA, content, (), path)


def params_digest(params: Params) -> str:
    """Give SHA-256 of all parameters of a run but the seed: one digest, and seeds alone differ.

    Recipes count as they are, so that it does not matter whether a key was written out; what
    `make countermeasures` compares is no part of a run.
    """
    apart: dict[str, Any] = {"seed": True, "recipe": True, "queries": True, "sharpening": True}
    apart |= {"countermeasures": {"sweep"}}
    content = params.model_dump(mode="json", by_alias=True, exclude=apart)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
