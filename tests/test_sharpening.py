"""A blurred photo sharpened with what an attack found: nearer to the face than either alone."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from miface.attack.estimators import cosines, frequencies
from miface.attack.sharpening import blur_and_round, deblur, sharpen, transfer
from miface.evaluation import blurred as stage
from miface.params.schema import load_params, params_digest
from miface.report.verdicts import sharpening_table

SIZE = (56, 46)
Images = NDArray[np.float32]


def faces(seed: int, count: int = 20) -> Images:
    """Images about grey whose power falls with the cube of frequency, of deviation 0.12."""
    drawn = torch.randn(count, *SIZE, generator=torch.Generator().manual_seed(seed))
    x = cosines(SIZE[0]).T @ (drawn * frequencies(*SIZE) ** -1.5) @ cosines(SIZE[1])
    x -= x.mean((1, 2), keepdim=True)
    return (0.5 + x * 0.12 / x.std()).clamp(0, 1).numpy()


def noise(seed: int) -> Images:
    drawn = torch.randn(20, *SIZE, generator=torch.Generator().manual_seed(1000 + seed))
    return drawn.numpy()


def about(x: Images) -> Images:
    return x - x.mean(0)


def error(one: Images, other: Images) -> float:
    return float(np.sqrt(np.square(one - other).mean()))


def test_a_cosine_is_blurred_by_its_factor() -> None:
    wave = torch.cos(torch.pi * 4 * (torch.arange(56) + 0.5) / 56)[None, :, None].expand(1, *SIZE)
    expected = 0.5 + 0.3 * transfer(SIZE, 3.0)[4, 0] * wave
    got = blur_and_round((0.5 + 0.3 * wave).numpy(), 3.0)
    np.testing.assert_allclose(got, expected.numpy(), atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("sigma", [1.5, 3.0, 6.0])
def test_the_blur_is_a_gaussian_of_that_width(sigma: float) -> None:
    rows = np.arange(56, dtype=np.float32) - np.float32(27.5)
    step = np.where(rows > 0, np.float32(0.9), np.float32(0.1))
    got = blur_and_round(np.repeat(step[None, :, None], 46, 2), sigma)[0, :, 20]
    # A step becomes Gauss's error function.
    expected = 0.5 + 0.4 * torch.erf(torch.from_numpy(rows) / sigma / 2**0.5).numpy()
    np.testing.assert_allclose(got[20:36], expected[20:36], atol=0.01)


def test_what_is_handed_over_has_256_grey_values() -> None:
    y = blur_and_round(faces(0), 4.0) * 255
    np.testing.assert_allclose(y, np.rint(y), atol=1e-4)


@pytest.mark.parametrize("contrast", [0.3, 1.0, 20.0])
@pytest.mark.parametrize("sigma", [3.0, 6.0])
def test_a_perfect_find_gives_back_the_faces_but_for_what_they_share(
    sigma: float, contrast: float
) -> None:
    # The find tells x less the mean of all, and so does the answer; of the mean the blurred photos
    # tell what they can. The tolerance, 1.2 steps of 256 grey values, is for what is finest in a
    # face, which counts as noise.
    x = faces(0)
    got = sharpen(blur_and_round(x, sigma), 7 + contrast * about(x), sigma)
    assert error(about(got), about(x)) < 1.2 / 255
    assert error(about(deblur(blur_and_round(x, sigma), sigma)), about(x)) > 4 / 255
    shared = deblur(blur_and_round(x, sigma), sigma).mean(0)
    np.testing.assert_allclose(got.mean(0), shared, atol=0.02)


@pytest.mark.parametrize("found", ["nothing", "noise", "the opposite"])
@pytest.mark.parametrize("sigma", [3.0, 6.0])
def test_where_the_model_tells_nothing_the_deblurred_photos_are_left(
    sigma: float, found: str
) -> None:
    x = faces(0)
    y = blur_and_round(x, sigma)
    finds = {"nothing": np.zeros_like(x), "noise": 1e3 * noise(0), "the opposite": -about(x)}
    np.testing.assert_allclose(sharpen(y, finds[found], sigma), deblur(y, sigma), atol=0.01)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sigma", [3.0, 6.0])
@pytest.mark.parametrize("level", [0.02, 0.08])
def test_both_together_are_nearer_than_either_alone(seed: int, sigma: float, level: float) -> None:
    x = faces(seed)
    y, found = blur_and_round(x, sigma), x + level * noise(seed)
    both = error(about(sharpen(y, found, sigma)), about(x))
    alone = [error(about(z), about(x)) for z in (y, deblur(y, sigma), found)]
    assert both < 0.97 * min(alone)


@pytest.mark.parametrize("seed", range(5))
def test_deblurring_helps(seed: int) -> None:
    x = faces(seed)
    y = blur_and_round(x, 4.0)
    assert error(deblur(y, 4.0), x) < 0.9 * error(y, x)


def test_a_photo_is_deblurred_whoever_is_beside_it_and_a_lone_one_too() -> None:
    x = faces(3)
    y = blur_and_round(x, 4.0)
    assert error(deblur(y[:1], 4.0), x[:1]) < error(y[:1], x[:1])
    np.testing.assert_allclose(sharpen(y[:1], x[:1], 4.0), deblur(y[:1], 4.0), atol=1e-5)


@pytest.mark.parametrize("sigma", [4.0, 100.0])
@pytest.mark.parametrize("grey", [0, 128])
def test_a_blank_photo_stays_blank(grey: int, sigma: float) -> None:
    blank = np.full((3, *SIZE), grey / 255, np.float32)
    for got in (deblur(blank, sigma), sharpen(blank, blank, sigma)):
        np.testing.assert_allclose(got, blank, atol=0.01)


class Staged:
    """A trial of three people with five photos each, whose judge remembers what it is shown."""

    def __init__(self) -> None:
        self.seed = 4
        drawn = faces(0, 15)
        self.faces = SimpleNamespace(
            images=np.rint(drawn * 255).astype(np.uint8),
            person=np.repeat([0, 1, 2], 5),
            names=np.array(["a", "b", "c"]),
        )
        self.sides = (np.array([1, 2, 3, 5, 6, 9, 10, 13, 14]), np.array([0, 4, 7, 8, 11, 12]))
        self.shown: list[Images] = []

    def trained(self, model: str, strengths: dict[str, float]) -> str:
        return model

    def found(self, recogniser: str, model: str) -> Images:
        return faces(9, 3)

    def judged(self, images: Images, labels: NDArray[np.int64]) -> dict[str, Any]:
        assert labels.tolist() == [0, 1, 2]
        self.shown.append(images)
        return {"recovered": 1, "people": 3, "top1": 1 / 3, "top5": 1.0}


def test_rows_are_of_the_first_photo_held_out_and_only_its_blur_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trial: Any = Staged()
    photos = trial.faces.images[[0, 7, 11]] / np.float32(255)
    np.testing.assert_array_equal(stage.held_out_photos(trial), photos)
    seen: list[Images] = []

    def hide(given: Images, sigma: float) -> Images:
        seen.append(given)
        return np.full_like(given, 0.25) + about(blur_and_round(given, 30.0))

    def shown() -> list[Images]:
        trial.shown.clear()
        rows = stage.sharpening_rows(trial, "softmax", [3, 6])
        assert [(row["blur"], row["method"]) for row in rows] == [
            (blur, method)
            for blur in (3, 6)
            for method in (
                "blurred photo alone", "deblurred photo alone", "model alone", "both"
            )
        ]  # fmt: skip
        assert {row["threat_model"] for row in rows if row["method"] == "both"} == {
            "the model, and a blurred photo of the person"
        }
        return list(trial.shown)

    monkeypatch.setattr(stage, "blur_and_round", hide)
    first = shown()
    np.testing.assert_array_equal(seen[0], photos)
    # What is hidden by the blur changes nothing of what is judged.
    hidden = hide(photos, 3)
    monkeypatch.setattr(stage, "blur_and_round", lambda given, sigma: hidden)
    trial.faces.images = 255 - trial.faces.images
    for one, other in zip(first, shown(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_table_puts_seeds_together() -> None:
    row = {
        "model": "softmax", "blur": 8, "method": "both", "threat_model": "has", "people": 40,
    }  # fmt: skip
    seeds = [
        row | {"seed": 5, "recovered": 10, "top1": 0.25, "top5": 0.5},
        row | {"seed": 6, "recovered": 30, "top1": 0.75, "top5": 1.0},
    ]
    last = sharpening_table(seeds).splitlines()[-1]
    for text in ("| 8 ", "| both ", "40 of 80: 50% (39–61)", "50 / 75"):
        assert text in last, last


def test_what_is_sharpened_is_no_part_of_a_run(project: Path, write_params: Any) -> None:
    changed = load_params(write_params({"sharpening.blurs": [5.0]}))
    assert params_digest(changed) == params_digest(load_params(project / "params.yaml"))
