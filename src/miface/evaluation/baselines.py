"""Images to hold results against: what is to be had without any attack, and what at the best."""

import numpy as np
from numpy.typing import NDArray

NOBODY = ("noise", "blank", "everybody")
"""Which of the baselines show nobody, and so are controls."""

Images = NDArray[np.float64]
Labels = NDArray[np.int64]


def baseline_images(
    train: Images, train_person: Labels, held_out: Images, held_out_person: Labels, seed: int
) -> dict[str, Images]:
    """Make an image for each person in several ways.

    Parameters
    ----------
    train, held_out
        [n, H, W], photos of both sides of the split, in [0, 1].
    train_person, held_out_person
        int64 [n], whose they are, 0 to P − 1.
    seed
        Seed of the noise and of who stands for whom.

    Returns
    -------
    dict of [P, H, W]
        ``noise`` (uniform), ``blank`` (grey), ``everybody`` (the mean of all training photos),
        ``another_person``
        (the mean of another's training photos), ``class_difference`` (the mean of the person's
        training photos minus that of everybody's: all that a linear classifier can hold),
        ``held_out_photo`` (a photo of the person that trained nothing) and ``own_mean`` (the mean
        of the person's training photos).
    """
    rng = np.random.default_rng(seed)
    people = np.unique(train_person)
    own = np.stack([train[train_person == who].mean(0) for who in people])
    first = [np.flatnonzero(held_out_person == who)[0] for who in people]
    return {
        "noise": rng.random(own.shape),
        "blank": np.full(own.shape, 0.5),
        "everybody": np.broadcast_to(train.mean(0), own.shape),
        "another_person": np.roll(own, 1, axis=0),
        "class_difference": own - own.mean(0),
        "held_out_photo": held_out[first],
        "own_mean": own,
    }
