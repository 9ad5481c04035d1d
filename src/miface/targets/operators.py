"""What the graph of a given file may ask for: a fixed list of PyTorch's operators, by name."""

import operator
import re
from collections.abc import Callable
from typing import Any

import torch

# Operators that only compute: none reads or writes a file, calls back into Python or draws.
ATEN = frozenset(
    """
    abs adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d add addmm alias amax amin any
    arange argmax avg_pool1d avg_pool2d baddbmm batch_norm bmm cat celu chunk clamp clamp_max
    clamp_min clone concat constant_pad_nd contiguous conv1d conv2d convolution cos cumsum detach
    div dropout einsum elu embedding empty_like eq erf exp expand expand_as expm1 eye fill flatten
    flip floor_divide full full_like gather ge gelu group_norm gt hardsigmoid hardswish hardtanh
    index index_select instance_norm layer_norm le leaky_relu lift_fresh_copy linalg_vector_norm
    linear log log1p log_sigmoid log_softmax logical_and logical_not logical_or logsumexp lt
    masked_fill matmul max max_pool2d max_pool2d_with_indices maximum mean min minimum mish mm mul
    narrow native_batch_norm _native_batch_norm_legit_no_training native_group_norm
    native_layer_norm ne neg new_full new_ones new_zeros norm ones ones_like pad permute
    pixel_shuffle pow prelu prod reciprocal reflection_pad2d relu relu6 remainder repeat
    replication_pad2d reshape rms_norm roll round rsqrt rsub scaled_dot_product_attention select
    selu sigmoid sign silu sin slice softmax _softmax _log_softmax _safe_softmax softplus split
    split_with_sizes sqrt square squeeze stack std sub sum sym_size t tan tanh to _to_copy
    transpose tril triu unbind unflatten _unsafe_view unsqueeze upsample_bilinear2d
    upsample_nearest2d var var_mean view view_as where zeros zeros_like
    """.split()  # noqa: SIM905 - a hundred quoted names are hard to read
)

# Those of them that make arrays anew, on a device that they are told.
MAKE = frozenset(
    f"torch.ops.aten.{name}"
    for name in (
        "arange.default", "arange.start", "arange.start_step", "eye.default", "eye.m",
        "full.default", "ones.default", "zeros.default",
    )
)  # fmt: skip

# Arithmetic on sizes, such as a batch's.
SIZES: dict[str, Callable[..., Any]] = {
    f"_operator.{name}": getattr(operator, name)
    for name in ("add", "sub", "mul", "floordiv", "mod", "neg", "eq", "ne", "le", "lt", "ge", "gt")
}

_LARGEST = 1 << 40
_TARGET = re.compile(r"torch\.ops\.aten\.([a-z_0-9]+)\.([A-Za-z_0-9]+)")


def find(target: str) -> Callable[..., Any]:
    """Give the operator of a name.

    Parameters
    ----------
    target
        As the file has it: ``torch.ops.aten.linear.default``.

    Raises
    ------
    LookupError
        If it is not of the list. Nothing is looked up by a name that is not.
    """
    if target in SIZES:
        return _of_sizes(SIZES[target])
    parts = _TARGET.fullmatch(target)
    if parts is not None:
        name, overload = parts.groups()
        if name in ATEN or (name.endswith("_") and name[:-1] in ATEN):
            packet = getattr(torch.ops.aten, name, None)
            if packet is not None and overload in packet.overloads() and "out" not in overload:
                return getattr(packet, overload)
    raise LookupError(target)


def _of_sizes(run: Callable[..., Any]) -> Callable[..., int]:
    """Hold an operator to whole numbers that a size can be: text times a number fills memory."""

    def held(*values: Any) -> int:
        result = run(*values) if all(isinstance(value, int) for value in values) else None
        if not isinstance(result, int) or abs(result) > _LARGEST:
            raise ValueError("arithmetic on what are no sizes")
        return result

    return held
