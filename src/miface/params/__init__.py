"""Every hyperparameter of ``params.yaml``: its type, its range and what it does.

These definitions validate the file and are the source of ``docs/parameters.md``.
"""

from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from miface.errors import MifaceError
from miface.params.attacks import (
    Attack,
    MiFace,
    NonLocalMeans,
    Plan,
    Prior,
    Recipe,
    check_recipe,
    published,
)
from miface.params.base import MODELS, Group, ModelName
from miface.params.photos import Data, Rendered, Split
from miface.params.training import Cnn, Dae, Mlp, Softmax


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
    non_local_means: NonLocalMeans
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
            check_recipe(f"refined.{model}", model, recipe)
            if recipe.space == "prior" or recipe.start == "public_mean":
                raise ValueError(
                    f"refined.{model}: found a prior or a public mean, but refined knows nothing "
                    "but the model; give the recipe to prior"
                )
        for model in MODELS:
            check_recipe(f"prior.{model}", model, getattr(self.prior, model))
        return self

    def plan(self, method: str, model: ModelName) -> Plan:
        """Give all that a method is told to do on a model, and nothing that it is not."""
        return Plan(
            labels=self.attack.labels,
            seed=self.seed,
            snapshots=self.attack.snapshots,
            non_local_means=self.non_local_means,
            recipe=self.recipe(method, model),
        )

    def recipe(self, method: str, model: ModelName) -> Recipe:
        """Give the recipe of a method for a model; for ``mi_face`` the published one."""
        if method == "mi_face":
            return published(self.attack, self.mi_face[model], model)
        recipe: Recipe = self.refined[model] if method == "refined" else getattr(self.prior, model)
        return recipe


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
