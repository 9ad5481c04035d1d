"""Where the attack begins: x0 of MI-FACE."""

import torch
from torch import Tensor

from miface.attack.knowledge import Knowledge
from miface.attack.spaces import Space
from miface.params.attacks import Recipe


def make_start(
    space: Space,
    size: tuple[int, int],
    recipe: Recipe,
    knowledge: Knowledge,
    labels: int,
    generator: torch.Generator,
    device: torch.device,
) -> Tensor:
    """Give x0 for each label and restart: float [labels · restarts, k]."""
    rows = labels * recipe.restarts
    if recipe.start == "zero":
        return torch.zeros(rows, space.dimensions, device=device)
    if recipe.start == "random":
        # Uniform noise, as an untrained eye's photo: grey values in [0, 1].
        noise = torch.rand(rows, size[0] * size[1], generator=generator).to(device)
        with torch.no_grad():
            return space.points(noise)
    if recipe.start == "public_mean":
        image = torch.from_numpy(knowledge.mean).to(device).unsqueeze(0)
    else:
        grey = 0.0 if recipe.start == "black" else 0.5
        image = torch.full((1, size[0] * size[1]), grey, device=device)
    with torch.no_grad():
        return space.points(image).expand(rows, -1)
