"""AUXTERM of MI-FACE: what is known of any photo, added to the cost."""

from collections.abc import Callable

from torch import Tensor

AuxTerm = Callable[[Tensor], Tensor]
"""Maps images [R, H, W] to a term of the cost [R]; a mean over pixels, whatever the size."""


def total_variation(x: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels: photos are smooth but for edges."""
    down = (x[:, 1:] - x[:, :-1]).abs().mean((1, 2))
    across = (x[:, :, 1:] - x[:, :, :-1]).abs().mean((1, 2))
    return down + across


def l2(x: Tensor) -> Tensor:
    """Mean square of the pixels."""
    return x.square().mean((1, 2))


def symmetry(x: Tensor) -> Tensor:
    """Mean squared difference of an image and its mirror image: faces are nearly symmetric."""
    return (x - x.flip(2)).square().mean((1, 2))


AUXTERMS: dict[str, AuxTerm | None] = {
    "none": None,
    "total_variation": total_variation,
    "l2": l2,
    "symmetry": symmetry,
}
