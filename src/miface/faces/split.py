"""The split into photos that train the recognisers and photos that are held out."""

import numpy as np
from numpy.typing import NDArray

from miface.errors import MifaceError
from miface.faces.archive import Faces

Rows = NDArray[np.int64]


def split_photos(
    person: NDArray[np.int64],
    train_per_person: int | float,
    seed: int,
    names: NDArray[np.str_] | None = None,
) -> tuple[Rows, Rows]:
    """Choose photos to train on for each person, at random.

    Parameters
    ----------
    person
        int64 [N], whose photo each row is.
    train_per_person
        A count of photos (int), or a ratio between 0 and 1 (float) of each person's photos,
        rounded, at least one.
    seed
        Seed of the choice.
    names
        str [P], what people are called, for messages.

    Returns
    -------
    train, test
        Row numbers into `person`, each sorted: disjoint, together every row, with every person
        on both sides.

    Raises
    ------
    MifaceError
        If a person has no photo left to hold out.
    """
    generator = np.random.default_rng(seed)
    train: list[Rows] = []
    for index in np.unique(person):
        rows = np.flatnonzero(person == index)
        count = train_per_person
        if isinstance(count, float):
            count = max(1, round(count * len(rows)))
        if count >= len(rows):
            who = f"person number {index + 1}" if names is None else names[index]
            raise MifaceError(
                f"split.train_per_person: found {train_per_person}, but {who} has {len(rows)} "
                "photos; expected fewer, so that some are held out; a ratio (0.7) fits all, and "
                f"data.least_photos={count + 1} leaves out people with too few"
            )
        train.append(generator.permutation(rows)[:count])
    chosen = np.sort(np.concatenate(train))
    return chosen, np.setdiff1d(np.arange(len(person)), chosen)


def check_labels(labels: str | list[str], names: NDArray[np.str_]) -> Rows:
    """Find the people to attack.

    Parameters
    ----------
    labels
        ``"all"``, or names.
    names
        str [P], the names of everybody.

    Returns
    -------
    int64 [L]
        Indices into `names`, in the order of `names`.

    Raises
    ------
    MifaceError
        If a label is nobody's name, or there is none.
    """
    if labels == "all":
        return np.arange(len(names))
    unknown = [label for label in labels if label not in names]
    if unknown or not labels:
        found = ", ".join(unknown) if unknown else "an empty list"
        raise MifaceError(
            f"attack.labels: found {found}, expected 'all' or names among "
            f"{names[0]} … {names[-1]} ({len(names)} people)"
        )
    return np.flatnonzero(np.isin(names, labels))


def pixels(faces: Faces) -> NDArray[np.float32]:
    """Give the photos as rows of grey values in [0, 1]: float32 [N, H·W]."""
    return faces.images.reshape(len(faces.images), -1).astype(np.float32) / np.float32(255)


def permute(person: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Give photos each other's names at random, and where it can be none its own: int64 [n]."""
    rng = np.random.default_rng(seed)
    other = rng.permutation(person)
    for row in np.flatnonzero(other == person):
        free = np.flatnonzero((other != person[row]) & (person != other[row]))
        if other[row] == person[row] and len(free) > 0:
            partner = rng.choice(free)
            other[[row, partner]] = other[[partner, row]]
    return other


def choose_public(people: int, share: int | float, seed: int) -> Rows:
    """Choose people whose photos an attacker has; the others are attacked.

    Parameters
    ----------
    people
        How many there are.
    share
        How many to choose: a count, or a ratio below 1, which is rounded.
    seed
        Seed of the choice.

    Returns
    -------
    int64 [q]
        Their indices, sorted.

    Raises
    ------
    MifaceError
        If nobody would be public, or nobody would be left to attack.
    """
    count = round(share * people) if isinstance(share, float) else share
    if not 0 < count < people:
        raise MifaceError(
            f"prior.people: found {share}, which makes {count} of {people} people public; expected "
            "at least one, and fewer than all, so that somebody is left to attack"
        )
    return np.sort(np.random.default_rng(seed).permutation(people)[:count])
