"""Finding what a package holds: each thing is a module, and to add one is to add its module."""

import importlib
import pkgutil
from inspect import isabstract
from typing import TypeVar

Kind = TypeVar("Kind")


def discover(package: str, base: type[Kind]) -> dict[str, type[Kind]]:
    """Give the classes of a kind that the modules of a package define, abstract ones left out.

    Parameters
    ----------
    package
        The package's full name.
    base
        What they derive from.

    Returns
    -------
    dict
        A class by its module's name, in the order of the names. A module without such a class
        is no thing of this kind, but a part that several share.

    Raises
    ------
    TypeError
        If a module defines two.
    """
    path = importlib.import_module(package).__path__
    found: dict[str, type[Kind]] = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(path)):
        module = importlib.import_module(f"{package}.{name}")
        kinds = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, base)
            and value is not base
            and value.__module__ == module.__name__
            and not isabstract(value)
        ]
        if len(kinds) > 1:
            raise TypeError(f"{module.__name__}: found {len(kinds)} kinds of {base.__name__}")
        if kinds:
            found[name] = kinds[0]
    return found
