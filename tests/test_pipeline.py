"""The pipeline as a user drives it: real DVC, in a temporary clone, on small drawn faces."""

import json
import re
import shutil
import sys
from typing import Any

import numpy as np
import pytest
import torch
from clones import METHODS, MODELS, Clone
from PIL import Image

from miface.attack.knowledge import THREAT_MODELS
from miface.attack.methods import METHODS as METHODS_OF
from miface.evaluation.baselines import NOBODY
from miface.evaluation.intervals import wilson
from miface.evaluation.judges import JUDGES
from miface.evaluation.outside import embed
from miface.files import read_arrays
from miface.recognisers.store import load


def test_a_run_leaves_what_the_design_promises(clone: Clone) -> None:
    faces = read_arrays(clone.folder / "data/faces.npz")
    assert faces["images"].shape == (30, 32, 28)
    assert faces["images"].dtype == np.uint8
    split = read_arrays(clone.folder / "data/split.npz")
    assert sorted([*split["train"], *split["test"]]) == list(range(30))
    source = json.loads((clone.folder / "data/source.json").read_text())
    assert source["kind"] == "archive"
    metrics = clone.metrics()
    for model in MODELS:
        arrays = read_arrays(clone.folder / f"reports/inversions/mi_face-{model}.npz")
        assert arrays["x"].shape == (6, 32, 28)
        assert arrays["x"].dtype == np.float32
        assert set(arrays["stopped"]) <= {"alpha", "beta", "gamma"}
        curve = clone.folder / f"reports/training/{model}/plots/metrics/test/accuracy.tsv"
        last = curve.read_text().splitlines()[-1].split("\t")[-1]
        accuracy = metrics[model]["accuracy"]["test"]
        assert accuracy == pytest.approx(float(last), abs=1e-6)
        assert metrics["mi_face"][model]["people"] == 6
        assert (clone.folder / f"reports/figures/gallery-mi_face-{model}.png").exists()


def test_the_judge_from_outside_sees_every_photo(clone: Clone) -> None:
    embedded = read_arrays(clone.folder / "data/embedded.npz")
    images = read_arrays(clone.folder / "data/faces.npz")["images"]
    assert embedded["points"].shape == (30, 128)
    assert embedded["found"].shape == (30,)
    again = embed(images[::7] / 255.0)
    np.testing.assert_allclose(embedded["points"][::7], again.points, atol=1e-5)
    metrics: dict[str, Any] = clone.metrics()
    assert 0 <= metrics["judges"]["outside"] <= 1


def test_the_control_is_attacked_by_every_method(clone: Clone) -> None:
    arrays = read_arrays(clone.folder / "reports/controls/softmax.npz")
    assert set(arrays) == {f"{method}.{what}" for method in METHODS for what in ("x", "label")}
    for method in METHODS:
        attacked = read_arrays(clone.folder / f"reports/inversions/{method}-softmax.npz")
        assert arrays[f"{method}.x"].shape == attacked["x"].shape
        assert arrays[f"{method}.label"].tolist() == attacked["label"].tolist()
        assert not np.allclose(arrays[f"{method}.x"], attacked["x"])


def test_metrics_say_how_sure_they_are_and_what_controls_give(clone: Clone) -> None:
    metrics: dict[str, Any] = clone.metrics()
    assert metrics["variant"] == "ordinary"
    assert metrics["controls_above_chance"] == []
    assert set(metrics["permuted"]) == {"softmax"}
    assert set(metrics["permuted"]["softmax"]) == set(METHODS)
    summaries = [metrics[method][model] for method in METHODS for model in MODELS]
    summaries += [metrics["permuted"]["softmax"][method] for method in METHODS]
    summaries += [metrics["baselines"][name] for name in NOBODY]
    for summary in summaries:
        assert 0 <= summary["swapped"] <= 1
        assert "swapped" not in summary["identified"]
        low, high = wilson(summary["recovered"], summary["people"])
        assert summary["interval"] == {"low": low, "high": high}
    assert all(metrics["baselines"][name]["recovered"] == 0 for name in NOBODY)
    assert set(metrics["known_code"]["mlp"]["identified"]) == {"outside", *JUDGES}
    known = {method: metrics[method]["mlp"]["threat_model"] for method in METHODS}
    assert known == {name: THREAT_MODELS[METHODS_OF[name].knows] for name in METHODS}


def test_the_seed_of_the_initial_weights_is_found(clone: Clone) -> None:
    said = clone.dvc("repro", "--force", "--single-item", "invert@known_code-mlp")
    assert "1,000 seeds tried in" in said
    assert ": 0 it was, and its initial weights are taken off" in said


def test_the_saved_cost_is_that_of_the_saved_image(clone: Clone) -> None:
    for model in MODELS:
        arrays = read_arrays(clone.folder / f"reports/inversions/mi_face-{model}.npz")
        network = load(clone.folder / f"models/{model}.safetensors", torch.device("cpu"))
        with torch.no_grad():
            p = torch.softmax(network(torch.from_numpy(arrays["x"]).flatten(1)).double(), 1).numpy()
        np.testing.assert_allclose(arrays["cost"], 1 - p[np.arange(6), arrays["label"]], atol=1e-5)
        if model != "dae":  # there the attack sees the code, and the file holds its image
            lowest = np.nanmin(arrays["cost_history"], axis=1)
            np.testing.assert_allclose(arrays["cost"], lowest, atol=1e-5)


def test_a_second_repro_does_nothing(clone: Clone) -> None:
    assert clone.stages_run("repro") == set()
    assert clone.dvc("status", "dvc.yaml").split() == ["sources:", "always", "changed"]


INVERT = {f"invert@{method}-{model}" for method in METHODS for model in MODELS}


def test_gamma_reruns_the_attack_and_what_follows(clone: Clone) -> None:
    before = clone.metrics()["mi_face"]["softmax"]["cost"]
    ran = clone.stages_run("exp", "run", "-S", "attack.gamma=0.4")
    published = {stage for stage in INVERT if "mi_face" in stage}
    assert ran == published | {"plan", "control", "evaluate", "report"}
    assert clone.metrics()["mi_face"]["softmax"]["cost"] > before
    targets = ("--targets", "reports/metrics.json")
    changed = json.loads(clone.dvc("metrics", "diff", "--json", *targets))["reports/metrics.json"]
    assert changed["mi_face.softmax.cost"]["diff"] > 0
    changed = json.loads(clone.dvc("params", "diff", "--json"))["params.yaml"]
    assert changed["attack.gamma"]["new"] == 0.4


def test_a_learning_rate_retrains_its_model_alone(clone: Clone) -> None:
    ran = clone.stages_run("exp", "run", "-S", "mlp.learning_rate=0.05")
    assert ran == {"train_mlp", "evaluate", "report"} | {
        f"invert@{method}-mlp" for method in METHODS
    }


def test_a_variant_retrains_and_changes_nothing_else(clone: Clone) -> None:
    # Short, and otherwise as the clone has it, which overrides no variant.
    changes = ["variant=leaking", "variants.leaking.mlp.max_epochs=2"]
    ran = clone.stages_run("exp", "run", *(part for c in changes for part in ("-S", c)))
    training = {f"train_{model}" for model in MODELS}
    assert ran == training | INVERT | {"control", "evaluate", "report"}
    metrics: dict[str, Any] = clone.metrics()
    assert metrics["variant"] == "leaking"
    network = load(clone.folder / "models/cnn.safetensors", torch.device("cpu"))
    assert network.settings.model_dump()["initial_filters"] == "signed_dirac"


def test_the_same_run_gives_the_same_bytes(clone: Clone) -> None:
    names = ["data/faces.npz", "data/split.npz", "data/embedded.npz", "reports/per_label.csv"]
    names += ["reports/controls/softmax.npz", "reports/metrics.json"]
    names += [f"models/{m}.safetensors" for m in MODELS]
    names += [f"reports/inversions/mi_face-{m}.npz" for m in MODELS]
    before = {name: (clone.folder / name).read_bytes() for name in names}
    clone.dvc("repro", "--force", "--no-run-cache")
    for name in names:
        assert (clone.folder / name).read_bytes() == before[name], name


def test_some_people_and_some_models(clone: Clone) -> None:
    clone.dvc("exp", "run", "-S", "attack.labels=[s2,s5]", "-S", "attack.models=[mlp,softmax]")
    arrays = read_arrays(clone.folder / "reports/inversions/mi_face-mlp.npz")
    assert arrays["label"].tolist() == [1, 4]
    assert "cnn" not in clone.metrics()["mi_face"]


@pytest.mark.parametrize(
    ("change", "stage", "said"),
    [
        ("attack.beta=0", "plan", "attack.beta: found 0"),
        (
            "attack.models=cnn",
            "plan",
            "attack.models: found 'cnn', should be a list, such as [cnn]",
        ),
        ("attack.labels=[s2,nobody]", "plan", "attack.labels: found nobody"),
        ("split.train_per_person=5", "split", "split.train_per_person: found 5"),
        ("mlp.momentum=1.5", "train_mlp", "mlp.momentum: found 1.5"),
        ("variant=2020", "train_mlp", "variant: found "),
        ("data.sources=[nowhere.zip]", "fetch", "nowhere.zip: no such file"),
    ],
)
def test_a_mistake_is_one_line_and_former_results_come_back_uncomputed(
    clone: Clone, change: str, stage: str, said: str
) -> None:
    def snapshot() -> dict[str, bytes]:
        kept = ("data", "models", "reports")
        files = [f for top in kept for f in (clone.folder / top).rglob("*") if f.is_file()]
        return {str(f): f.read_bytes() for f in files}

    before = snapshot()
    clone.set_params([change])
    output = clone.dvc("repro", stage, fails=True)
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, output
    assert said in errors[0]
    assert f"{stage} wrote nothing" in output
    assert "Traceback" not in output
    clone.run("git", "checkout", "params.yaml")  # as the message says
    assert clone.stages_run("repro") <= {"fetch", "evaluate"}  # whose metrics Git keeps
    assert snapshot() == before


def test_runs_are_compared_side_by_side(clone: Clone) -> None:
    clone.dvc("exp", "run", "-q", "-n", "patient", "-S", "attack.alpha=90")
    said = clone.run(sys.executable, "stages/compare.py", "HEAD", "patient")
    page = (clone.folder / "reports/compare.html").read_text()
    assert str(clone.folder / "reports/compare.html") in said
    for fact in ("attack.alpha", "MI-FACE as published · patient", "MI-FACE as published · HEAD"):
        assert fact in page
    unknown = clone.run(sys.executable, "stages/compare.py", "HEAD", "nobody", fails=True)
    assert unknown.startswith("error: nobody: cannot be read as a revision")
    assert "Traceback" not in unknown


def test_plots_and_tables_of_experiments_can_be_shown(clone: Clone) -> None:
    clone.dvc("plots", "show", "--json")
    page = clone.folder / "dvc_plots/index.html"
    clone.dvc("plots", "show")
    text = page.read_text()
    for title in ("Recovered people", "Cost of the attacks", "Training loss", "Held-out accuracy"):
        assert title in text
    assert "gallery-refined-cnn.png" in text
    recovered = json.loads(clone.dvc("metrics", "show", "--json"))
    counts = recovered[""]["data"]["reports/recovered.json"]["data"]
    assert counts["refined"]["dae"] == clone.metrics()["refined"]["dae"]["recovered"]


def test_a_run_ends_with_a_table_of_who_was_recovered(clone: Clone) -> None:
    output = clone.dvc("repro", "--force", "--single-item", "report")
    (line,) = [line for line in output.splitlines() if line.startswith("dae ")]
    metrics = clone.metrics()
    assert f"{metrics['refined']['dae']['recovered']} of 6" in line
    assert "%|" not in output  # no progress bar where nobody looks


def test_an_archive_that_is_not_used_is_told_where_a_run_ends_and_on_the_page(clone: Clone) -> None:
    clone.set_params([f"data.digest={'0' * 64}"])
    lines = clone.dvc("repro").splitlines()
    end = lines[next(n for n, line in enumerate(lines) if "Recovered people" in line) :]
    (note,) = [line for line in end if "att_faces.zip" in line]
    assert note.startswith("NOTE: data/raw/att_faces.zip was NOT used: the pixels of its 30 photos")
    assert "set data.digest=null" in note
    page = (clone.folder / "reports/index.html").read_text()
    loud = re.findall(r'<p class="loud" role="note">(.*?)</p>', page)
    assert [f"<strong>{note.removeprefix('NOTE: ')}.</strong>"] == [p for p in loud if "zip" in p]


def test_a_folder_of_colour_photos_of_any_size(clone: Clone) -> None:
    rng = np.random.default_rng(0)
    names = ["Zoë", "<img src=x onerror=alert(1)>", "c", "d", "e"]
    for index, name in enumerate(names):
        folder = clone.folder / "data/raw/mine" / name
        folder.mkdir(parents=True)
        for photo in range(4):
            size = (40 + 3 * photo, 50 - index)
            colours = np.full((*size, 3), 20 * index, np.uint8)
            colours += rng.integers(0, 100, colours.shape, np.uint8)
            Image.fromarray(colours).save(folder / f"{photo}.jpg")
    changes = ["data.sources=[data/raw/mine]", "data.size=[36,30]", "prior.people=0.3"]
    changes += ["split.train_per_person=0.7"]
    clone.dvc("exp", "run", *(part for change in changes for part in ("-S", change)))
    shutil.rmtree(clone.folder / "data/raw/mine")
    faces = read_arrays(clone.folder / "data/faces.npz")
    assert faces["images"].shape == (20, 36, 30)
    page = (clone.folder / "reports/index.html").read_text()
    assert "20 photos of 5 people, 36 × 30" in page
    assert "drawn by miface" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img" not in page
    assert clone.metrics()["prior"]["dae"]["people"] == 3
