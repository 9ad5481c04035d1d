"""What attackers make of answers, and the faces that they search."""

import torch
from torch import Tensor

from miface.attack.asking.asker import Task

_LEAST = 1e-12  # of a confidence, which may be rounded to 0 and has a logarithm all the same


def unlikeliness(task: Task, images: Tensor, labels: Tensor) -> Tensor:
    """Ask about images [n, H·W] for labels [n], and give −log p of these: float [n]."""
    told = task.ask(images, labels).gather(1, labels[:, None])[:, 0]
    return -told.clamp(min=_LEAST).log()


class Faces:
    """Faces as photos of other people have them: a mean and principal components.

    Parameters
    ----------
    task
        Whose knowledge has photos.
    """

    def __init__(self, task: Task) -> None:
        self.mean = torch.from_numpy(task.knowledge.mean).to(task.access.device)
        components = torch.from_numpy(task.knowledge.components)
        self.components = components.to(task.access.device)

    def images(self, points: Tensor) -> Tensor:
        """Map coefficients [R, c], of deviation 1 over photos, to images [R, H·W] in [0, 1]."""
        return torch.addmm(self.mean, points, self.components).clamp(0, 1)
