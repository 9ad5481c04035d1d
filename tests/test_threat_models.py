"""What attackers know, and what their recipes may therefore hold."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mistakes import mistakes

from miface.attack.methods import METHODS
from miface.params.schema import RECIPES, load_params

WriteParams = Callable[..., Path]
PHOTOS = "found a prior or a public mean, but {method} knows no photos; give the recipe to prior"
CODE = "found 'subtracted', but {method} does not know the code; give the recipe to known_code"


@pytest.mark.parametrize(
    "part", [{"estimator": "posterior_mean"}, {"start": "public_mean"}, {"space": "prior"}], ids=str
)
@pytest.mark.parametrize("method", [name for name in RECIPES if METHODS[name].knows != "photos"])
def test_who_has_no_photos_uses_none(
    write_params: WriteParams, method: str, part: dict[str, str]
) -> None:
    told = mistakes(write_params({f"{method}.softmax": part}))
    assert told == [f"{method}.softmax: {PHOTOS.format(method=method)}"]
    load_params(write_params({"prior.softmax": part}))


@pytest.mark.parametrize("method", [name for name in RECIPES if METHODS[name].knows != "code"])
def test_who_does_not_know_the_code_subtracts_nothing(
    write_params: WriteParams, method: str
) -> None:
    part = {"initial_noise": "subtracted"}
    told = mistakes(write_params({f"{method}.softmax": part}))
    assert told == [f"{method}.softmax.initial_noise: {CODE.format(method=method)}"]
    load_params(write_params({"known_code.softmax": part}))


@pytest.mark.parametrize(
    ("key", "recipe", "told"),
    [
        ("known_code.dae", {"space": "codes", "initial_noise": "subtracted"}, "initial_noise: "),
        ("refined.mlp", {"initial_noise": "filtered"}, "auxterms: "),
        ("refined.mlp", {"space": "frequencies", "estimator": "wiener"}, "estimator: "),
        (
            "refined.dae",
            {"space": "codes", "start": "random", "estimator": "wiener"},
            "estimator: ",
        ),
        ("refined.mlp", {"start": "random", "estimator": "wiener"}, "estimator: "),
        ("known_code.mlp", {"access": "confidences", "initial_noise": "subtracted"}, "access: "),
        ("refined.mlp", {"estimator": "median"}, "estimator: found 'median', should be 'as_is', "),
        ("refined.mlp", {"initial_noise": "gone"}, "initial_noise: found 'gone', should be 'kept'"),
    ],
)
def test_an_estimator_and_initial_noise_fit_the_rest(
    write_params: WriteParams, key: str, recipe: dict[str, str], told: str
) -> None:
    (line,) = mistakes(write_params({key: recipe}))
    assert line.startswith(f"{key}.{told}")


def test_there_are_no_more_seeds_than_a_generator_keeps(write_params: WriteParams) -> None:
    load_params(write_params({"known_code.seeds": 2**32}))
    (line,) = mistakes(write_params({"known_code.seeds": 2**32 + 1}))
    assert line.startswith("known_code.seeds: found 4294967297, should be ")
