r"""The attack on a model that begins with a linear layer, in the row space of that layer.

Let the model begin with z = W x + b, W [h, d]. The gradient of any function of z with respect to x
is Wᵀ δ with δ = ∂c/∂z, so steps from x0 stay in the row space of W. With rows B [r, d] that span
it and M = W Bᵀ [h, r],

    x = x0 + Bᵀ q,    z = z0 + M q,

and no step touches the d pixels. Where few rows suffice (a first layer that began at zero is a
combination of its training photos), B is orthonormal: the gradient in q is Mᵀ δ, as long as that in
x, and a step costs 4 h r operations a label. Otherwise B is W itself: M is the Gram matrix W Wᵀ,
the step x −= λ Wᵀ δ is q −= λ δ, and costs 2 h². With pixels, both are 4 h d.

Most of those 2 h² are spared. Thousands of steps of the published attack are short and nearly
parallel, so that a path is, for hundreds of steps, a curve in a few dimensions, to all the digits
that float32 has: the products of M with those directions give all that follow (`NearbyProducts`).
"""

import torch
from torch import Tensor, nn

from miface.attack.access.everything import Everything
from miface.attack.case import Case
from miface.attack.objectives import OBJECTIVES, Objective
from miface.attack.spaces import CodeSpace, PixelSpace
from miface.training.perceptron import Perceptron

# Directions taken at a time, from so many more combinations that none of them is badly determined.
_BLOCK, _MORE = 64, 16


class RowSpace:
    """Exact form of a cost without AUXTERM, on points q [R, r] of a row space.

    Exact while PROCESS is the identity, AUXTERM is none, and the step is linear in the gradient;
    where the basis is orthonormal, it may also depend on the gradient's length.

    Parameters
    ----------
    model
        A network that begins with a linear layer.
    objective
        What is asked of the logits.
    start
        float [d], x0.
    basis
        float [r, d], orthonormal rows that span those of W (`orthonormal_rows`); None takes W.
    """

    def __init__(
        self, model: Perceptron, objective: Objective, start: Tensor, basis: Tensor | None
    ) -> None:
        self.model, self.objective, self.start = model, objective, start
        self.orthonormal = basis is not None
        weight = model.first.weight.detach()
        self.basis = weight if basis is None else basis
        self.map = weight @ self.basis.T
        self.origin = torch.addmv(model.first.bias, weight, start).detach()
        self.dimensions = len(self.basis)
        self.products = None if self.orthonormal else NearbyProducts(self.map, self.origin)

    def begin(self, rows: int) -> Tensor:
        """Give q [R, r] of x0, in float64 where thousands of steps are too short for float32."""
        return self.origin.new_zeros(
            rows, self.dimensions, dtype=None if self.orthonormal else torch.float64
        )

    def __call__(self, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Map q [R, r] and labels [R] to costs [R] and the gradient's coordinates [R, r]."""
        if self.products is None:
            z = torch.addmm(self.origin, points, self.map.T)
        else:
            z = self.products(points)
        if self.model.linear:  # z are the logits: spare autograd
            cost, delta = self.objective(z, labels)
        else:
            z.requires_grad_()
            with torch.enable_grad():
                logits = self.model.tail(z)
                cost, derivative = self.objective(logits.detach(), labels)
                (delta,) = torch.autograd.grad((logits * derivative).sum(), z)
        return cost, delta @ self.map if self.orthonormal else delta

    def expand(self, points: Tensor) -> Tensor:
        """Map q [R, r] to points of the full space [R, d]."""
        return torch.addmm(self.start, points.to(self.basis), self.basis)


class NearbyProducts:
    r"""z = z0 + M q [R, h] of points q [R, r], mostly without M where points follow paths.

    From points a_i (a row each), whose products are known, and k orthonormal directions D_i
    [k, r] of each, whose products M D_iᵀ are known as well,

        M q_i = M a_i + (M D_iᵀ) D_i (q_i − a_i) + M r_i,

    where r_i is what the directions leave over. It is dropped while it is too small for the digits
    of z, and becomes a direction where it is not, so that no number of steps adds up to an error.
    A row with too many directions is begun anew. That is right for any points; what it spares
    depends on how far they wander.

    Parameters
    ----------
    matrix
        float [h, r], M.
    origin
        float [h], z0.
    """

    directions = 8
    """At most, k: more, and they cost what they spare."""
    rounding = 8
    """Largest ‖r_i‖, relative to ‖q_i‖ + ‖z0‖ / ‖M‖, in units of the last digit: that of M q."""

    def __init__(self, matrix: Tensor, origin: Tensor) -> None:
        self.matrix, self.origin = matrix, origin
        self.scale = origin.norm() / torch.linalg.matrix_norm(matrix)
        self.tolerance = self.rounding * torch.finfo(matrix.dtype).eps
        self.anchor, self.size, self.z = origin.new_zeros(0, len(matrix)), origin[:0], origin
        self.known = self.mapped = origin.new_zeros(0, 0, 0)

    def __call__(self, points: Tensor) -> Tensor:
        """Map q [R, r] to z [R, h], in the type of M whatever that of q."""
        size = points.norm(dim=1) + self.scale  # of z, in units of ‖M‖
        full = len(points) != len(self.size) or self.known.shape[1] == self.directions
        if full or (self.size > 2 * size).any():  # z is no small difference of large ones
            self._begin(points, size)
        away = (points - self.anchor).to(self.matrix)
        left = away - _combined(self.known, away, self.known)
        length = left.norm(dim=1)
        bound = self.tolerance * size
        if (length > bound).any():
            new = left
            for _ in range(3):  # what is left over is small: its rounding lies among the directions
                new = nn.functional.normalize(new - _combined(self.known, new, self.known), dim=1)
            new = torch.where((length > bound / 2).unsqueeze(1), new, 0)
            self.known = torch.cat([self.known, new.unsqueeze(1)], 1)
            self.mapped = torch.cat([self.mapped, (new @ self.matrix.T).unsqueeze(1)], 1)
        return self.z + _combined(self.known, away, self.mapped)

    def _begin(self, points: Tensor, size: Tensor) -> None:
        self.anchor, self.size = points, size
        self.z = torch.addmm(self.origin, points.to(self.matrix), self.matrix.T)
        self.known = self.matrix.new_zeros(len(points), 0, self.matrix.shape[1])
        self.mapped = self.matrix.new_zeros(len(points), 0, len(self.matrix))


def _combined(directions: Tensor, points: Tensor, images: Tensor) -> Tensor:
    """Sum images [R, k, h] of orthonormal directions [R, k, r] as points [R, r] hold these."""
    # As products of rows: PyTorch takes ten times as long for those of columns.
    return (points.unsqueeze(1) @ directions.mT @ images).squeeze(1)


def row_space_of(case: Case) -> RowSpace | None:
    """Give the row space of the first layer where a recipe's steps stay in it exactly, or None."""
    recipe, space = case.recipe, case.space
    if not isinstance(case.access, Everything):
        return None
    model = space.network.classifier if isinstance(space, CodeSpace) else case.attacked
    exact = (
        isinstance(space, PixelSpace | CodeSpace)
        and recipe.process == "identity"
        and not any(recipe.weights.values())
        and recipe.gradient in ("as_is", "momentum", "unit")
        and recipe.smoothing == 0
        and recipe.start != "random"
    )
    if not exact or not isinstance(model, Perceptron):
        return None
    weight, lengths_matter = model.first.weight, recipe.gradient == "unit"
    # Fewer than a quarter of the rows make a step cheaper; a length is right in any number.
    basis = orthonormal_rows(weight, max(64 * lengths_matter, len(weight) // 4))
    if basis is None and lengths_matter:
        return None
    start = case.starts(1, torch.Generator())[0]
    return RowSpace(model, OBJECTIVES[recipe.objective], start, basis)


@torch.no_grad()
def orthonormal_rows(weight: Tensor, limit: int) -> Tensor | None:
    """Find an orthonormal basis of the rows of a matrix, where few vectors span them all.

    Random combinations of the rows are made orthonormal, a block at a time, until a block has
    nothing new: then nothing is left over but rounding, except with probability 10⁻⁸⁰ [1]_.

    Parameters
    ----------
    weight
        float [h, d].
    limit
        The most vectors that are few.

    Returns
    -------
    float [r, d], or None where more than `limit` would be needed.

    References
    ----------
    .. [1] N. Halko, P. G. Martinsson and J. A. Tropp, "Finding structure with randomness", SIAM
       Review 53 (2011), equation 4.3 and algorithm 4.2.
    """
    generator = torch.Generator().manual_seed(0)
    basis = weight.new_zeros(0, weight.shape[1])
    rounding = 100 * torch.finfo(weight.dtype).eps
    scale = 0.0
    while len(basis) <= limit:
        mix = torch.randn(_BLOCK + _MORE, len(weight), generator=generator, dtype=torch.float64).to(
            weight
        )
        rows = mix @ weight
        scale = max(scale, rows.norm(dim=1).max().item())
        for _ in range(2):  # twice is enough for orthogonality to rounding
            rows -= (rows @ basis.T) @ basis
        if rows.norm(dim=1).max().item() <= rounding * scale:
            return basis
        q, r = torch.linalg.qr(rows.T)
        directions, lengths, _ = torch.linalg.svd(r)
        new = directions[:, lengths > rounding * scale][:, :_BLOCK]
        basis = torch.cat([basis, (q @ new).T])
    return None
