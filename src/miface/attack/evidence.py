r"""What the weights of a convolutional network say of the features it was trained on.

The gradient of the first linear layer W₁ [h, d] is a sum of outer products δ φᵀ with the features
φ of training photos, so what training added to W₁ lies in the span of those features; the rest of
W₁ is the noise it began with. Singular values tell the two apart.
"""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from miface.attack.estimators import LEAST, from_cosines, signal_to_noise, to_cosines
from miface.recognisers.recogniser import Convolutional, Recogniser


@dataclass(frozen=True)
class Evidence:
    """What is read off the weights.

    Attributes
    ----------
    span
        float [r, d] with orthonormal rows: directions that training put into W₁.
    templates
        float [P, d] of length 1: what the features of each person's photos look like.
    """

    span: Tensor
    templates: Tensor


# Length of a person's part of a template beside the mean's: the better the mean is known, the more
# of the person it bears.
_RATIO_TO_GUESS, _RATIO_TO_PUBLIC = 0.65, 1.0
_ROUNDS = 5
_ROUNDING = 1e-5  # of the largest singular value


@torch.no_grad()
def read_evidence(network: Convolutional, mean_features: Tensor | None = None) -> Evidence:
    """Read the span of the training features and a template for each person off the weights.

    Parameters
    ----------
    network
        A trained recogniser. Nothing else is looked at.
    mean_features
        float [d], the mean features of public photos, where the attacker has any. Without, the
        mean is guessed: of all directions in the leading part of the span the one nearest to |W₁|
        summed over units, since features are not negative.

    Returns
    -------
    Evidence
        A person's template is the mean plus what the output layer adds up for the person,
        W₂ W₁, which is about the difference of the person's mean features and everybody's.
    """
    hidden, output = network.hidden.weight, network.output.weight
    _, values, directions = torch.linalg.svd(hidden, full_matrices=False)
    span = directions[: _rank(values, min(hidden.shape) / max(hidden.shape))]
    ratio = _RATIO_TO_GUESS if mean_features is None else _RATIO_TO_PUBLIC
    if mean_features is None:
        leading = span[: len(output)]
        mean_features = hidden.abs().mean(0)
        for _ in range(_ROUNDS):
            mean_features = torch.relu((mean_features @ leading.T) @ leading)
    own = ((output - output.mean(0)) @ hidden @ span.T) @ span
    normalize = nn.functional.normalize
    templates = torch.relu(normalize(mean_features, dim=0) + ratio * normalize(own, dim=1))
    return Evidence(span, normalize(templates, dim=1))


def _rank(values: Tensor, aspect: float) -> int:
    """Count the singular values above noise: the hard threshold of Gavish and Donoho (2014)."""
    omega = 0.56 * aspect**3 - 0.95 * aspect**2 + 1.82 * aspect + 1.43
    least = torch.maximum(omega * values.median(), _ROUNDING * values[0])
    return max(1, int((values > least).sum()))


@torch.no_grad()
def without_initial_noise(network: Recogniser) -> Recogniser:
    """Give a copy with what training added to W₁, as estimated: as if it had begun at zero.

    Each direction of W₁ among its units is maps of features, and noise. Wiener's filter (1949)
    keeps more of directions that bear more than noise, and more of coarse cosines than of fine
    ones, since faces make smooth maps. How much is read off the maps themselves.

    Parameters
    ----------
    network
        One that is `Convolutional`, with W₁ = ``hidden.weight`` [h, c·H·W] on `maps` (c, H, W). It
        is left as it is.

    Returns
    -------
    Recogniser
        The copy, its ``hidden.weight`` [h, c·H·W] filtered and all else the same.
    """
    filtered = copy.deepcopy(network)
    assert isinstance(filtered, Convolutional)
    weights, (channels, *size) = filtered.hidden.weight, filtered.maps
    directions = torch.linalg.eigh(weights @ weights.T).eigenvectors
    maps = (directions.T @ weights).view(len(directions) * channels, -1)
    maps = to_cosines(maps, (size[0], size[1])).view(len(directions), channels, *size)
    noise = maps.square().mean((1, 2, 3)).median().clamp(min=LEAST)  # most bear nothing else
    above = (maps.square().mean((1, 2, 3)) / noise - 1).clamp(min=0)
    level = noise.expand(len(directions)).cpu()
    spread = torch.stack([signal_to_noise(maps[:, c].cpu(), level) for c in range(channels)])
    spread = (spread / spread.mean().clamp(min=LEAST)).to(maps)
    ratio = above[:, None, None, None] * spread
    kept = from_cosines((maps * ratio / (ratio + 1)).flatten(0, 1)).view(len(directions), -1)
    weights.copy_(directions @ kept)
    return filtered
