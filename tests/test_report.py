"""The page takes names as data and asks for nothing, and runs are read as they were kept."""

import io
import json
import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up import (
    FACES,
    NAMES,
    NASTY,
    PAIRS,
    TRAIN,
    experiment,
    metrics,
)
from numpy.typing import NDArray

from miface.errors import MifaceError
from miface.faces.archive import Faces
from miface.report.experiments import Read, check_same_people, load_experiment
from miface.report.given import lined_up
from miface.report.page import render


class Reader(HTMLParser):
    """Collects elements, with their attributes, and the text of each kind."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self.text.setdefault(self._open[-1], []).append(data)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass


PAGE = render([experiment()], FACES, TRAIN, {"cnn": "<svg><text>curve</text></svg>"})


def test_the_page_begins_with_the_answer_for_each_model() -> None:
    answer = PAGE[: PAGE.index('id="gallery"')]
    counts = re.findall(r'figure">(\d+)<span> of (\d+)', answer)
    # softmax: prior knows no more than mi_face in these numbers; cnn: it does.
    assert counts == [("7", "28"), ("7", "28"), ("7", "4")]
    assert "softmax regression" in answer
    assert "400 photos of 40 people, 112 × 92" in answer
    assert "faces.zip" in answer


def test_a_control_above_chance_is_told_loudly() -> None:
    said = "The measure is broken."
    assert said not in PAGE
    run = experiment()
    run.metrics["controls_above_chance"] = ["blank", "prior on cnn under others' names"]
    page = render([run], FACES, TRAIN)
    told = page[page.index(said) :][:400]
    assert "blank; prior on cnn under others" in told
    assert page.index(said) < page.index('id="gallery"')


def test_rendered_people_are_said_to_be_loudly_and_first() -> None:
    said = "These people are drawn by miface; no real photos were used."
    rendered = render([experiment("rendered")], FACES, TRAIN)
    assert rendered.index(said) < rendered.index("<h1>")
    assert said not in PAGE


def test_every_person_and_attack_is_in_the_gallery_with_words_for_the_blind() -> None:
    reader = Reader(PAGE)
    cards = [a for tag, a in reader.elements if tag == "article"]
    assert len(cards) == len(NAMES)
    tiles = [a for tag, a in reader.elements if tag == "span" and a.get("role") == "img"]
    assert len(tiles) == len(NAMES) * (1 + 4)
    assert all(tile["aria-label"] for tile in tiles)
    assert any(tile["aria-label"].startswith(f"{NASTY}: what") for tile in tiles)  # type: ignore[union-attr]
    labelled = [a for tag, a in reader.elements if tag in ("select", "input")]
    assert labelled  # each within a label, or named by one
    for field in (a for tag, a in reader.elements if tag == "input"):
        assert any(a.get("for") == field["id"] for tag, a in reader.elements if tag == "label")


def test_names_are_data() -> None:
    reader = Reader(PAGE)
    assert not [a for tag, a in reader.elements if tag == "img"]
    assert [tag for tag, _ in reader.elements].count("script") == 2
    assert not any(name.startswith("on") for _, a in reader.elements for name in a)
    data = json.loads(reader.text["script"][0])
    assert data["names"] == NAMES
    assert NASTY in reader.text["a"]


def test_the_page_asks_for_nothing() -> None:
    for tag, attributes in Reader(PAGE).elements:
        for name in ("src", "href", "action", "srcset", "poster"):
            target = attributes.get(name) or ""
            if not tag.startswith(("use", "svg")):
                assert target == "" or target.startswith(("#", "data:")), (tag, target)
    assert not re.findall(r"url\((?!data:)", PAGE)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', PAGE)
    assert policy
    assert "default-src 'none'" in policy[1]


def test_what_lies_behind_the_numbers_is_told() -> None:
    behind = PAGE[PAGE.index('id="behind"') :]
    for fact in ("2e48", "whose they are", "alpha: 5", "torch 2", "python 3", "make run"):
        assert fact in behind, fact


@pytest.mark.parametrize(
    ("training", "answers"),
    [("label_smoothing 0.1", "none"), ("none", "rounding 0.01"), ("<b> 1", "rounding 0.05")],
)
def test_countermeasures_are_named_where_there_are_any(training: str, answers: str) -> None:
    guarded = replace(experiment(), metrics=metrics(training=training, answers=answers))
    page = render([guarded], FACES, TRAIN)
    told = f"Countermeasures in the training: {escape(training)}; on the answers: {answers}."
    assert told in page[page.index('id="behind"') :]
    assert "ountermeasures in the training" not in PAGE


def test_what_became_of_the_photos_is_told() -> None:
    behind = PAGE[PAGE.index('id="behind"') :]
    assert "Sources that were not used: 1" in behind
    assert "gone.zip: no such file or folder" in behind
    assert "&lt;b&gt;notes.txt: no image" in behind
    assert "s1: two folders" in behind
    assert "colours became grey: 3 photos" in behind
    assert "Photos that were altered" not in behind


@pytest.mark.parametrize("people", [len(NAMES), 5])
def test_faces_that_were_lined_up_are_shown_before_and_after(people: int) -> None:
    assert 'id="aligned"' not in PAGE
    some = FACES.person < people
    before = np.random.default_rng(2).integers(0, 256, (people, 8, 6), np.uint8)
    arrays = (FACES.images[some], FACES.person[some], FACES.photo[some], FACES.names[:people])
    shown = lined_up(Faces(*arrays, before))
    assert shown is not None
    assert 4 < len(shown.names) == len(set(shown.names)) <= 8
    for name, given, aligned in zip(shown.names, shown.before, shown.after, strict=True):
        who = NAMES.index(name)
        np.testing.assert_array_equal(given, before[who])
        np.testing.assert_array_equal(aligned, FACES.images[3 * who])
    page = render([experiment()], replace(FACES, before=np.stack([before[0]] * len(NAMES))), TRAIN)
    section = page[page.index('id="aligned"') : page.index('id="behind"')]
    told = [a["aria-label"] or "" for tag, a in Reader(section).elements if tag == "span"]
    assert "a|b: the photo as it was given" in told
    assert len(told) == 2 * section.count("<figure>") <= 16
    for sheet in ("before", "after"):
        assert f".s-{sheet}{{background-image:url(data:image/webp" in page


def test_an_archive_that_was_there_and_not_used_is_told_at_the_head() -> None:
    assert "NOT used" not in PAGE  # gone.zip was not there
    passed = [
        {"name": "<b>.zip", "reason": "its pixels are others"},
        {"name": "https://example.org/faces.zip", "reason": "answered 404"},
    ]
    run = replace(experiment(), source={"passed_over": passed})
    page = render([run], FACES, TRAIN)
    head = page[page.index("<header>") : page.index("</header>")]
    assert "&lt;b&gt;.zip was NOT used: its pixels are others." in head
    assert "404" not in head


def test_what_became_of_the_attackers_photos_is_told() -> None:
    assert "Photos of other people" not in PAGE
    left_out = [{"name": "<b>list.txt", "reason": "no picture"}]
    prior = {"name": "my/<i>others", "photos": 3, "files": 4, "left_out": left_out}
    page = render([replace(experiment(), prior=prior)], FACES, TRAIN)
    told = page[page.index("Photos of other people, for the method <em>prior</em>") :]
    assert "3 of 4 files in <code>my/&lt;i&gt;others</code>" in told
    assert "Files that were left out: 1" in told
    assert "&lt;b&gt;list.txt: no picture" in told
    assert "and those of other people at <code>my/&lt;i&gt;others</code>" in told


def test_runs_side_by_side_name_the_countermeasures_of_each() -> None:
    before, after = experiment(name="before"), experiment(name="after")
    guarded = replace(after, metrics=metrics(answers="rounding 0.01"))
    older = replace(before, metrics={k: v for k, v in metrics().items() if k != "countermeasures"})
    for first in (before, older):
        page = render([first, guarded], FACES, TRAIN)
        behind = page[page.index('id="behind"') :]
        assert "after: countermeasures in the training: none; on the answers: rounding" in behind
        assert "before: countermeasures" not in behind


def test_curves_and_facts_of_every_person_are_kept_for_their_page() -> None:
    data = json.loads(Reader(PAGE).text["script"][0])
    (one,) = [a for a in data["attacks"] if a["title"] == "prior, convolutional network"]
    assert one["at"] == [1, 3, 5]
    facts = one["people"][2]
    assert facts["curve"][0] == [0, 1.0]
    assert facts["curve"][-1] == [5, 0.1]
    assert facts["first"] == ["pixels"]
    assert one["people"][0]["first"] == ["pixels", "outside"]  # another's name is no judge
    assert facts["recovered"] is True
    assert one["people"][1]["recovered"] is False


def test_a_page_of_many_people_stays_under_eight_megabytes() -> None:
    many = 300
    rng = np.random.default_rng(0)
    faces = Faces(
        rng.integers(0, 256, (many, 112, 92), np.uint8), np.arange(many),
        np.zeros(many, np.int64), np.array([f"s{i}" for i in range(many)]),
    )  # fmt: skip
    small = experiment()
    arrays: dict[str, NDArray[Any]] = {
        "x": rng.normal(size=(many, 112, 92)).astype(np.float32), "label": np.arange(many),
        "cost_history": np.ones((many, 9), np.float32),
        "snapshots": rng.integers(0, 256, (many, 4, 112, 92), np.uint8),
        "snapshot_iterations": np.array([1, 2, 4, 8]),
    }  # fmt: skip
    row = small.people.iloc[:1]
    people = pd.concat(
        [row.assign(method=a, model=b, person=f"s{i}") for a, b in small.inversions
         for i in range(many)]
    )  # fmt: skip
    inversions = dict.fromkeys(small.inversions, arrays)
    whole = replace(small, people=people, inversions=inversions)
    # Noise is the worst there is to compress.
    assert len(render([whole], faces, np.arange(many)).encode()) < 8_000_000


def test_runs_side_by_side_show_what_differs() -> None:
    page = render([experiment(name="before"), experiment(name="after", alpha=9)], FACES, TRAIN)
    text = Reader(page).text
    assert "attack.alpha" in text["th"]
    assert "attack.gamma" not in text["th"]
    assert {"5", "9"} <= set(text["td"])
    assert page.count("<figure data-attack") == 2 * len(NAMES) * 4
    assert any("MI-FACE as published · after" in title for title in text["p"])


def test_runs_on_other_people_are_not_compared() -> None:
    others = Faces(FACES.images, FACES.person, FACES.photo, np.array([*NAMES[:-1], "else"]))
    inverted = Faces(255 - FACES.images, FACES.person, FACES.photo, FACES.names)
    check_same_people(["a", "b"], [FACES, FACES])
    for other in (others, inverted):
        with pytest.raises(MifaceError, match=r"^b: found other photos"):
            check_same_people(["a", "b"], [FACES, other])


def test_a_missing_file_of_a_run_is_named() -> None:
    def read(path: str) -> bytes:
        raise FileNotFoundError(2, "no", path)

    with pytest.raises(MifaceError, match=r"^old: reports/metrics\.json is missing; make it"):
        load_experiment("old", read)


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_few_people_with_few_moments_or_none(kept: int) -> None:
    run = experiment()
    for arrays in run.inversions.values():
        arrays["snapshots"] = arrays["snapshots"][:, :kept]
        arrays["snapshot_iterations"] = arrays["snapshot_iterations"][:kept]
    assert "softmax regression" in render([run], FACES, TRAIN)


def test_costs_that_are_no_numbers_are_left_out_of_curves() -> None:
    run = experiment()
    for arrays in run.inversions.values():
        arrays["cost_history"] = np.array(
            [[1, 0.5, np.inf, np.nan, np.nan, np.nan]] * len(NAMES), np.float32
        )
        arrays["cost_history"][1] = np.nan
    data = json.loads(Reader(render([run], FACES, TRAIN)).text["script"][0])
    curves = [person["curve"] for person in data["attacks"][0]["people"]]
    assert curves[0] == [[0, 1.0], [1, 0.5]]
    assert curves[1] == []


def stored(people: pd.DataFrame, timing: bytes | None = None) -> Read:
    """The files of a run with this table of people, and this timing of each attack if any."""
    buffer = io.BytesIO()
    np.savez(buffer, snapshots=np.zeros(0))
    files = {
        "reports/metrics.json": b"{}", "params.yaml": b"seed: 0", "data/source.json": b"{}",
        "data/prior.json": b'{"files": 3}',
        "reports/per_label.csv": people.to_csv(index=False).encode(),
    }  # fmt: skip

    def read(path: str) -> bytes:
        if path.startswith("reports/timing/") and timing is None:
            raise FileNotFoundError(2, "no", path)
        return files.get(path) or (timing if path.endswith(".json") else None) or buffer.getvalue()

    return read


def test_a_run_keeps_names_as_text_and_numbers_as_numbers() -> None:
    run = experiment()
    table = run.people.assign(person="007", cost=[np.nan, *run.people["cost"][1:]])
    loaded = load_experiment("", stored(table))
    assert loaded.people["person"].unique().tolist() == ["007"]
    assert np.isnan(loaded.people["cost"][0])
    assert loaded.people["cost"][1] == pytest.approx(0.1)
    assert loaded.prior == {"files": 3}
    with pytest.raises(MifaceError, match=r"^old: its results were made by an older miface"):
        load_experiment("old", stored(table.drop(columns="outside_top1")))


@pytest.mark.parametrize(
    ("timing", "seconds"),
    [(b'{"seconds": 6.0, "labels": 3}', 2.0), (b'{"labels": 0}', None), (None, None)],
)
def test_seconds_a_person_come_from_what_was_timed(
    timing: bytes | None, seconds: float | None
) -> None:
    loaded = load_experiment("", stored(experiment().people, timing))
    assert loaded.seconds == ({} if seconds is None else dict.fromkeys(PAIRS, seconds))
