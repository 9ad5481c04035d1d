"""Recognisers from exported programs: as PyTorch runs them, without running code of the file."""

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from trained import trained

from miface.errors import MifaceError
from miface.recognisers import RECOGNISERS
from miface.targets.exported import load

SIZE = (12, 10)


class Residual(nn.Module):
    """A CNN with batch normalisation and a skip connection; `channels` in, five labels out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(channels, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.norm.running_mean = torch.rand(4)
        self.output = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        z = self.norm(self.first(x)).relu()
        z = z + self.second(z)
        return self.output(nn.functional.adaptive_avg_pool2d(z, 1).flatten(1))


class Turned(nn.Module):
    """Takes channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Residual(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.permute(0, 3, 1, 2))


def export(path: Path, model: nn.Module, *example: Tensor, any_batch: bool = True) -> Path:
    shapes = tuple({0: torch.export.Dim.DYNAMIC} for _ in example) if any_batch else None
    program = torch.export.export(model.eval(), example, dynamic_shapes=shapes)
    torch.export.save(program, path)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.pt2"


@pytest.fixture
def photos() -> Tensor:
    torch.manual_seed(0)
    return torch.rand(3, 12 * 10)


@pytest.mark.parametrize("any_batch", [True, False])
def test_a_colour_cnn_scores_as_it_does_in_pytorch(
    path: Path, photos: Tensor, any_batch: bool
) -> None:
    model = Residual(3)
    recogniser = load(export(path, model, torch.rand(2, 3, *SIZE), any_batch=any_batch))
    expected = model(photos.reshape(-1, 1, *SIZE).expand(-1, 3, -1, -1))
    torch.testing.assert_close(recogniser(photos), expected)
    assert (recogniser.size, recogniser.takes.channels) == (SIZE, 3)
    assert recogniser.takes.batch == (None if any_batch else 2)
    assert recogniser.scores == "logits"
    assert recogniser.names == ["0", "1", "2", "3", "4"]
    assert recogniser.weights == sum(weight.numel() for weight in model.parameters())


@pytest.mark.parametrize("model", RECOGNISERS)
def test_each_recogniser_of_miface_comes_back_from_its_export(path: Path, model: str) -> None:
    own = trained(model)
    photos = torch.rand(3, own.pixels)
    recogniser = load(export(path, own, photos), own.size, own.names)
    assert torch.equal(recogniser(photos), own(photos))
    assert recogniser.names == own.names


def test_gradients_reach_the_photos(path: Path, photos: Tensor) -> None:
    model = Residual(1)
    recogniser = load(export(path, model, torch.rand(2, 1, *SIZE)))
    x, y = (photos.clone().requires_grad_() for _ in range(2))
    found = torch.autograd.grad(recogniser(x)[:, 1].sum(), x)[0]
    expected = torch.autograd.grad(model(y.reshape(-1, 1, *SIZE))[:, 1].sum(), y)[0]
    torch.testing.assert_close(found, expected)


def test_channels_last_are_found(path: Path, photos: Tensor) -> None:
    model = Turned()
    recogniser = load(export(path, model, torch.rand(2, *SIZE, 3)))
    assert recogniser.takes.axes == "channels last"
    expected = model.inner(photos.reshape(-1, 1, *SIZE).expand(-1, 3, -1, -1))
    torch.testing.assert_close(recogniser(photos), expected)


@pytest.mark.parametrize(
    ("last", "scores"),
    [(nn.Softmax(1), "probabilities"), (nn.LogSoftmax(1), "log-probabilities")],
    ids=["softmax", "logarithm"],
)
def test_the_kind_of_scores_is_found(
    path: Path, photos: Tensor, last: nn.Module, scores: str
) -> None:
    inner = nn.Linear(120, 4)
    recogniser = load(export(path, nn.Sequential(inner, last), torch.rand(2, 120)), SIZE)
    assert recogniser.scores == scores
    torch.testing.assert_close(recogniser(photos).softmax(1), inner(photos).softmax(1))


def test_the_normalisation_that_is_set_is_used(path: Path, photos: Tensor) -> None:
    model = nn.Linear(120, 4)
    recogniser = load(export(path, model, torch.rand(2, 120)), SIZE, normalisation=(0.5, 0.25))
    torch.testing.assert_close(recogniser(photos), model((photos - 0.5) / 0.25))


class Touch:
    """A pickle that makes a file when it is opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def rewrite(path: Path, change: Callable[[str, bytes], bytes]) -> None:
    """Write a zip anew, its members changed."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, change(name.partition("/")[2], content))


def test_the_pickled_example_in_it_is_never_opened(path: Path, tmp_path: Path) -> None:
    export(path, Residual(1), torch.rand(2, 1, *SIZE))
    mark = tmp_path / "mark"
    trap = pickle.dumps(Touch(mark))
    rewrite(path, lambda name, content: trap if "sample_inputs" in name else content)
    load(path)
    assert not mark.exists()


def test_expressions_in_it_are_never_evaluated(path: Path, tmp_path: Path) -> None:
    """Sizes and guards are text, which PyTorch's reader evaluates."""
    export(path, Residual(1), torch.rand(2, 1, *SIZE))
    mark = tmp_path / "mark"
    code = f"__import__('pathlib').Path({str(mark)!r}).touch()"

    def change(name: str, content: bytes) -> bytes:
        if name != "models/model.json":
            return content
        text = json.loads(content, object_hook=lambda entry: (
            entry | {"expr_str": code} if "expr_str" in entry else entry
        ))  # fmt: skip
        return json.dumps(text | {"guards_code": [code]}).encode()

    rewrite(path, change)
    load(path)
    assert not mark.exists()


def node(path: Path, target: str) -> None:
    def change(name: str, content: bytes) -> bytes:
        if name == "models/model.json":
            return content.replace(b"torch.ops.aten.relu.default", target.encode())
        return content

    rewrite(path, change)


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.from_file.default", "os.system", "builtins.eval", "torch.load",
        "torch.ops.aten.__class__.default", "torch.ops.aten.relu.__class__",
        "torch.ops.prims.relu.default", "_operator.attrgetter",
    ],
)  # fmt: skip
def test_an_operator_that_is_not_of_the_list_is_refused(path: Path, target: str) -> None:
    export(path, Residual(1), torch.rand(2, 1, *SIZE))
    node(path, target)
    with pytest.raises(MifaceError, match=r"model\.pt2: found the operator .*torch\.export\.save"):
        load(path)


def test_weights_that_would_be_unpickled_are_refused(path: Path) -> None:
    export(path, Residual(1), torch.rand(2, 1, *SIZE))
    rewrite(path, lambda _, content: content.replace(b'"use_pickle": false', b'"use_pickle": true'))
    with pytest.raises(MifaceError, match="stored as a pickle, which can run code"):
        load(path)


def test_a_model_in_training_mode_is_refused(path: Path) -> None:
    program = torch.export.export(Residual(1).train(), (torch.rand(6, 1, *SIZE),))
    torch.export.save(program, path)
    with pytest.raises(MifaceError, match="depend on the photos beside it"):
        load(path)


class Large(nn.Module):
    """Asks for 1 TiB on the way."""

    def forward(self, x: Tensor) -> Tensor:
        return x.repeat(1, 1 << 30)[:, :4]


def test_what_would_fill_the_memory_is_refused(path: Path) -> None:
    export(path, Large(), torch.rand(2, 120))
    with pytest.raises(MifaceError, match=r"gives \d+ numbers"):
        load(path, (2, 60))


class Two(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return (x - y).flatten(1)


def test_two_inputs_are_refused(path: Path) -> None:
    example = torch.rand(2, 1, *SIZE)
    export(path, Two(), example, example, any_batch=False)
    with pytest.raises(MifaceError, match=r"found 2 inputs \('x', 'y'\), expected one"):
        load(path)


class Scores(nn.Module):
    """Gives scores that a test says."""

    def __init__(self, scores: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.scores = scores

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(x.flatten(1))


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        (lambda x: x[:, :4] / 0, "not finite"),
        (lambda x: x[:, :4] * 0, "the same scores"),
        (lambda x: x[:, :1], "two labels or more"),
        (lambda x: x.sum(), "a single number"),
        (lambda x: nn.functional.dropout(x, 0.5, True)[:, :4], "when asked again"),
        (lambda x: (x[:, :4], x), "found 2 outputs"),
    ],
    ids=["infinite", "constant", "one label", "a number", "random", "two arrays"],
)
def test_what_gives_no_scores_is_refused(
    path: Path, scores: Callable[[Tensor], Tensor], told: str
) -> None:
    export(path, Scores(scores), torch.rand(2, 1, *SIZE))
    with pytest.raises(MifaceError, match=rf"model\.pt2: .*{told}"):
        load(path)


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b""), "an empty file"),
        (lambda path: path.write_text("not a model"), "found text"),
        (lambda path: path.write_bytes(pickle.dumps({"weight": 1})), "a pickle, which can run"),
        (lambda path: torch.save({"weight": torch.zeros(2)}, path), "a pickle, which can run"),
        (
            lambda path: (
                export(path, nn.Linear(120, 2), torch.rand(2, 120)),
                path.write_bytes(path.read_bytes()[:-100]),
            ),
            "a zip that is cut short",
        ),
    ],
    ids=["missing", "empty", "text", "a pickle", "torch.save", "cut short"],
)
def test_what_is_no_exported_program_is_told(
    path: Path, write: Callable[[Path], Any], told: str
) -> None:
    write(path)
    with pytest.raises(MifaceError, match=rf"model\.pt2: .*{told}") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_size_that_is_left_open_is_asked_for(path: Path) -> None:
    export(path, nn.Linear(120, 4), torch.rand(2, 120))
    with pytest.raises(MifaceError, match=r"rows of 120 values.*set the size"):
        load(path)
    with pytest.raises(MifaceError, match="expected 7×7 = 49"):
        load(path, (7, 7))
