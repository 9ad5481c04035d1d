"""Reading ``params.yaml``, and telling a person what is wrong with it."""

from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from miface.errors import MifaceError
from miface.params.base import Group

PARAMS = Path("params.yaml")
Kind = TypeVar("Kind")


def read_yaml(path: str | Path = PARAMS) -> dict[str, Any]:
    """Read a parameter file as it is: groups by name, not yet checked.

    Raises
    ------
    MifaceError
        If the file is missing, or is no YAML with groups.
    """
    path = Path(path)
    try:
        # As DVC reads and writes it: YAML 1.2, where 1e-05 is a number and a key may stand once.
        # Editors on Windows may begin a file with a byte-order mark.
        content: Any = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise MifaceError(
            f"{path}: cannot be read ({error.strerror}); run this from the project's folder"
        ) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise MifaceError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise MifaceError(f"{path}: found {type(content).__name__}, expected groups of parameters")
    return content


def load_group(key: str, kind: type[Kind], path: str | Path = PARAMS) -> Kind:
    """Read one group of a parameter file, or one value at its top, and nothing else.

    For stages that need no PyTorch, whose import the definitions of all groups would cost.

    Raises
    ------
    MifaceError
        As `read_yaml`, or if the group does not fit its definition; one line for each mistake.
    """
    return validate(kind, read_yaml(path).get(key), (key,), path)


def validate(kind: type[Kind], content: Any, at: tuple[str, ...], path: str | Path) -> Kind:
    """Check what stands at a key of a parameter file.

    Parameters
    ----------
    kind
        What it should be.
    content
        What was read.
    at
        The key, in parts.
    path
        The file, for the message.

    Raises
    ------
    MifaceError
        One line for each mistake: the key, what was found, and what is allowed.
    """
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        mistakes = [_describe(detail, kind, at) for detail in error.errors()]
        raise MifaceError("\n".join(f"{path}: {mistake}" for mistake in mistakes)) from None


def _describe(detail: ErrorDetails, kind: Any, at: tuple[str, ...]) -> str:
    """One line for one mistake."""
    loc = tuple(part for part in detail["loc"] if part != "[key]")  # a mark of pydantic's
    key = ".".join(str(part) for part in (*at, *loc))
    if detail["input"] is None and not loc:
        return f"{key}: missing; see docs/parameters.md for what it does"
    found = f"{key}: found {detail['input']!r}"
    match detail["type"]:
        case "missing":
            return f"{key}: missing; see docs/parameters.md for what it does"
        case "extra_forbidden":
            return f"{found}, but there is no such key; should be one of {_keys(kind, loc[:-1])}"
        case "model_type":
            return f"{found}, should be a group of {_keys(kind, loc)}"
        case "value_error":
            return str(detail["ctx"]["error"])
        case "list_type":
            return f"{found}, should be a list, such as [{detail['input']}]"
    _, _, rule = detail["msg"].rpartition("should ")  # "Input should …", "List should …"
    rule = rule.replace(" after validation", "").replace("valid tuple", "valid list")
    return f"{found}, should {rule}"


def _keys(kind: Any, loc: tuple[int | str, ...]) -> str:
    """Name the keys of the group at a location below a definition."""
    for part in loc:
        if isinstance(kind, type) and issubclass(kind, Group):
            kind = kind.model_fields[str(part)].annotation
        else:  # tuple[Pretraining, …]
            kind = get_args(kind)[-1]
    return ", ".join(field.alias or name for name, field in kind.model_fields.items())
