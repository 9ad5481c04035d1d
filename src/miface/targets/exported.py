"""A recogniser that miface did not train: an exported program that maps photos to scores."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.func import functional_call

from miface.errors import MifaceError
from miface.targets import expectations, pt2
from miface.targets.container import EXPORT, brief
from miface.targets.graph import Graph

_FAILURES = (
    RuntimeError, TypeError, ValueError, KeyError, IndexError, AttributeError, AssertionError,
    NotImplementedError, ZeroDivisionError, OverflowError, RecursionError, MemoryError,
)  # fmt: skip


class Exported(nn.Module):
    """A recogniser from a file, asked as miface's own are: grey photos in rows in, logits out.

    Attributes
    ----------
    size, names
        (height, width) of its photos, and a name for each of its outputs.
    takes
        What the file's own input is.
    scores
        What the file's own scores are.
    """

    def __init__(self, graph: Graph, takes: expectations.Shape) -> None:
        super().__init__()
        self.graph, self.takes, self.size = graph, takes, takes.size
        self.mean, self.deviation = 0.0, 1.0
        self.scores: expectations.Scores = "logits"
        self.names: list[str] = []

    @property
    def pixels(self) -> int:
        """Pixels of a photo."""
        return self.size[0] * self.size[1]

    @property
    def weights(self) -> int:
        """How many numbers were trained."""
        return sum(weight.numel() for weight in self.graph.parameters())

    def own(self, x: Tensor) -> Tensor:
        """Map photos [B, H·W], grey values in [0, 1], to the file's own scores [B, P]."""
        photos = self.takes.arrange((x - self.mean) / self.deviation)
        photos = photos.to(self.graph.program.dtype)
        if self.takes.batch is None:
            return self.graph(photos)
        count, batch = len(photos), self.takes.batch
        blank = photos[-1:].expand(-count % batch, *photos.shape[1:])
        chunks = torch.cat([photos, blank]).split(batch)
        return torch.cat([self.graph(chunk) for chunk in chunks])[:count]

    def forward(self, x: Tensor) -> Tensor:
        """Map photos [B, H·W], grey values in [0, 1], to logits [B, P]."""
        scores = self.own(x).to(x.dtype)
        if self.scores == "probabilities":  # a softmax of the logarithms gives them back
            return scores.clamp_min(torch.finfo(scores.dtype).tiny).log()
        return scores


def load(
    path: str | Path,
    size: tuple[int, int] | None = None,
    names: Sequence[str] | None = None,
    normalisation: tuple[float, float] = (0.0, 1.0),
) -> Exported:
    """Read an exported program (``.pt2``) as a recogniser, in evaluation mode, on the CPU.

    No code of the file runs, and nothing of it is unpickled.

    Parameters
    ----------
    path
        The file.
    size
        (height, width) of photos, where the file leaves them open.
    names
        A name for each label; their numbers by default.
    normalisation
        Mean and standard deviation of the values that it was trained on: of grey values x in
        [0, 1], it is given (x − mean) / deviation.

    Raises
    ------
    MifaceError
        If the file cannot be read, or is no recogniser: see `pt2.read` and `expectations.tried`.
    """
    path = Path(path)
    if not normalisation[1] > 0:
        raise MifaceError(
            f"{path}: found a standard deviation of {normalisation[1]}, expected one above 0"
        )
    program = pt2.read(path)
    takes = expectations.shape(path, program.shape, size)
    try:
        recogniser = Exported(Graph(program), takes)
        recogniser.mean, recogniser.deviation = normalisation
        _rehearse(recogniser)
        recogniser.scores, labels = expectations.tried(path, recogniser.own, recogniser.pixels)
    except _FAILURES as error:
        raise MifaceError(
            f"{path}: its graph does not run on photos of {takes.size[0]}×{takes.size[1]} "
            f"({brief(error)}); {EXPORT}"
        ) from None
    if names is not None and len(names) != labels:
        raise MifaceError(f"{path}: found {labels} labels and {len(names)} names; name each label")
    recogniser.names = list(names or map(str, range(labels)))
    return recogniser.eval()


def _rehearse(recogniser: Exported) -> None:
    """Run on arrays without content, so that what would fill the memory is refused before."""
    with torch.no_grad():
        blank = {name: weight.to("meta") for name, weight in recogniser.state_dict().items()}
        photos = torch.empty((expectations.ASKED, recogniser.pixels), device="meta")
        functional_call(recogniser, blank, (photos,))
