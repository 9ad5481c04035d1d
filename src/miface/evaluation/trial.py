"""A trial: one seed's split, recognisers, attackers and judge, from arrays to what is recovered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from miface.attack.access import ACCESSES
from miface.attack.access.access import Access
from miface.attack.asking import ASKERS, Queries
from miface.attack.asking.asker import Task
from miface.attack.case import Case
from miface.attack.knowledge import Knowledge, PublicPhotos, nothing, public_photos
from miface.attack.recipe import Plan
from miface.attack.run import invert
from miface.countermeasures import Strengths, guarded
from miface.countermeasures.countermeasure import Answering
from miface.evaluation.baselines import NOBODY, baseline_images
from miface.evaluation.outside import Embedded, Outside
from miface.evaluation.results import measure_images, summarise_images
from miface.evaluation.yardstick import OUTSIDE, Yardstick
from miface.faces.archive import Faces
from miface.faces.split import choose_public, pixels, split_photos
from miface.recognisers import device, train
from miface.recognisers.recogniser import Recogniser, Size
from miface.training.trainer import Descent, Photos, Trainer

Row = dict[str, Any]
JUDGED = ("top1", "top5", "verified", "false_match", "face_found")
"""What the judge from outside answers, beside who is recovered."""


_ASKING = {"model": "nothing but answers", "photos": "answers, and photos of other people"}


@dataclass(frozen=True)
class Conditions:
    """What is the same in all trials, as ``params.yaml`` has it.

    Attributes
    ----------
    train_per_person
        Photos that train, as a count or a ratio.
    settings
        How each recogniser is trained, by name.
    plans
        How who holds the weights attacks each recogniser.
    prior
        What photos of other people are made into.
    queries
        What attackers who only ask do.
    budget
        Questions of who fits classification images, where countermeasures are compared.
    """

    train_per_person: int | float
    settings: Mapping[str, Descent]
    plans: Mapping[str, Plan]
    prior: PublicPhotos
    queries: Queries
    budget: int


@dataclass(frozen=True)
class Trial:
    """One seed: who trains on what, and how it is judged.

    Attributes
    ----------
    conditions
        What is the same in all trials.
    faces, embedded
        The photos, and what the judge from outside makes of them.
    ordinary
        Recognisers by name that were trained by `trained` without countermeasures.
    seed
        Of the split, the training, the attacks and the people who are public.
    """

    conditions: Conditions
    faces: Faces
    embedded: Embedded
    ordinary: Mapping[str, Recogniser]
    seed: int

    @property
    def size(self) -> Size:
        """(height, width) of the photos."""
        return (self.faces.images.shape[1], self.faces.images.shape[2])

    @cached_property
    def sides(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the photos that train, and of those held out."""
        share = self.conditions.train_per_person
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
        prior = self.conditions.prior
        public = choose_public(len(self.faces.names), prior.people, self.seed)
        rows = np.isin(self.faces.person, public)
        photos = self.faces.images[rows].astype(np.float32) / np.float32(255)
        return public_photos(photos, public, prior.components, prior.copies, self.seed)

    def knowledge(self, knows: str) -> Knowledge:
        """Give what an attacker has: ``model``, or ``photos``."""
        return self.public if knows == "photos" else nothing(*self.size)

    def trained(self, model: str, strengths: Strengths) -> Recogniser:
        """Train a recogniser with countermeasures; MifaceError if one cannot act on it."""
        if not strengths and model in self.ordinary:
            return self.ordinary[model]
        x = pixels(self.faces)
        photos = Photos.of(x, self.faces.person, self.sides, device())
        trainer = Trainer(photos, torch.Generator().manual_seed(self.seed))
        settings, names = self.conditions.settings[model], self.faces.names.tolist()
        return train(model, self.size, names, settings, guarded(trainer, strengths))

    def accuracy(
        self, recogniser: Recogniser, answering: Sequence[Answering] = ()
    ) -> dict[str, float]:
        """Give the share of photos whose person is told on both sides of the split."""
        door = ACCESSES["labels"](recogniser, answering)
        told = door.ask(torch.from_numpy(pixels(self.faces)).to(door.device)).cpu().numpy()
        right = told == self.faces.person
        sides = zip(("train", "test"), self.sides, strict=True)
        return {side: float(right[rows].mean()) for side, rows in sides}

    def judged(self, images: NDArray[np.float32], labels: NDArray[np.int64]) -> Row:
        """Say whom the judge from outside sees in recovered images [L, H, W]."""
        summary = summarise_images(measure_images(images, labels, self.yardstick))
        answers = summary["identified"][OUTSIDE]
        return {name: summary[name] for name in ("recovered", "people", "swapped")} | {
            name: answers.get(name, summary.get(f"{OUTSIDE}_{name}")) for name in JUDGED
        }

    def held(self, recogniser: Recogniser, model: str) -> Row:
        """Attack as `refined` does: the attacker holds the weights and has nothing else."""
        facts = {"method": "refined", "access": "everything", "queries": 0, "per": "person"}
        facts["threat_model"] = nothing(*self.size).threat_model
        found = self.found(recogniser, model)
        return facts | self.judged(found, np.arange(len(found)))

    def found(self, recogniser: Recogniser, model: str) -> NDArray[np.float32]:
        """Give what `refined` finds of everybody: float32 [P, H, W]."""
        plan = self.conditions.plans[model].model_copy(update={"seed": self.seed})
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
            images = kind(getattr(self.conditions.queries, name)).recover(task)
        asked = int(access.shared) + int(access.queries.sum())
        facts: Row = {"method": name, "access": access.name(), "queries": budget}
        facts["threat_model"] = _ASKING[knows]
        facts |= {"per": "all" if kind.shared else "person", "asked_in_all": asked}
        return facts | self.judged(images.unflatten(1, self.size).cpu().numpy(), labels)
