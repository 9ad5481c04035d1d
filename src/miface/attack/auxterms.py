"""AUXTERM of MI-FACE: terms of the cost beside the objective, each a function of candidates."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from miface.attack.candidates import Candidates

AuxTerm = Callable[["Candidates"], Tensor]
"""Maps candidates to a term of the cost [R]; a mean over pixels, whatever the size."""

AUXTERMS: dict[str, AuxTerm] = {}
"""The terms by their names in ``params.yaml``: those of the functions below."""


def auxterm(function: AuxTerm) -> AuxTerm:
    """Add a function to the terms."""
    AUXTERMS[function.__name__] = function
    return function


@auxterm
def total_variation(c: Candidates) -> Tensor:
    """Mean absolute difference of neighbouring pixels: photos are smooth but for edges."""
    x = c.unshaped
    down = (x[:, 1:] - x[:, :-1]).abs().mean((1, 2))
    return down + (x[:, :, 1:] - x[:, :, :-1]).abs().mean((1, 2))


@auxterm
def roughness(c: Candidates) -> Tensor:
    """Mean squared difference of neighbouring pixels: photos are smooth."""
    x = c.unshaped
    down = (x[:, 1:] - x[:, :-1]).square().mean((1, 2))
    return down + (x[:, :, 1:] - x[:, :, :-1]).square().mean((1, 2))


@auxterm
def l2(c: Candidates) -> Tensor:
    """Mean square of the pixels."""
    return c.images.square().mean((1, 2))


@auxterm
def symmetry(c: Candidates) -> Tensor:
    """Mean squared difference of an image and its mirror image: faces are nearly symmetric."""
    return (c.images - c.images.flip(2)).square().mean((1, 2))


@auxterm
def out_of_range(c: Candidates) -> Tensor:
    """Mean squared distance of pixels from [0, 1], where photos lie."""
    return (c.images - c.images.clamp(0, 1)).square().mean((1, 2))


@auxterm
def coefficients(c: Candidates) -> Tensor:
    """Squared length of a prior's coefficients, in units of their spread over public photos."""
    return c.coefficients.square().sum(1)


@auxterm
def feature_span(c: Candidates) -> Tensor:
    """Features outside the span of the training photos' features: a share of energy, in [0, 1].

    The span is read off the weights (`miface.attack.evidence`).
    """
    features = c.features
    inside = (features @ c.evidence.span.T).square().sum(1)
    return 1 - inside / features.square().sum(1).clamp(min=1e-6)


@auxterm
def feature_template(c: Candidates) -> Tensor:
    """Features unlike the person's template: 1 − their cosine, in [0, 2].

    The template is read off the weights (`miface.attack.evidence`).
    """
    return 1 - nn.functional.cosine_similarity(c.features, c.evidence.templates[c.labels], dim=1)
