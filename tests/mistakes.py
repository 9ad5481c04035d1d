"""What a parameter file is refused for."""

from pathlib import Path

import pytest

from miface.errors import MifaceError
from miface.params.schema import load_params


def mistakes(path: Path) -> list[str]:
    """The lines that refuse a file, without its name before each."""
    with pytest.raises(MifaceError) as caught:
        load_params(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]
