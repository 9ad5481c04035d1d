"""The page in a real browser: what a reader sees, clicks and types."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from miface.faces.archive import Faces
from miface.report.experiments import Experiment
from miface.report.page import render

if os.environ.get("MIFACE_REQUIRE_BROWSER") != "1":
    pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install .[browser])")
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

NASTY = "<img src=x onerror=alert(1)>"
METHODS, MODELS = ("mi_face", "refined"), ("softmax", "cnn")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
    if found is None:
        if os.environ.get("MIFACE_REQUIRE_BROWSER") == "1":
            pytest.fail("needs chromium")
        pytest.skip("needs chromium, which is not installed")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=found, args=quiet)
        yield chromium
        chromium.close()


def page_of(names: list[str]) -> str:
    """A page of people whose similarity falls and whose cost rises with their number.

    Those of even numbers are recovered, from the CNN nobody; snapshots after 1, 2 and 4 steps.
    """
    count, rng = len(names), np.random.default_rng(0)
    faces = Faces(
        rng.integers(0, 256, (count, 112, 92), np.uint8), np.arange(count),
        np.zeros(count, np.int64), np.array(names),
    )  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {
        "x": rng.normal(size=(count, 112, 92)).astype(np.float32),
        "label": np.arange(count),
        "cost_history": np.linspace(1, 0.1, 5, dtype=np.float32)[None].repeat(count, 0),
        "snapshots": rng.integers(0, 256, (count, 3, 112, 92), np.uint8),
        "snapshot_iterations": np.array([1, 2, 4]),
    }
    pairs = [(method, model) for method in METHODS for model in MODELS]
    rows = [
        {"method": method, "model": model, "person": who, "cost": i / count, "iterations": 4,
         "queries": 0, "stopped": "alpha", "mse": 0.1, "nrmse": 0.2, "ssim": 0.3,
         "aligned_nrmse": 0.4, "aligned_ssim": i / count, "pixels_top1": i % 2 == 0,
         "outside_top1": i % 2 == 0, "swapped_top1": False,
         "recovered": i % 2 == 0 and model == "softmax"}
        for method, model in pairs
        for i, who in enumerate(names)
    ]  # fmt: skip
    answers = {"top1": 0.5, "top5": 0.5, "lineup": 0.5, "lineup_absent": 0.5}
    sure = {"verified": 0.5, "false_match": 0.0, "face_found": 1.0}
    measures = {
        "people": count, "recovered": count // 2, "photo_rank": 1.0, "mse": 0.1, "mse_255": 1.0,
        "nrmse": 0.1, "ssim": 0.1, "aligned_nrmse": 0.1, "aligned_ssim": 0.5,
        "threat_model": "nothing but the model", "access": "holds the weights", "iterations": 4.0,
        "queries": 0.0, "cost": 0.1, "attack_cost": 0.1, "stopped": {"alpha": count},
        "identified": {"pixels": answers, "outside": answers | sure},
        "interval": {"low": 0.4, "high": 0.6}, "swapped": 0.0,
    }  # fmt: skip
    metrics: dict[str, Any] = {
        "data": {"kind": "folder", "name": NASTY, "photos": count, "people": count, "height": 112,
                 "width": 92, "digest": "0", "credit": NASTY, "seed": 0},
        "countermeasures": {"training": "none", "answers": "none"},
        "chance": {"top1": 1 / count, "top5": 0.1, "lineup": 0.2, "lineup_absent": 0.2},
        "judges": {"pixels": 0.9, "outside": 0.99},
        "variant": "ordinary", "controls_above_chance": [], "permuted": {},
        "baselines": {"own_mean": measures},
    }  # fmt: skip
    metrics |= {model: {"accuracy": {"train": 1.0, "test": 0.9}} for model in MODELS}
    metrics |= {method: dict.fromkeys(MODELS, measures) for method in METHODS}
    inversions, seconds = dict.fromkeys(pairs, arrays), dict.fromkeys(pairs, 1.0)
    run = Experiment("", f"key: {NASTY}\n", metrics, pd.DataFrame(rows), inversions, seconds, {})
    return render([run], faces, np.arange(count))


@pytest.fixture(scope="module", params=[40, 400])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = [f"s{i + 1}" for i in range(request.param)]
    names[1] = NASTY
    file = tmp_path_factory.mktemp("page") / "index.html"
    file.write_text(page_of(names), encoding="utf-8")
    return file


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    """The page opened from disk; at its end nothing was logged, asked of the network or alerted."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def alerted(dialog: Dialog) -> None:
        wrong.append(dialog.message)
        dialog.dismiss()

    def asked(url: str) -> None:
        if not url.startswith(("data:", file.as_uri())):
            wrong.append(url)

    page.on("dialog", alerted)
    page.on("request", lambda request: asked(request.url))
    page.goto(file.as_uri())
    yield page
    context.close()
    assert wrong == []


def shown(page: Page) -> list[str]:
    return page.locator(".person:visible h3").all_text_contents()


def test_everybody_is_shown_at_first(page: Page) -> None:
    names = shown(page)
    assert names[:3] == ["s1", NASTY, "s3"]
    assert page.locator(".status").inner_text() == f"{len(names)} of {len(names)} people shown"
    assert page.locator("img").count() == 0


def test_filters_by_model_method_and_outcome(page: Page) -> None:
    everybody = len(shown(page))
    page.get_by_label("Model").select_option("softmax")
    assert page.locator("figure[data-attack]:visible").count() == 2 * everybody
    page.get_by_label("Method").select_option(label="refined")
    assert page.locator("figure[data-attack]:visible").count() == everybody
    page.get_by_label("Outcome").select_option("yes")
    assert shown(page)[:2] == ["s1", "s3"]
    assert len(shown(page)) == everybody // 2
    page.get_by_label("Outcome").select_option("no")
    assert shown(page)[:2] == [NASTY, "s4"]
    page.get_by_label("Model").select_option("cnn")
    assert len(shown(page)) == everybody
    page.get_by_label("Outcome").select_option("yes")
    assert shown(page) == []
    assert page.locator(".status").inner_text().startswith("0 of ")


def test_sorts_by_similarity_cost_and_name(page: Page) -> None:
    names = shown(page)
    page.get_by_label("Sort by").select_option("similarity")
    assert shown(page) == names[::-1]
    page.get_by_label("Sort by").select_option("cost")
    assert shown(page) == names
    page.get_by_label("Sort by").select_option("similarity")
    page.get_by_label("Sort by").select_option("name")
    assert shown(page) == names


def test_the_slider_shows_the_face_emerging(page: Page) -> None:
    tile = page.locator("figure[data-attack] .tile").first
    picture = "e => [getComputedStyle(e).backgroundImage.length, e.style.backgroundPosition].join()"
    end = tile.evaluate(picture)
    slider = page.locator("#when")
    slider.fill("0")
    first = tile.evaluate(picture)
    slider.fill("50")
    assert len({end, first, tile.evaluate(picture)}) == 3
    slider.fill("100")
    assert tile.evaluate(picture) == end


def test_it_plays_to_the_end_by_itself(page: Page) -> None:
    button = page.locator(".controls [data-play]")
    button.click()
    assert button.inner_text() == "Pause"
    assert float(page.locator("#when").input_value()) < 100
    expect(page.locator("#when")).to_have_value("100", timeout=30_000)
    expect(button).to_have_text("Play")


def test_a_person_s_page_by_the_keyboard_alone(page: Page) -> None:
    page.locator(".person h3 a").nth(0).focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    expect(dialog.locator("h2")).to_have_text("s1")
    assert dialog.locator("section").count() == 1 + 4
    assert dialog.locator("svg.curve").count() == 4
    assert "after 4 steps" in dialog.inner_text()
    page.keyboard.press("ArrowRight")
    expect(dialog.locator("h2")).to_have_text(NASTY)
    page.keyboard.press("ArrowLeft")
    expect(dialog.locator("h2")).to_have_text("s1")
    dialog.get_by_label("Steps of the attack").fill("0")
    assert "after 1 step" in dialog.inner_text()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page).not_to_have_url(re.compile("#"))  # once the page knows that it is closed
    assert page.evaluate("document.activeElement.textContent") == "s1"
    page.go_back()
    expect(dialog.locator("h2")).to_have_text("s1")


@pytest.mark.parametrize("width", [360, 768])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_narrow_screens_in_light_and_dark(page: Page, width: int, scheme: Any) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".person h3 a").nth(1).click()
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= width
    # WCAG 2 AA: text and paper at 4.5 to 1 or more.
    contrast = """selector => {
      const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
      const luminance = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(Number);
        return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
      };
      let behind = document.querySelector(selector);
      const ink = luminance(getComputedStyle(behind).color);
      while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)")
        behind = behind.parentElement;
      const paper = luminance(getComputedStyle(behind).backgroundColor);
      return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    }"""
    texts = ("h1", ".small", "figcaption", ".person a", ".recovered figcaption", "dt", "th")
    for selector in texts:
        assert page.evaluate(contrast, selector) >= 4.5, selector


def test_prints_everything_but_the_controls(page: Page) -> None:
    page.emulate_media(media="print")
    assert not page.locator(".controls").is_visible()
    assert page.locator(".person").first.is_visible()
    tile = page.locator(".tile").first
    assert tile.evaluate("e => getComputedStyle(e).printColorAdjust") == "exact"
