"""Use everything that CONTRIBUTING.md adds, in the copy that `test_contributing.py` makes."""

import numpy as np
import torch

from miface.attack.access import ACCESSES
from miface.attack.case import Case
from miface.attack.knowledge import nothing
from miface.attack.objectives import OBJECTIVES
from miface.attack.run import invert
from miface.countermeasures import in_training, on_answers
from miface.evaluation.judges import fit_judges
from miface.faces.rendered import render_faces
from miface.params.schema import load_params
from miface.recognisers import accuracy, train
from miface.training.trainer import Photos, Trainer

PEOPLE, SIZE = 6, (32, 28)


def main() -> None:
    params = load_params()
    images = render_faces(PEOPLE, 5, height=SIZE[0], width=SIZE[1]).reshape(-1, *SIZE) / 255
    person = np.repeat(np.arange(PEOPLE), 5)
    x, whose = torch.from_numpy(images).float().flatten(1), torch.from_numpy(person)
    trainer = Trainer(Photos(x, whose, len(x)), torch.Generator().manual_seed(0), lambda _: None)
    names = [f"s{who}" for who in range(PEOPLE)]
    plain = train("tanh", SIZE, names, params.settings("tanh"), trainer)
    assert accuracy(plain, x, whose) > 0.9
    (penalty,) = in_training({"confidence_penalty": 0.5})
    guarded = train("tanh", SIZE, names, params.settings("tanh"), penalty.apply(trainer))
    sure, less = (network(x).softmax(1).amax(1).mean() for network in (plain, guarded))
    assert less < sure

    access = ACCESSES["top_five"](plain, on_answers({"hiding": 0.01}))
    told = access.ask(x, whose)
    assert ((told > 0).sum(1) <= 5).all()
    assert told[told > 0].min() >= 0.01

    plan = params.plan("refined", "tanh")
    terms = plan.recipe.auxterms.model_copy(update={"brightness": 1.0})  # type: ignore[attr-defined]
    parts = {"objective": "squared_error", "space": "frequencies", "alpha": 3, "auxterms": terms}
    for kind in ("everything", "top_five"):
        recipe = plan.recipe.model_copy(update={"access": kind, **parts})
        case = Case(
            ACCESSES[kind](plain), plan.model_copy(update={"recipe": recipe}), nothing(*SIZE)
        )
        found = invert(case, np.arange(PEOPLE))
        assert (found.attack_cost < found.cost_history[:, 0]).all()
        assert (found.queries > 0).all() == (kind == "top_five")

    logits = torch.randn(3, PEOPLE, dtype=torch.float64, requires_grad=True)
    cost, derivative = OBJECTIVES["squared_error"](logits, whose[:3])
    torch.testing.assert_close(torch.autograd.grad(cost.sum(), logits)[0], derivative)

    judge = fit_judges(images, person, 0)["spectrum"]
    assert (judge(images).argmax(1) == person).mean() > 0.9


if __name__ == "__main__":
    main()
