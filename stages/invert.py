"""invert: one method on one recogniser → reports/inversions/<method>-<model>.npz.

Sees the model, what the method's attacker knows, and the plan; no photo of the people it attacks.
"""

import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from miface.attack.inversion import invert
from miface.attack.knowledge import load_knowledge
from miface.command import run
from miface.errors import MifaceError
from miface.faces.split import check_labels
from miface.files import write_arrays, write_json
from miface.models.recognisers import device
from miface.models.store import load
from miface.params.attacks import load_plan


def main(method: str, model: str) -> None:
    """Run the stage."""
    plan = load_plan(Path(f"data/plans/{method}-{model}.json"))
    knowledge = load_knowledge(Path(f"data/knowledge/{method}.npz"))
    recogniser = load(f"models/{model}.safetensors", device())
    size = recogniser.architecture["height"], recogniser.architecture["width"]
    asked = check_labels(plan.labels, np.array(recogniser.names))
    labels = np.setdiff1d(asked, knowledge.public)
    if len(labels) == 0:
        raise MifaceError(
            "attack.labels: everybody asked for is public (prior.people), and not attacked by "
            f"{method}; ask for others"
        )
    begun = time.perf_counter()
    inversion = invert(recogniser.network, size, labels, plan, knowledge)
    seconds = time.perf_counter() - begun
    arrays = asdict(inversion) | {"threat_model": np.array(knowledge.threat_model)}
    write_arrays(f"reports/inversions/{method}-{model}.npz", **arrays)
    timing = {"seconds": seconds, "labels": len(labels), "device": device().type,
              "threads": torch.get_num_threads()}  # fmt: skip
    write_json(f"reports/timing/{method}-{model}.json", timing)


run(main)
