"""What a countermeasure costs and what it leaves; what an attacker who only asks gets for it.

A trial is one seed: its split, its recogniser, its judge. Rows of several seeds are put together by
`together`, with Wilson's interval of the share recovered of all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from miface.attack.access import ACCESSES
from miface.attack.access.access import Access
from miface.attack.asking import ASKERS
from miface.attack.asking.asker import Task
from miface.attack.case import Case
from miface.attack.knowledge import Knowledge, nothing, public_photos
from miface.attack.run import invert
from miface.countermeasures import IN_TRAINING, NONE, Strengths, guarded, on_answers
from miface.evaluation.baselines import NOBODY, baseline_images
from miface.evaluation.intervals import wilson
from miface.evaluation.outside import Embedded, Outside
from miface.evaluation.results import measure_images, summarise_images
from miface.evaluation.yardstick import OUTSIDE, Yardstick
from miface.faces.archive import Faces
from miface.faces.split import choose_public, pixels, split_photos
from miface.params.schema import Params
from miface.recognisers import accuracy, device, train
from miface.recognisers.recogniser import Recogniser, Size
from miface.training.trainer import Photos, Trainer

Row = dict[str, Any]
_KEY = ("countermeasure", "strength", "model", "method", "access", "threat_model", "queries", "per")
_JUDGED = ("top1", "top5", "verified", "false_match", "face_found")


@dataclass(frozen=True)
class Trial:
    """One seed: who trains on what, and how it is judged.

    Attributes
    ----------
    params
        The parameters; their seed is not used.
    faces, embedded
        The photos, and what the judge from outside makes of them.
    seed
        Of the split, the training, the attacks and the people who are public.
    """

    params: Params
    faces: Faces
    embedded: Embedded
    seed: int

    @property
    def size(self) -> Size:
        """(height, width) of the photos."""
        return (self.faces.images.shape[1], self.faces.images.shape[2])

    @cached_property
    def sides(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the photos that train, and of those held out."""
        share = self.params.split.train_per_person
        return split_photos(self.faces.person, share, self.seed, self.faces.names)

    @cached_property
    def yardstick(self) -> Yardstick:
        """The photos and the judge from outside, without second opinions."""
        (train_rows, test_rows), person = self.sides, self.faces.person
        photos, held_out = (self.faces.images[rows] / 255.0 for rows in self.sides)
        sides = (photos, person[train_rows], held_out, person[test_rows])
        baselines = baseline_images(*sides, self.seed)
        points, found = self.embedded.points, self.embedded.found
        return Yardstick(
            photos=photos,
            person=person[train_rows],
            judges={},
            outside=Outside(points[train_rows], person[train_rows]),
            held_out=Embedded(points[test_rows], found[test_rows]),
            held_out_person=person[test_rows],
            nobody=np.concatenate([baselines[name] for name in NOBODY]),
            seed=self.seed,
        )

    @cached_property
    def public(self) -> Knowledge:
        """What an attacker has who holds photos of some of the people, who are not attacked."""
        prior = self.params.prior
        public = choose_public(len(self.faces.names), prior.people, self.seed)
        rows = np.isin(self.faces.person, public)
        photos = self.faces.images[rows].astype(np.float32) / np.float32(255)
        return public_photos(photos, public, prior.components, prior.copies, self.seed)

    def knowledge(self, knows: str) -> Knowledge:
        """Give what an attacker has: ``model``, or ``photos``."""
        return self.public if knows == "photos" else nothing(*self.size)

    def trained(self, model: str, strengths: Strengths) -> Recogniser:
        """Train a recogniser with countermeasures; MifaceError if one cannot act on it."""
        x = pixels(self.faces)
        photos = Photos.of(x, self.faces.person, self.sides, device())
        trainer = Trainer(photos, torch.Generator().manual_seed(self.seed))
        settings, names = self.params.settings(model), self.faces.names.tolist()
        return train(model, self.size, names, settings, guarded(trainer, strengths))

    def accuracy(self, recogniser: Recogniser) -> dict[str, float]:
        """Give the share of photos that are recognised on both sides of the split."""
        x = torch.from_numpy(pixels(self.faces)).to(device())
        whose = torch.from_numpy(self.faces.person).to(device())
        sides = zip(("train", "test"), self.sides, strict=True)
        return {side: accuracy(recogniser, x[rows], whose[rows]) for side, rows in sides}

    def judged(self, images: NDArray[np.float32], labels: NDArray[np.int64]) -> Row:
        """Say whom the judge from outside sees in recovered images [L, H, W]."""
        summary = summarise_images(measure_images(images, labels, self.yardstick))
        answers = summary["identified"][OUTSIDE]
        return {name: summary[name] for name in ("recovered", "people", "swapped")} | {
            name: answers.get(name, summary.get(f"{OUTSIDE}_{name}")) for name in _JUDGED
        }

    def held(self, recogniser: Recogniser, model: str) -> Row:
        """Attack as `refined` does: the attacker holds the weights and has nothing else."""
        facts = {"method": "refined", "access": "everything", "queries": 0, "per": "person"}
        facts["threat_model"] = nothing(*self.size).threat_model
        found = self.found(recogniser, model)
        return facts | self.judged(found, np.arange(len(found)))

    def found(self, recogniser: Recogniser, model: str) -> NDArray[np.float32]:
        """Give what `refined` finds of everybody: float32 [P, H, W]."""
        plan = self.params.plan("refined", model).model_copy(update={"seed": self.seed})
        case = Case(ACCESSES["everything"](recogniser), plan, nothing(*self.size))
        return invert(case, np.arange(len(self.faces.names))).x

    def asked(self, name: str, access: Access, budget: int, knows: str) -> Row:
        """Attack by asking alone: an attacker of `ASKERS`, an access, and a budget."""
        kind, knowledge = ASKERS[name], self.knowledge(knows)
        labels = np.setdiff1d(np.arange(len(self.faces.names)), knowledge.public)
        task = Task(
            access,
            torch.from_numpy(labels).to(access.device),
            budget,
            knowledge,
            torch.Generator().manual_seed(self.seed),
        )
        with torch.no_grad():
            images = kind(getattr(self.params.queries, name)).recover(task)
        asked = int(access.shared) + int(access.queries.sum())
        facts: Row = {"method": name, "access": access.name(), "queries": budget}
        facts["threat_model"] = _ASKING[knows]
        facts |= {"per": "all" if kind.shared else "person", "asked_in_all": asked}
        return facts | self.judged(images.unflatten(1, self.size).cpu().numpy(), labels)


_ASKING = {"model": "nothing but answers", "photos": "answers, and photos of other people"}


def countermeasure_rows(trial: Trial, model: str, name: str, strength: float) -> list[Row]:
    """Give what a countermeasure costs and leaves, a row an attacker who knows of it.

    Who holds the weights never meets a countermeasure on the answers, and is attacked with none.

    Raises
    ------
    MifaceError
        If the countermeasure cannot act on the recogniser.
    """
    in_training = name in IN_TRAINING
    recogniser = trial.trained(model, {name: strength} if in_training else {})
    answering = on_answers({} if in_training or name == NONE else {name: strength})
    common: Row = {"countermeasure": name, "strength": strength, "model": model}
    common |= {"seed": trial.seed, "accuracy": trial.accuracy(recogniser)}
    few = trial.params.countermeasures.sweep.budget
    whole = recogniser.pixels + 1
    attackers = [("classification_images", "labels", few, "photos")]
    if answering:  # spoils what equations need: fit what is left
        attackers.append(("classification_images", "confidences", few, "photos"))
    else:
        attackers.append(("equation_solving", "confidences", whole, "model"))
    rows = [trial.held(recogniser, model)]
    for asker, access, budget, knows in attackers:
        told = ACCESSES[access](recogniser, answering)
        rows.append(trial.asked(asker, told, budget, knows))
    return [common | row for row in rows]


def query_rows(trial: Trial, model: str, name: str) -> list[Row]:
    """Give what an attacker who only asks gets, a row an access, a knowledge and a budget."""
    recogniser, kind = trial.trained(model, {}), ASKERS[name]
    common: Row = {"countermeasure": NONE, "strength": 0.0, "model": model}
    common |= {"seed": trial.seed, "accuracy": trial.accuracy(recogniser)}
    knows = [kind.knows] if kind.knows == "photos" or not kind.shared else ["model", "photos"]
    if name == "equation_solving":
        knows = ["model"]
    budgets = trial.params.queries.budgets
    return [
        common | trial.asked(name, ACCESSES[access](recogniser), budget, what)
        for access in kind.told
        for what in knows
        for budget in budgets
    ]


def together(rows: Sequence[Row]) -> list[Row]:
    """Put rows of the same attack over several seeds together.

    Shares are means over seeds; ``recovered`` and ``people`` are sums, with Wilson's interval;
    ``by_seed`` has each seed's count, in the order of ``seeds``.
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in _KEY), []).append(row)
    return [dict(zip(_KEY, key, strict=True)) | _pooled(same) for key, same in groups.items()]


def _pooled(same: Sequence[Mapping[str, Any]]) -> Row:
    recovered, people = (sum(row[name] for row in same) for name in ("recovered", "people"))
    low, high = wilson(recovered, people)

    def mean(values: list[float]) -> float:
        return float(np.mean(values))

    return {
        "accuracy": {
            side: mean([row["accuracy"][side] for row in same]) for side in ("train", "test")
        },
        "recovered": recovered,
        "people": people,
        "interval": {"low": low, "high": high},
        **{name: mean([float(row[name]) for row in same]) for name in (*_JUDGED, "swapped")},
        "seeds": [row["seed"] for row in same],
        "by_seed": [row["recovered"] for row in same],
    }
