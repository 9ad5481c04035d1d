"""PyTorch's exported programs on disk, read as data.

A ``.pt2`` is a zip of JSON and raw weights, beside pickled inputs. PyTorch's own reader unpickles,
and evaluates text of the file; this one opens the JSON and the raw weights alone.
"""

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from miface.errors import MifaceError
from miface.targets.container import EXPORT, Members, brief, looks_like

MAJOR = 8  # of the schema of the JSON

# The numbers of the schema, which are not PyTorch's own.
DTYPES = {
    1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64,
    6: torch.float16, 7: torch.float32, 8: torch.float64, 12: torch.bool, 13: torch.bfloat16,
}  # fmt: skip


@dataclass(frozen=True)
class Program:
    """An exported program: a graph from one input to one output.

    Attributes
    ----------
    path
        The file.
    nodes
        The graph's steps, as the file has them, in their order.
    weights
        Parameters, buffers and constants by their names in the graph.
    parameters
        Which of them are parameters.
    given
        The name of the input.
    shape
        The input's sizes; None where any will do.
    dtype
        The input's type.
    scores
        The name of the output.
    """

    path: Path
    nodes: list[dict[str, Any]]
    weights: dict[str, Tensor]
    parameters: frozenset[str]
    given: str
    shape: tuple[int | None, ...]
    dtype: torch.dtype
    scores: str


def read(path: str | Path) -> Program:
    """Read an exported program; nothing of the file is run or unpickled.

    Raises
    ------
    MifaceError
        If the file is missing, is no exported program of one input and one output, or holds
        weights that could only be unpickled.
    """
    path = Path(path)
    if not path.is_file():
        raise MifaceError(f"{path}: no such file; give the path of an exported program (.pt2)")
    try:
        with zipfile.ZipFile(path) as archive:
            return _program(path, Members(path, archive))
    except zipfile.BadZipFile:
        raise MifaceError(
            f"{path}: found {looks_like(path)}, expected an exported program; {EXPORT}"
        ) from None
    except (
        KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError, RecursionError,
        NotImplementedError, OverflowError, EOFError, OSError,
    ) as error:  # fmt: skip
        raise MifaceError(
            f"{path}: cannot be read as an exported program ({brief(error)}); {EXPORT}"
        ) from None


def _program(path: Path, members: Members) -> Program:
    models = [name for name in members.infos if name.startswith("models/")]
    if len(models) != 1:
        raise MifaceError(f"{path}: found {len(models)} models in it, expected one; {EXPORT}")
    if members.bytes("byteorder") != b"little":
        raise ValueError("its weights are not little-endian")
    content = members.json(models[0])
    version = content["schema_version"]["major"]
    if version != MAJOR:
        raise MifaceError(
            f"{path}: found version {version} of the format, expected {MAJOR}; with PyTorch "
            f"{torch.__version__.partition('+')[0]}, {EXPORT}"
        )
    name = models[0].removeprefix("models/").removesuffix(".json")
    stored = _weights(path, members, f"data/weights/{name}_weights_config.json")
    stored |= _weights(path, members, f"data/constants/{name}_constants_config.json")
    graph, signature = content["graph_module"]["graph"], content["graph_module"]["signature"]
    given, weights, parameters = _inputs(path, signature["input_specs"], stored)
    meta = graph["tensor_values"][given]
    return Program(
        path=path,
        nodes=graph["nodes"],
        weights=weights,
        parameters=parameters,
        given=given,
        shape=tuple(_number(size) if "as_int" in size else None for size in meta["sizes"]),
        dtype=DTYPES[meta["dtype"]],
        scores=_output(path, signature["output_specs"]),
    )


def _inputs(
    path: Path, specs: list[dict[str, Any]], stored: dict[str, Tensor]
) -> tuple[str, dict[str, Tensor], frozenset[str]]:
    """Give the name of the one input, and the weights and parameters by their names."""
    given: list[str] = []
    weights: dict[str, Tensor] = {}
    parameters: set[str] = set()
    keys = {
        "parameter": "parameter_name", "buffer": "buffer_name",
        "tensor_constant": "tensor_constant_name",
    }  # fmt: skip
    for spec in specs:
        ((kind, value),) = spec.items()
        if kind in keys:
            weights[value["arg"]["name"]] = stored[value[keys[kind]]]
            if kind == "parameter":
                parameters.add(value["arg"]["name"])
        elif kind == "user_input" and "as_tensor" in value["arg"]:
            given.append(value["arg"]["as_tensor"]["name"])
        else:
            raise MifaceError(
                f"{path}: found an input that is no array ({kind}), expected photos alone; "
                f"wrap the model so that it takes photos alone, and {EXPORT}"
            )
    if len(given) != 1:
        raise MifaceError(
            f"{path}: found {len(given)} inputs ({', '.join(map(repr, given))}), expected one, "
            f"the photos; wrap the model so that it takes photos alone, and {EXPORT}"
        )
    return given[0], weights, frozenset(parameters)


def _output(path: Path, specs: list[dict[str, Any]]) -> str:
    kinds = [kind for spec in specs for kind in spec]
    if "buffer_mutation" in kinds:
        raise MifaceError(
            f"{path}: found a model in training mode (it changes its own statistics), expected "
            f"one in evaluation mode; {EXPORT}"
        )
    if kinds != ["user_output"] or "as_tensor" not in specs[0]["user_output"]["arg"]:
        raise MifaceError(
            f"{path}: found {len(kinds)} outputs, expected one array, a score for each label; "
            f"wrap the model so that it gives scores alone, and {EXPORT}"
        )
    return str(specs[0]["user_output"]["arg"]["as_tensor"]["name"])


def _number(size: dict[str, Any]) -> int:
    number = size["as_int"]
    if not isinstance(number, int) or not 0 <= number < 1 << 40:
        raise ValueError(f"a size of {number}")
    return number


def _weights(path: Path, members: Members, config: str) -> dict[str, Tensor]:
    """Read the raw weights that a configuration lists, by their names in the model."""
    folder = config.rpartition("/")[0]
    flat: dict[tuple[str, int], Tensor] = {}  # weights may share memory
    weights: dict[str, Tensor] = {}
    for name, entry in members.json(config)["config"].items():
        member, meta = entry["path_name"], entry["tensor_meta"]
        if entry["use_pickle"] or meta is None or not member.startswith(("weight_", "tensor_")):
            raise MifaceError(
                f"{path}: found {name!r} stored as a pickle, which can run code, expected raw "
                f"numbers; with plain tensors as weights, {EXPORT}"
            )
        sizes, strides = (tuple(map(_number, meta[key])) for key in ("sizes", "strides"))
        key = member, meta["dtype"]
        if key not in flat:
            raw = members.bytes(f"{folder}/{member}")
            flat[key] = torch.frombuffer(bytearray(raw or bytes(8)), dtype=DTYPES[meta["dtype"]])
        if math.prod(sizes) > flat[key].numel():
            raise ValueError(f"{name} has {math.prod(sizes)} numbers, {flat[key].numel()} stored")
        # Outside what is stored, as_strided raises.
        weights[name] = torch.as_strided(flat[key], sizes, strides, _number(meta["storage_offset"]))
    return weights
