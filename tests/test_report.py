"""The report: it says what it was measured on, shows the numbers given, and takes names as data."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from numpy.typing import NDArray

from miface.faces.archive import Faces
from miface.report.figures import stretch
from miface.report.markdown import markdown
from miface.report.people import extremes_figure, gallery_figure, nearest_photo

METHODS, MODELS = ("mi_face", "prior"), ("softmax", "cnn")


def likeness(**others: Any) -> dict[str, Any]:
    answers = {"top1": 0.25, "top5": 0.75, "lineup": 0.51, "lineup_absent": 0.62}
    return {
        "people": 28, "photo_rank": 3.21, "mse": 0.0123, "mse_255": 801.4, "nrmse": 0.456,
        "ssim": -0.0789, "aligned_nrmse": 0.234, "aligned_ssim": 0.5678,
        "identified": {"pixels": answers},
    } | others  # fmt: skip


def attack(**others: Any) -> dict[str, Any]:
    return likeness(
        threat_model="nothing but the model", seconds_per_label=1.23, iterations=432.1,
        cost=0.0991, attack_cost=0.0882, stopped={"alpha": 5, "beta": 0, "gamma": 23},
    ) | others  # fmt: skip


def metrics(kind: str = "archive") -> dict[str, Any]:
    return {
        "data": {"kind": kind, "name": "faces.zip", "photos": 400, "people": 40, "height": 112,
                 "width": 92, "digest": "2e48", "credit": "whose they are", "seed": 0},
        "chance": {"top1": 0.025, "top5": 0.125, "lineup": 1 / 6, "lineup_absent": 1 / 6},
        "recognisers": {"pixels": 0.93},
        "baselines": {"noise": likeness(aligned_ssim=0.011),
                      "held_out_photo": likeness() | {"identified": {}}},
        "softmax": {"accuracy": {"train": 1.0, "test": 0.958}},
        "cnn": {"accuracy": {"train": 0.991, "test": 0.942}},
        "mi_face": {"softmax": attack(), "cnn": attack(cost=0.987)},
        "prior": {"softmax": attack(), "cnn": attack(threat_model="and photos", people=4)},
    }  # fmt: skip


def report(kind: str = "archive") -> str:
    return markdown(metrics(kind), METHODS, MODELS, [("A heading", "figures/a.png", "a face")])


def cells(*first: str) -> list[list[str]]:
    """The rows of all tables that begin with these cells."""
    rows = [line.strip("|").split("|") for line in report().splitlines() if line.startswith("|")]
    stripped = [[cell.strip() for cell in row] for row in rows]
    return [row for row in stripped if tuple(row[: len(first)]) == first]


def test_rendered_people_are_said_to_be_loudly_and_first() -> None:
    said = "**These people are drawn by miface; no real photos were used.**"
    assert said in report("rendered").split("\n## ")[0]
    assert "drawn" not in report()


@pytest.mark.parametrize("kind", ["archive", "rendered"])
def test_the_source_of_the_photos_is_named(kind: str) -> None:
    head = report(kind).split("\n## ")[0]
    assert all(fact in head for fact in ("400 photos", "40 people", "112 × 92", "`faces.zip`"))
    assert all(fact in head for fact in ("`2e48`", "whose they are"))


def test_the_table_of_accuracy() -> None:
    assert cells("softmax") == [["softmax", "100.0%", "95.8%"]]
    assert cells("cnn") == [["cnn", "99.1%", "94.2%"]]


def test_the_table_of_attacks() -> None:
    identified, measured = cells("MI-FACE as published", "cnn")
    assert measured[2:-1] == [
        "1.23", "432", "5 alpha, 23 gamma", "0.987", "0.088", "0.012 (801)", "0.46", "-0.079",
        "0.23", "0.568",
    ]  # fmt: skip
    assert "early stop" in measured[-1]  # what the 2020 report found, beside its own attack alone
    assert cells("prior", "cnn")[1][-1] == ""
    seen = ["28", "7", "21", "51%, 62%", "0.568", "3.2"]
    assert identified[2:] == ["nothing but the model", *seen]


def test_the_table_of_those_recognised() -> None:
    assert cells("prior", "cnn")[0][2:] == ["and photos", "4", "1", "3", "51%, 62%", "0.568", "3.2"]
    assert cells("noise") == [["noise", "", "", "28", "7", "21", "51%, 62%", "0.011", "3.2"]]
    (held_out,) = cells("a held-out photo of the person")
    assert held_out[3:] == ["28", "", "", "", "0.568", "3.2"]  # nobody was asked
    assert "pixels (93% of photos right): first" in report()
    assert "Guessing gets 2.5%, 12.5% and 17%" in report()


def test_every_row_has_a_cell_for_each_heading() -> None:
    for table in report().split("\n\n"):
        if table.startswith("|"):
            assert len({line.count("|") for line in table.splitlines()}) == 1


def test_figures_are_shown_under_their_heading() -> None:
    assert "## A heading\n\n![a face](figures/a.png)\n" in report()


# Figures.
RNG = np.random.default_rng(0)
NAMES = ["a|b", "<img src=x onerror=alert(1)>", "$x_{$", r"\frac", "_s1", "Zoë", "", "a\nb", "50%"]
FACES = Faces(
    RNG.integers(0, 256, (3 * len(NAMES), 8, 6), np.uint8),
    np.repeat(np.arange(len(NAMES)), 3),
    np.tile(np.arange(3), len(NAMES)),
    np.array(NAMES),
)
TRAIN = np.flatnonzero(FACES.photo != 1)  # photo 1 is held out


@given(gain=st.floats(0.01, 100), offset=st.floats(-10, 10))
def test_stretching_undoes_brightness_and_contrast(gain: float, offset: float) -> None:
    x = np.random.default_rng(0).normal(size=(9, 7))
    stretched = stretch(x)
    assert (stretched.min(), stretched.max()) == (0, 1)
    np.testing.assert_allclose(stretch(gain * x + offset), stretched, atol=1e-9)


def test_a_blank_image_is_stretched_to_a_blank_image() -> None:
    np.testing.assert_array_equal(stretch(np.full((9, 7), 0.3)), 0)


@pytest.mark.parametrize(("gain", "offset"), [(1, 0), (0.01, 3), (40, -7)])
@pytest.mark.parametrize("photo", [0, 2])
def test_the_nearest_photo_is_the_person_s_own(photo: int, gain: float, offset: float) -> None:
    picture = FACES.images[3 * 4 + photo] / 255
    blurred = picture + RNG.normal(0, 0.05, picture.shape)
    found = nearest_photo(gain * blurred + offset, 4, FACES, TRAIN)
    np.testing.assert_array_equal(found, picture)


def test_the_nearest_photo_is_never_held_out_nor_another_person_s() -> None:
    held_out, others = FACES.images[3 * 4 + 1] / 255, FACES.images[0] / 255
    own = FACES.images[[3 * 4, 3 * 4 + 2]] / 255
    for x in (held_out, others):
        found = nearest_photo(x, 4, FACES, TRAIN)
        assert any(np.array_equal(found, photo) for photo in own)


def test_a_dim_photo_may_be_the_nearest() -> None:
    pattern, half_like = np.array([[1, -1], [0, 0]]), np.array([[1, 0], [-1, 0]])
    photos = np.array([128 + 20 * pattern, 128 + 100 * half_like], np.uint8)
    faces = Faces(photos, np.array([0, 0]), np.array([0, 1]), np.array(["s1"]))
    found = nearest_photo(pattern, 0, faces, np.array([0, 1]))
    np.testing.assert_array_equal(found, photos[0] / 255)


def drawn(draw: Any, label: NDArray[np.int64], ssim: list[float]) -> Figure:
    x = RNG.normal(size=(len(label), 8, 6)).astype(np.float32)
    rows = pd.DataFrame({"ssim": ssim, "nrmse": 1.0, "aligned_ssim": ssim, "aligned_nrmse": 0.5})
    figure: Figure = draw(x, label, rows, FACES, TRAIN, "$title_{$")
    figure.savefig(io.BytesIO(), dpi=30)  # that is where text is laid out
    return figure


@pytest.mark.parametrize("count", [1, 5, len(NAMES)])
def test_everybody_is_named_in_the_gallery(count: int) -> None:
    figure = drawn(gallery_figure, np.arange(count), [0.5] * count)
    assert [text.get_text() for text in figure.axes[0].texts] == NAMES[:count]


@pytest.mark.parametrize(
    ("label", "shown"),
    [([0], [0]), ([4, 2, 3], [4, 2, 3]), (list(range(9)), [0, 1, 2, 3, 5, 6, 7, 8])],
)
def test_the_best_and_the_worst_are_shown_by_name(label: list[int], shown: list[int]) -> None:
    ssim = [0.9 - 0.1 * place for place in range(len(label))]
    figure = drawn(extremes_figure, np.array(label), ssim)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[: len(shown)] == [NAMES[who] for who in shown]
    assert titles[len(shown)].startswith("SSIM 0.90, NRMSE 1.00\n(aligned 0.90, 0.50)")
