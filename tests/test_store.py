"""Recognisers on disk: the same outputs, the same bytes, and never a pickle."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from miface.errors import MifaceError
from miface.models.networks import architecture_of, build
from miface.models.store import Recogniser, load, save
from miface.params import load_params
from miface.params.base import MODELS, ModelName

CPU = torch.device("cpu")
NAMES = ["s1", "s2", "Zoë"]
HEIGHT, WIDTH = 16, 12


@pytest.fixture(params=MODELS)
def recogniser(request: pytest.FixtureRequest, write_params: Callable[..., Path]) -> Recogniser:
    """A small network of each kind, with weights that no constructor would give."""
    model: ModelName = request.param
    small = {"mlp.hidden_units": 7, "dae.hidden_units": [9, 5], "cnn.hidden_units": 6}
    params = load_params(write_params(small))
    architecture = architecture_of(model, params, HEIGHT, WIDTH, len(NAMES))
    torch.manual_seed(0)
    return Recogniser(build(architecture).eval(), architecture, NAMES)


def test_a_saved_recogniser_loads_as_it_was(tmp_path: Path, recogniser: Recogniser) -> None:
    path = tmp_path / "model.safetensors"
    save(recogniser, path)
    torch.manual_seed(1)  # the weights come from the file, not from the seed
    loaded = load(path, CPU)
    x = torch.rand(5, HEIGHT * WIDTH)
    with torch.no_grad():
        torch.testing.assert_close(loaded.network(x), recogniser.network(x), rtol=0, atol=0)
    assert loaded.names == NAMES
    assert not loaded.network.training
    assert type(loaded.network) is type(recogniser.network)
    sizes = (loaded.architecture[key] for key in ("height", "width", "people"))
    assert tuple(sizes) == (HEIGHT, WIDTH, len(NAMES))


def test_the_same_recogniser_is_the_same_bytes(tmp_path: Path, recogniser: Recogniser) -> None:
    one, other, again = (tmp_path / f"{name}.safetensors" for name in ("one", "other", "again"))
    save(recogniser, one)
    save(recogniser, other)
    save(load(one, CPU), again)
    assert one.read_bytes() == other.read_bytes() == again.read_bytes()


def test_any_reader_of_safetensors_finds_the_weights(
    tmp_path: Path, recogniser: Recogniser
) -> None:
    save(recogniser, tmp_path / "model.safetensors")
    with safe_open(tmp_path / "model.safetensors", framework="numpy") as file:
        assert set(file.keys()) == set(recogniser.network.state_dict())


def write_foreign(path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, path)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: None,
        lambda path: path.mkdir(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not weights at all"),
        lambda path: path.write_bytes(pickle.dumps({"weight": 1})),
        write_foreign,
    ],
    ids=["missing", "a folder", "empty", "text", "a pickle", "of another program"],
)
def test_what_is_no_recogniser_is_told(tmp_path: Path, write: Callable[[Path], object]) -> None:
    path = tmp_path / "model.safetensors"
    write(path)
    with pytest.raises(MifaceError, match=rf"^{path}: cannot be read as a recogniser .*dvc repro"):
        load(path, CPU)


def test_half_a_file_is_told(tmp_path: Path, recogniser: Recogniser) -> None:
    path = tmp_path / "model.safetensors"
    save(recogniser, path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(MifaceError, match=r"model\.safetensors: cannot be read"):
        load(path, CPU)
