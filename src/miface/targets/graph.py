"""Running the graph of an exported program, step by step, with a fixed list of operators."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from miface.errors import MifaceError
from miface.targets import operators
from miface.targets.container import EXPORT
from miface.targets.pt2 import DTYPES, Program

MOST_VALUES = 1 << 28
"""Numbers in one array of a step: 1 GiB of floats."""

_FORMATS = {
    1: torch.contiguous_format, 2: torch.channels_last, 3: torch.channels_last_3d,
    4: torch.preserve_format,
}  # fmt: skip
_PLAIN: dict[str, type | tuple[type, ...]] = {
    "as_int": int, "as_float": (int, float), "as_bool": bool, "as_string": str,
}  # fmt: skip
_LISTS: dict[str, type | tuple[type, ...]] = {
    "as_ints": int,
    "as_floats": (int, float),
    "as_bools": bool,
}


class Graph(nn.Module):
    """A network that runs the steps of an exported program.

    Parameters
    ----------
    program
        As `miface.targets.pt2.read` gives it. Its weights become this module's, by their names in
        the graph; gradients reach its input.

    Raises
    ------
    MifaceError
        If it asks for an operator that is not of the list.
    """

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        for name, weight in program.weights.items():
            if name in program.parameters and weight.is_floating_point():
                self.register_parameter(name, nn.Parameter(weight, requires_grad=False))
            else:
                self.register_buffer(name, weight)
        try:
            self.steps = [(operators.find(node["target"]), node) for node in program.nodes]
        except LookupError as error:
            raise MifaceError(
                f"{program.path}: found the operator {error.args[0][:80]!r}, which is not of the "
                f"list that miface runs; leave it out of the model, and {EXPORT}"
            ) from None
        self.done = _done(program)

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs to outputs, in the shapes of the program."""
        values: dict[str, Any] = dict(self.named_parameters()) | dict(self.named_buffers())
        values[self.program.given] = x
        for (run, node), done in zip(self.steps, self.done, strict=True):
            _step(run, node, values, x.device)
            for name in done:
                values.pop(name, None)
        return values[self.program.scores]


def _done(program: Program) -> list[set[str]]:
    """Give the values that no later step needs, for each step, to let go of their memory."""
    needed, done = {program.scores}, []
    for node in reversed(program.nodes):
        names = set(_needs(node["inputs"])) | set(_names(node["outputs"]))
        done.append(names - needed)
        needed |= names
    return done[::-1]


def _needs(entry: Any) -> Iterator[str]:
    """Find all names of values in the arguments of a step."""
    if isinstance(entry, list):
        for item in entry:
            yield from _needs(item)
    elif isinstance(entry, dict):
        for key, item in entry.items():
            if key in ("name", "as_name") and isinstance(item, str):
                yield item
            else:
                yield from _needs(item)


def _step(
    run: Callable[..., Any], node: dict[str, Any], values: dict[str, Any], device: torch.device
) -> None:
    """Run one step and keep what it gives by its names."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for entry in node["inputs"]:
        value = _value(entry["arg"], values, device)
        if entry["kind"] == 2:
            named[entry["name"]] = value
        else:
            positional.append(value)
    if node["target"] in operators.MAKE:
        named["device"] = device
    given = run(*positional, **named)
    names = list(_names(node["outputs"]))
    results = given if isinstance(given, tuple | list) else (given,)
    if len(names) > len(results):
        raise ValueError(f"{node['target']} gives {len(results)} values, {len(names)} are named")
    for name, result in zip(names, results, strict=False):  # what is unused may have no name
        if isinstance(result, Tensor) and result.numel() > MOST_VALUES:
            raise ValueError(f"{node['target']} gives {result.numel()} numbers")
        values[name] = result


def _names(outputs: list[dict[str, Any]]) -> Iterator[str]:
    for output in outputs:
        ((kind, value),) = output.items()
        if kind == "as_tensor":
            yield value["name"]
        elif kind == "as_tensors":
            yield from (entry["name"] for entry in value)
        elif kind in ("as_sym_int", "as_sym_bool"):
            yield value["as_name"]
        else:
            raise ValueError(f"an output {kind}")


def _value(argument: dict[str, Any], values: dict[str, Any], device: torch.device) -> Any:
    """Give what an argument stands for: plain data, or a value of an earlier step."""
    ((kind, value),) = argument.items()
    if kind == "as_none":
        return None
    if kind in _PLAIN and isinstance(value, _PLAIN[kind]):
        return value
    if kind in _LISTS and all(isinstance(entry, _LISTS[kind]) for entry in value):
        return value
    if kind == "as_tensor":
        return values[value["name"]]
    if kind == "as_tensors":
        return [values[entry["name"]] for entry in value]
    if kind == "as_optional_tensor":
        return _value(value, values, device)
    if kind in ("as_optional_tensors", "as_sym_ints"):
        return [_value(entry, values, device) for entry in value]
    if kind in ("as_sym_int", "as_sym_bool", "as_name"):
        name = value if kind == "as_name" else value.get("as_name")
        return values[name] if name is not None else _value(value, values, device)
    if kind == "as_scalar_type":
        return DTYPES[value]
    if kind == "as_memory_format":
        return _FORMATS[value]
    if kind == "as_layout" and value == 7:
        return torch.strided
    if kind == "as_device":
        return device
    raise ValueError(f"an argument {kind}")
