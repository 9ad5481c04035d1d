"""Parameters: a mistake is one line with its key, what was found and what is allowed."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from mistakes import mistakes

from miface.attack.methods import METHODS
from miface.errors import MifaceError
from miface.params.schema import RECIPES, load_params
from miface.recognisers import RECOGNISERS
from miface.recognisers.dae import DaeSettings
from miface.recognisers.recogniser import Coded

WriteParams = Callable[..., Path]
NAN, INFINITY = float("nan"), float("inf")


def test_the_shipped_file_is_valid(project: Path) -> None:
    params = load_params(project / "params.yaml")
    assert (params.attack.alpha, params.attack.beta) == (5000, 100)
    assert (params.attack.gamma, params.attack.lambda_) == (0.01, 0.1)
    assert DaeSettings.model_validate(params.settings("dae")).pretraining[0].epochs > 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("split.train_per_person", 7),
        ("split.train_per_person", 0.7),
        ("attack.labels", "all"),
        ("attack.labels", ["s1", "s40"]),
        ("attack.models", ["dae"]),
        ("attack.gamma", 0),
        ("data.size", [56, 46]),
        ("data.digest", None),
        ("mi_face.cnn", {"process": "clamp"}),
        ("variant", "leaking"),
        ("variants.mine", {"softmax": {"momentum": 0.5}, "cnn": {}}),
        ("variants", {}),
        ("known_code.seeds", 1),
    ],
)
def test_valid_changes_are_taken(write_params: WriteParams, key: str, value: Any) -> None:
    content = load_params(write_params({key: value})).model_dump(by_alias=True, mode="json")
    for part in key.split("."):
        content = content[part]
    assert content == value


def one_of(names: Iterable[str]) -> str:
    *others, last = map(repr, names)
    return f"{', '.join(others)} or {last}"


RATIO_OR_COUNT = "should be a count from 1 up, or a ratio above 0 and below 1"
NAMES = "should be 'all' or a list of names, such as [s1, s2]; numbers in quotes: ['12', '14']"
MODELS, MODEL = ", ".join(RECOGNISERS), f"should be {one_of(RECOGNISERS)}"
TRAINING_KEYS = "learning_rate, momentum, weight_decay, batch_size, max_epochs, patience"
GROUPS = (
    "seed, data, rendered, split, countermeasures, variant, variants, attack, non_local_means, "
    f"recipe, mi_face, refined, known_code, prior, queries, sharpening, {MODELS}"
)
DIGEST = "should match pattern '^[0-9a-f]{64}$'"


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        # out of range
        ("seed", -1, "should be greater than or equal to 0"),
        ("seed", 2**63, f"should be less than {2**63}"),
        ("attack.beta", 0, "should be greater than or equal to 1"),
        ("attack.lambda", 0.0, "should be greater than 0"),
        ("attack.gamma", -0.1, "should be greater than or equal to 0"),
        ("cnn.dropout", 1.0, "should be less than 1"),
        ("data.size.0", 8, "should be greater than or equal to 16"),
        ("rendered.height", 8, "should be greater than or equal to 24"),
        ("dae.pretraining.0.epochs", -1, "should be greater than or equal to 0"),
        # not finite
        ("attack.gamma", NAN, "should be a finite number"),
        ("mlp.learning_rate", INFINITY, "should be a finite number"),
        ("attack.lambda", -INFINITY, "should be a finite number"),
        # of the wrong type
        ("attack.beta", True, "should be a valid integer"),
        ("attack.beta", "100", "should be a valid integer"),
        ("attack.beta", 100.0, "should be a valid integer"),
        ("attack.beta", None, "should be a valid integer"),
        ("attack.gamma", "0.01", "should be a valid number"),
        ("attack.gamma", False, "should be a valid number"),
        ("dae.hidden_units.1", "300", "should be a valid integer"),
        ("dae.hidden_units", 300, "should be a valid list"),
        ("data.size", "112x92", "should be a valid list"),
        ("data.sources", "rendered", "should be a list, such as [rendered]"),
        ("attack.models", "softmax", "should be a list, such as [softmax]"),
        # of the wrong length
        ("attack.models", [], "should have at least 1 item, not 0"),
        ("data.sources", [], "should have at least 1 item, not 0"),
        ("cnn.channels", [8, 16, 32], "should have at most 2 items, not 3"),
        # not a name there is
        ("attack.models.0", "sofmax", MODEL),
        ("attack.methods.0", "mi-face", f"should be {one_of(METHODS)}"),
        ("attack.start", "white", "should be 'zero' or 'black'"),
        ("mi_face.dae.process", "none", "should be 'identity', 'clamp' or 'process_dae'"),
        ("data.digest", "2e4844a9", DIGEST),
        ("data.digest", "2E" * 32, DIGEST),
        ("data.digest", 7, "should be a valid string"),
        # unions: one rule, not one for each branch
        *[("split.train_per_person", v, RATIO_OR_COUNT) for v in (0, -1, 1.0, "7", True, NAN)],
        *[("attack.labels", v, NAMES) for v in ("s1", [], [1], 5, None)],
        # groups
        ("attack", 5, "should be a group of methods, models, labels, alpha, beta, gamma, lambda, "
         "start, auxterm, auxterm_weight, snapshots"),
        ("dae.pretraining.0", 5, "should be a group of learning_rate, batch_size, epochs"),
        ("mi_face.dae", "process_dae", "should be a group of process"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_key_and_what_is_allowed(
    write_params: WriteParams, key: str, value: Any, allowed: str
) -> None:
    changes = {"data.size": [112, 92]} if key.startswith("data.size.") else {}
    told = mistakes(write_params(changes | {key: value}))
    assert told == [f"{key}: found {value!r}, {allowed}"]


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("alpha", GROUPS),
        ("my-group", GROUPS),
        ("split.ratio", "train_per_person"),
        ("softmax.hidden_units", f"{TRAINING_KEYS}, initial_weights"),
        ("dae.pretraining.1.patience", "learning_rate, batch_size, epochs"),
        ("mi_face.dae.clamp", "process"),
    ],
)
def test_an_unknown_key_is_told_with_those_there_are(
    write_params: WriteParams, key: str, allowed: str
) -> None:
    told = mistakes(write_params({key: 1}))
    assert told == [f"{key}: found 1, but there is no such key; should be one of {allowed}"]


def test_lambda_has_one_spelling(write_params: WriteParams) -> None:
    told = mistakes(write_params({"attack.lambda": ..., "attack.lambda_": 0.1}))
    assert [line.split(":")[0] for line in told] == ["attack.lambda", "attack.lambda_"]


@pytest.mark.parametrize(
    "key", ["seed", "attack", "attack.lambda", "data.digest", "dae.pretraining.1"]
)
def test_a_missing_key_is_told(write_params: WriteParams, key: str) -> None:
    assert mistakes(write_params({key: ...})) == [
        f"{key}: missing; see docs/parameters.md for what it does"
    ]


@pytest.mark.parametrize("method", METHODS)
def test_a_model_that_a_method_does_not_know_is_told(
    write_params: WriteParams, method: str
) -> None:
    (told,) = mistakes(write_params({f"{method}.vgg": {"process": "clamp"}}))
    assert told.startswith(f"{method}.vgg: found {{'process': 'clamp'}}, but there is no such key")
    assert told.endswith(MODELS)


@pytest.mark.parametrize("model", RECOGNISERS)
def test_mi_face_processes_nothing_where_it_is_not_said(
    write_params: WriteParams, model: str
) -> None:
    params = load_params(write_params({"mi_face": {}}))
    assert params.recipe_of("mi_face", model).process == "identity"


@pytest.mark.parametrize("model", [m for m, k in RECOGNISERS.items() if not issubclass(k, Coded)])
def test_process_dae_fits_what_has_codes_alone(write_params: WriteParams, model: str) -> None:
    (told,) = mistakes(write_params({f"mi_face.{model}": {"process": "process_dae"}}))
    assert told.startswith(f"mi_face.{model}.process: found 'process_dae'")
    assert told.endswith("should be another, such as 'identity' or 'clamp'")


@pytest.mark.parametrize("method", RECIPES)
def test_a_recipe_states_what_differs_from_the_defaults(
    write_params: WriteParams, method: str
) -> None:
    defaults = {"recipe.alpha": 7, "recipe.auxterms.l2": 2, "recipe.auxterms.symmetry": 3}
    own = {f"{method}.mlp": {"lambda": 0.5, "auxterms": {"symmetry": 4}}}
    recipe = load_params(write_params(defaults | own)).recipe_of(method, "mlp")
    assert (recipe.alpha, recipe.lambda_) == (7, 0.5)
    assert (recipe.weights["l2"], recipe.weights["symmetry"]) == (2, 4)


def test_a_mistake_in_the_defaults_is_told_once(write_params: WriteParams) -> None:
    assert mistakes(write_params({"recipe.alpha": 0})) == [
        "recipe.alpha: found 0, should be greater than or equal to 1"
    ]


def test_every_mistake_has_a_line(write_params: WriteParams) -> None:
    told = mistakes(write_params({"attack.beta": 0, "cnn.dropout": 2.0, "extra": 1}))
    assert sorted(line.split(":")[0] for line in told) == ["attack.beta", "cnn.dropout", "extra"]


def test_numbers_are_read_as_dvc_writes_them(write_params: WriteParams) -> None:
    # `-S attack.gamma=0.00001` makes DVC write 1e-05, which is text to YAML 1.1.
    path = write_params({"attack.gamma": 0.03125})
    path.write_text(path.read_text().replace("0.03125", "1e-05"))
    assert load_params(path).attack.gamma == 0.00001


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"seed: [", "not YAML: "),
        (b"seed: 0\nseed: 1\n", "not YAML: .* duplicate key"),
        (b"\xff\xfe\xfa", "not YAML: "),
        (b"", "found NoneType, expected groups of parameters"),
        (b"- seed", "found list, expected groups of parameters"),
        (b"seed", "found str, expected groups of parameters"),
    ],
)
def test_a_file_that_holds_no_parameters_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(MifaceError, match=f"^{path}: {told}[^\n]*$"):
        load_params(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(MifaceError, match=r"params\.yaml: cannot be read \(No such file"):
        load_params(tmp_path / "params.yaml")
