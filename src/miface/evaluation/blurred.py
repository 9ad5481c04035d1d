"""What a blurred photo of each person gives away: alone, and with what the model gives away."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from miface.attack.knowledge import THREAT_MODELS
from miface.attack.sharpening import THREAT_MODEL, blur_and_round, deblur, sharpen
from miface.evaluation.trial import Row, Trial

PHOTO = "a blurred photo of the person"


def sharpening_rows(trial: Trial, model: str, blurs: Sequence[float]) -> list[Row]:
    """Give what each attacker gets, a row a blur and a method.

    The photo is the first of each person that is held out: neither did it train the recogniser, nor
    does the judge compare with it. Without a model it is judged as it is, and deblurred.
    """
    found = trial.found(trial.trained(model, {}), model)
    labels = np.arange(len(found))
    photos = held_out_photos(trial)
    common: Row = {"model": model, "seed": trial.seed}
    alone = {"method": "model alone", "threat_model": THREAT_MODELS["model"]}
    alone |= trial.judged(found, labels)
    rows = []
    for sigma in blurs:
        blurred = blur_and_round(photos, sigma)
        each = [
            ("blurred photo alone", PHOTO, blurred),
            ("deblurred photo alone", PHOTO, deblur(blurred, sigma)),
            ("both", THREAT_MODEL, sharpen(blurred, found, sigma)),
        ]
        of_blur: list[Row] = [
            {"method": method, "threat_model": has} | trial.judged(images, labels)
            for method, has, images in each
        ]
        of_blur.insert(2, alone)
        rows += [common | {"blur": sigma} | row for row in of_blur]
    return rows


def held_out_photos(trial: Trial) -> NDArray[np.float32]:
    """Give the first photo of each person that is held out: float32 [P, H, W] in [0, 1]."""
    held_out, person = trial.sides[1], trial.faces.person
    first = [held_out[person[held_out] == who][0] for who in range(len(trial.faces.names))]
    return trial.faces.images[first].astype(np.float32) / np.float32(255)
