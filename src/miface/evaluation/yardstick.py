"""All that recovered images are measured against: photos, judges, and images of nobody."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from miface.evaluation.identification import fit_threshold
from miface.evaluation.judges.judge import Judge, Scores
from miface.evaluation.outside import Embedded, Outside, embed, lead, normalised
from miface.evaluation.similarity import PersonPhotos

OUTSIDE = "outside"
"""What the judge from outside is called in columns and metrics."""
# The last digits of a point depend on how many images the network is given at once.
_ROUNDING = 1e-4
Images = NDArray[np.floating]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Yardstick:
    """All that images are measured against.

    Attributes
    ----------
    photos, person
        [n, H, W] training photos in [0, 1], and int64 [n] whose they are.
    judges
        Second opinions by name: recognisers fitted on the held-out photos.
    outside
        The judge from outside, who decides.
    held_out, held_out_person
        What he makes of the held-out photos, and int64 [m] whose they are.
    nobody
        [k, H, W], images that show nobody: noise, a blank one, the mean of everybody.
    seed
        Seed of line-ups.
    """

    photos: Images
    person: Labels
    judges: dict[str, Judge]
    outside: Outside
    held_out: Embedded
    held_out_person: Labels
    nobody: Images
    seed: int

    @cached_property
    def _people(self) -> dict[int, PersonPhotos]:
        return {
            int(who): PersonPhotos(self.photos[self.person == who])
            for who in np.unique(self.person)
        }

    def photos_of(self, who: int) -> PersonPhotos:
        """Give a person's photos, to compare images with."""
        return self._people[int(who)]

    @cached_property
    def _known(self) -> dict[str, tuple[Scores, Labels]]:
        """What each judge makes of real photos that it was not fitted on, and whose they are."""
        scores = {name: (judge(self.photos), self.person) for name, judge in self.judges.items()}
        held_out = self.outside(self.held_out.points), self.held_out_person
        return {OUTSIDE: held_out} | scores

    @cached_property
    def accuracy(self) -> dict[str, float]:
        """How often each judge is right on photos that it was not fitted on."""
        return {
            name: float((scores.argmax(1) == person).mean())
            for name, (scores, person) in self._known.items()
        }

    @cached_property
    def thresholds(self) -> dict[str, float]:
        """Below which score each judge says "none of them"."""
        return {
            name: fit_threshold(scores, person, self.seed)
            for name, (scores, person) in self._known.items()
        }

    @cached_property
    def lead_of_nobody(self) -> Scores:
        """How far ahead of all others each person [P] comes, at most, in an image of nobody."""
        scores = self.outside(embed(normalised(self.nobody)).points)
        return np.asarray(lead(scores).max(0) + _ROUNDING)
