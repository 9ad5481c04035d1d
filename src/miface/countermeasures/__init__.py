"""What a defender changes: in the training, or in the answers. One module each."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, create_model
from pydantic_core import PydanticCustomError

from miface.countermeasures.countermeasure import Answering, Countermeasure, Training
from miface.discovery import discover
from miface.params.base import Count, Group, OneOf, Seed, once
from miface.recognisers import RECOGNISERS
from miface.training.trainer import Trainer

IN_TRAINING: dict[str, type[Training]] = discover(__name__, Training)  # type: ignore[type-abstract]
"""Countermeasures in the training, by their names in ``params.yaml``."""

ON_ANSWERS: dict[str, type[Answering]] = discover(__name__, Answering)  # type: ignore[type-abstract]
"""Countermeasures on the answers, by their names in ``params.yaml``."""

NONE = "none"
"""What no countermeasure is called."""

Strengths = dict[str, float]
"""A strength for each countermeasure by name, in the order in which they act; none if empty."""


def _strengths_of(
    kinds: Mapping[str, type[Countermeasure]], example: str
) -> Callable[[Any], Strengths]:
    fields: dict[str, Any] = {name: (kind.Strength, None) for name, kind in kinds.items()}
    ranges = create_model("Strengths", __base__=Group, **fields)

    def check(value: Any) -> Strengths:
        if value == "none":
            return {}
        expected = f"should be none, or strengths by name among {', '.join(kinds)}"
        if not isinstance(value, dict) or not set(value) <= set(kinds):
            raise PydanticCustomError("strengths", f"{expected}, such as {{{example}}}")
        checked = ranges.model_validate(value)
        return {name: getattr(checked, name) for name in value}

    return check


_InTraining = Annotated[
    Strengths, BeforeValidator(_strengths_of(IN_TRAINING, "label_smoothing: 0.1"))
]
_OnAnswers = Annotated[Strengths, BeforeValidator(_strengths_of(ON_ANSWERS, "rounding: 0.01"))]


def _point(text: str) -> str:
    """Check a countermeasure and its strength as the sweep writes them: ``rounding=0.01``."""
    if text == NONE:
        return text
    name, _, strength = text.partition("=")
    known = [*IN_TRAINING, *ON_ANSWERS]
    try:
        value = float(strength) if name in known else None
    except ValueError:
        value = None
    if value is None:
        rule = f"be none, or a name among {', '.join(known)} and a strength, as in rounding=0.01"
        raise PydanticCustomError("point", f"should {rule}")
    if text != (spelled := f"{name}={value:.12g}"):  # so that none counts twice
        raise PydanticCustomError("point", f"should be spelled {spelled}")
    which = _InTraining if name in IN_TRAINING else _OnAnswers
    TypeAdapter(which).validate_python({name: int(value) if value.is_integer() else value})
    return text


Point = Annotated[str, AfterValidator(_point)]


def parse_point(text: str) -> tuple[str, float]:
    """Give the name and the strength of a point of the sweep; strength 0 for ``none``."""
    name, _, strength = text.partition("=")
    value = float(strength or 0)
    return name, int(value) if value.is_integer() else value


class Sweep(Group):
    """What `make countermeasures` compares: countermeasures one at a time, on several seeds."""

    points: Annotated[list[Point], AfterValidator(once), Field(min_length=1)] = Field(
        description="Countermeasures and strengths: `none`, or such as `rounding=0.01`."
    )
    models: Annotated[
        list[Annotated[str, OneOf(RECOGNISERS)]], AfterValidator(once), Field(min_length=1)
    ] = Field(description="Recognisers to train with each, and to ask.")
    seeds: Annotated[list[Seed], AfterValidator(once), Field(min_length=1)] = Field(
        description="Seeds of split, training and attack; the intervals are over all of them."
    )
    budget: Count = Field(
        description="Questions, for everybody together, of who fits classification images."
    )


class Countermeasures(Group):
    """What the defender does."""

    training: _InTraining = Field(
        description="In the training: `none`, or strengths by name. "
        + " ".join(f"`{name}`: {kind.summary()}" for name, kind in IN_TRAINING.items())
    )
    answers: _OnAnswers = Field(
        description="On the answers, between recogniser and attacker: `none`, or strengths by "
        "name. " + " ".join(f"`{name}`: {kind.summary()}" for name, kind in ON_ANSWERS.items())
    )
    sweep: Sweep


def in_training(strengths: Strengths) -> list[Training]:
    """Make the countermeasures in the training that these strengths name."""
    return [IN_TRAINING[name](strength) for name, strength in strengths.items()]


def guarded(trainer: Trainer, strengths: Strengths) -> Trainer:
    """Give the trainer with the countermeasures that these strengths name, in their order."""
    for countermeasure in in_training(strengths):
        trainer = countermeasure.apply(trainer)
    return trainer


def on_answers(strengths: Strengths) -> list[Answering]:
    """Make the countermeasures on the answers that these strengths name, in their order."""
    return [ON_ANSWERS[name](strength) for name, strength in strengths.items()]


def in_words(strengths: Strengths) -> str:
    """Name countermeasures and their strengths as results do; ``none`` where there are none."""
    return ", ".join(f"{name} {value:.12g}" for name, value in strengths.items()) or "none"
