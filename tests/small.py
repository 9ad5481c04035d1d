"""Small recognisers that nobody trained, and cases of attacks on them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from miface.attack.access.access import Access
from miface.attack.access.everything import Everything
from miface.attack.case import Case
from miface.attack.knowledge import Knowledge, nothing
from miface.attack.processes import NonLocalMeans
from miface.attack.recipe import Plan, Recipe
from miface.params.base import Group
from miface.params.schema import load_params
from miface.recognisers import RECOGNISERS
from miface.recognisers.recogniser import Recogniser, Size

PARAMS = load_params(Path(__file__).parents[1] / "params.yaml")
SIZE = (16, 12)
PIXELS = 16 * 12
PEOPLE = 5
MODELS = ("softmax", "mlp", "dae", "cnn")
NON_LOCAL_MEANS = NonLocalMeans(strength=10.0, patch_radius=3, search_radius=5)

_UNITS: dict[str, dict[str, Any]] = {
    "softmax": {},
    "mlp": {"hidden_units": 20},
    "dae": {"hidden_units": (30, 10)},
    "cnn": {"channels": (2, 3), "hidden_units": 15, "dropout": 0.2},
}


def recogniser_of(
    model: str, *, size: Size = SIZE, people: int = PEOPLE, seed: int = 0, **settings: Any
) -> Recogniser:
    """A small recogniser of random weights, in evaluation mode."""
    torch.manual_seed(seed)
    group = PARAMS.settings(model).model_copy(update=_UNITS[model] | settings)
    names = [f"s{person + 1}" for person in range(people)]
    return RECOGNISERS[model](size, names, group).eval()


def recipe_of(method: str, model: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """A shipped recipe with changes; those of `auxterms` by the name of the term."""
    recipe = PARAMS.recipe_of(method, model)
    update = dict(changes or {})
    if "auxterms" in update:
        terms: Group = recipe.auxterms
        update["auxterms"] = terms.model_copy(update=update["auxterms"])
    return recipe.model_copy(update=update)


def case_of(
    whom: Recogniser | Access,
    recipe: Recipe,
    knowledge: Knowledge | None = None,
    *,
    seed: int = 0,
    snapshots: int = 0,
) -> Case:
    """An attack by a recipe; of one who holds the weights and knows nothing else, unless said."""
    access = whom if isinstance(whom, Access) else Everything(whom)
    plan = Plan(
        labels="all", seed=seed, snapshots=snapshots, non_local_means=NON_LOCAL_MEANS,
        seeds=1000, answers={}, recipe=recipe,
    )  # fmt: skip
    return Case(access, plan, knowledge or nothing(*access.size))
