"""Parameters of the photos: what cannot be is refused in a line, before anything is read."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from miface.errors import MifaceError
from miface.params.schema import load_params


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data.person": "ada"}, "data.person: found 'ada', should be null, 'folder', 'path', or"),
        ({"data.person": "(ada"}, "data.person: found '(ada', which is no regular expression"),
        ({"data.least_photos": 1}, "data.least_photos: found 1, should be"),
        ({"data.align": "nose"}, "data.align: found 'nose', should be 'none' or 'eyes'"),
        ({"data.align": "eyes"}, "data.align: found 'eyes', which needs data.size"),
        ({"data.size": [112, 24]}, "data.size: found 112 × 24 pixels (height × width), should"),
        ({"data.size": [24, 112]}, "no side more than 4 times the other"),
        ({"data.size": [112, 15]}, "data.size.1: found 15, should be greater than or equal to 16"),
        ({"rendered.width": 24}, "rendered.height, rendered.width: found 112 × 24 pixels"),
    ],
)
def test_what_cannot_be_is_a_line(
    write_params: Callable[..., Path], changes: dict[str, Any], told: str
) -> None:
    path = write_params(changes)
    with pytest.raises(MifaceError, match=re.escape(told)) as caught:
        load_params(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("person", [None, "folder", "path", "([^/_]+)_"])
def test_rules_for_who_is_who(write_params: Callable[..., Path], person: str | None) -> None:
    assert load_params(write_params({"data.person": person})).data.person == person


def test_eyes_with_a_size(write_params: Callable[..., Path]) -> None:
    changes = {"data.align": "eyes", "data.size": [112, 92]}
    assert load_params(write_params(changes)).data.align == "eyes"
