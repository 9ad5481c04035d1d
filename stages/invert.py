"""invert: one method on one recogniser → reports/inversions/<method>-<model>.npz.

Sees the model, what the method's attacker knows, and the plan; no photo of the people it attacks.
"""

import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import project  # noqa: F401

from miface.command import run
from miface.errors import MifaceError
from miface.files import write_arrays, write_json


def main(method: str, model: str) -> None:
    """Run the stage."""
    plan = Path(f"data/plans/{method}-{model}.json")
    results = f"reports/inversions/{method}-{model}.npz"
    timing = f"reports/timing/{method}-{model}.json"
    if plan.exists() and plan.read_text(encoding="utf-8").strip() == "null":  # not asked for
        write_arrays(results, label=np.zeros(0, np.int64))
        write_json(timing, {"labels": 0})
    else:
        arrays, seconds = recover(method, model, plan)
        write_arrays(results, **arrays)
        write_json(timing, seconds)


def recover(method: str, model: str, path: Path) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Make the attack and measure its time."""
    import torch

    from miface.attack.access import ACCESSES
    from miface.attack.case import Case
    from miface.attack.knowledge import load_knowledge
    from miface.attack.recipe import load_plan
    from miface.attack.run import invert
    from miface.countermeasures import on_answers
    from miface.faces.split import check_labels
    from miface.recognisers import device
    from miface.recognisers.store import load

    plan = load_plan(path)
    knowledge = load_knowledge(Path(f"data/knowledge/{method}.npz"))
    recogniser = load(f"models/{model}.safetensors", device())
    asked = check_labels(plan.labels, np.array(recogniser.names))
    labels = np.setdiff1d(asked, knowledge.public)
    if len(labels) == 0:
        raise MifaceError(
            "attack.labels: everybody asked for is public (prior.people), and not attacked by "
            f"{method}; ask for others"
        )
    access = ACCESSES[plan.recipe.access](recogniser, on_answers(plan.answers))
    begun = time.perf_counter()
    inversion = invert(Case(access, plan, knowledge), labels)
    seconds = {
        "seconds": time.perf_counter() - begun,
        "labels": len(labels),
        "device": device().type,
        "threads": torch.get_num_threads(),
    }
    words = {"threat_model": knowledge.threat_model, "access": access.title}
    return asdict(inversion) | {name: np.array(text) for name, text in words.items()}, seconds


run(main)
