"""The reference of all parameters, written from the definitions that validate them."""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from tabulate import tabulate

from miface.attack.methods import MiFace
from miface.attack.recipe import Recipe
from miface.params.base import Group, OneOf
from miface.params.schema import SCHEMA

_HEAD = """# Parameters

Every key of `params.yaml`. Written from the definitions that validate the file
(`src/miface/params`) by `make docs`; a test holds the two together. Change one for one run with
`dvc exp run -S key=value`; a key that is not written out in the file takes a plus, as in
`-S +refined.cnn.smoothing=1`.
"""

_NOTES = {
    "mi_face": " `mi_face.<model>.process` (`identity`, `clamp` or `process_dae`): what is done to "
    "every candidate; `identity` for a model that is not named. `process_dae` (decode, denoise, "
    "sharpen, encode) needs the DAE.",
    "recipe": " The defaults: `refined` and `prior` state what differs from them.",
    "refined": " `refined.<model>.<key>`, with any key of `recipe`.",
    "known_code": " Its recipes: `known_code.<model>.<key>`, with any key of `recipe`.",
    "prior": " Its recipes: `prior.<model>.<key>`, with any key of `recipe`.",
}


def parameter_reference(values: dict[str, Any]) -> str:
    """Write the reference as Markdown.

    Parameters
    ----------
    values
        The content of ``params.yaml``, whose values are shown as the defaults.
    """
    return _HEAD + "".join(_section(SCHEMA, [], values))


def _section(group: type[Group], path: list[str], values: Any) -> list[str]:
    rows, below = [], []
    for name, field in group.model_fields.items():
        key = field.alias or name
        inner = _inner_group(field.annotation)
        value = values.get(key) if isinstance(values, dict) else None
        if inner is None:
            allowed = _allowed(field)
            rows.append([f"`{'.'.join([*path, key])}`", allowed, _show(value), field.description])
        elif get_origin(field.annotation) is tuple:
            shown = value[0] if isinstance(value, list) else None
            below += _section(inner, [*path, key, "<0 or 1>"], shown)
        elif inner in (Recipe, MiFace) and path:
            continue  # one of the groups of a model, whose keys are said once
        else:
            below += _section(inner, [*path, key], value)
    title = f"`{'.'.join(path)}`" if path else "At the top"
    text = (group.__doc__ or "").strip().split("\n")[0] + _NOTES.get(".".join(path), "")
    if not rows and ".".join(path) not in _NOTES:
        return below
    table = tabulate(
        rows, ["key", "allowed", "value", "effect"], tablefmt="github", disable_numparse=True
    )
    return [f"\n## {title}\n\n{text}\n\n{table}\n" if rows else f"\n## {title}\n\n{text}\n", *below]


def _inner_group(annotation: Any) -> type[Group] | None:
    """Give the group that an annotation holds, if any."""
    if isinstance(annotation, type) and issubclass(annotation, Group):
        return annotation
    inner = (_inner_group(argument) for argument in get_args(annotation))
    return next((group for group in inner if group is not None), None)


_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def _limits(metadata: Any) -> str:
    limits = []
    for constraint in metadata:
        for limit in getattr(constraint, "metadata", [constraint]):
            limits += [
                f"{sign} {getattr(limit, name)}"
                for name, sign in _SIGNS.items()
                if getattr(limit, name, None) is not None
            ]
    return ", ".join(limits)


def _allowed(field: FieldInfo) -> str:
    text = _type(field.annotation)
    if names := next((m.names for m in field.metadata if isinstance(m, OneOf)), None):
        return ", ".join(f"`{name}`" for name in names)
    limits = _limits(field.metadata)
    return f"{text} {limits}".strip() if limits else text


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        if names := next((m.names for m in arguments[1:] if isinstance(m, OneOf)), None):
            return ", ".join(f"`{name}`" for name in names)
        return f"{_type(arguments[0])} {_limits(arguments[1:])}".strip()
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_type(argument) for argument in arguments)
    if origin is dict and get_origin(arguments[1]) is dict:
        return "keys of a recogniser's group, by variant and recogniser"
    if origin is dict:
        return "`none`, or strengths by name"
    if origin in (list, tuple):
        inner = [_type(argument) for argument in arguments if argument is not Ellipsis]
        return f"list of {' and '.join(dict.fromkeys(inner))}"
    if annotation is NoneType:
        return "null"
    words = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    return words.get(annotation, str(annotation))


def _show(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list | dict):  # of a dictionary its names
        return ", ".join(f"`{item}`" for item in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
