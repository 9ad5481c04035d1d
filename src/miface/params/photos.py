"""Parameters of the photos: where they come from, how they are read, and which of them train."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from miface.params.base import CountOrRatio, Group, Positive

SMALLEST, NARROWEST = 16, 4
"""Least side of a photo in pixels, and how many times longer the other may be: on smaller and
narrower ones neither the networks nor the independent recognisers have anything to go by."""

Side = Annotated[int, Field(ge=SMALLEST)]


def no_strip(key: str, height: int, width: int) -> None:
    """Refuse photos that are a strip."""
    if max(height, width) > NARROWEST * min(height, width):
        raise ValueError(
            f"{key}: found {height} × {width} pixels (height × width), should have no side more "
            f"than {NARROWEST} times the other"
        )


class Data(Group):
    """Where the photos come from."""

    sources: list[str] = Field(
        min_length=1,
        description="Tried in order, the first that answers is used: an archive or a folder with "
        "one folder a person, an HTTPS address of an archive, or `rendered`.",
    )
    digest: str | None = Field(
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of all decoded pixels that an archive must have (a folder is taken "
        "as it is); null takes any archive.",
    )
    size: tuple[Side, Side] | None = Field(
        strict=False,
        description="[height, width] in pixels that every photo is resized to; null keeps the "
        "photos as they are, which must then be of one size.",
    )
    timeout: Positive = Field(description="Seconds that a mirror may take to answer.")
    person: str | None = Field(
        description="Who is on a photo. null: its folder, and two folders of one name are a "
        "mistake; `folder`: folders of one name are one person; `path`: folders of one name are "
        "different people; else a regular expression searched for in the path of the file, whose "
        "first group is the person, as in `([^/_]+)_`."
    )
    least_photos: Annotated[int, Field(ge=2)] | None = Field(
        description="People with fewer photos are left out, and named; null makes a person with "
        "fewer than two a mistake."
    )
    align: Literal["none", "eyes"] = Field(
        description="`eyes` finds the face in every photo, and turns, scales and crops it so that "
        "the eyes are in the same place (needs `data.size`; photos without a face are left out, "
        "and named); `none` crops about the centre."
    )

    @field_validator("size")
    @classmethod
    def _no_strip(cls, size: tuple[int, int] | None) -> tuple[int, int] | None:
        if size is not None:
            no_strip("data.size", *size)
        return size

    @field_validator("person")
    @classmethod
    def _rule_or_pattern(cls, person: str | None) -> str | None:
        if person in (None, "folder", "path"):
            return person
        try:
            groups = re.compile(person).groups
        except re.error as error:
            raise ValueError(
                f"data.person: found {person!r}, which is no regular expression ({error})"
            ) from None
        if groups < 1:
            raise ValueError(
                f"data.person: found {person!r}, should be null, 'folder', 'path', or a regular "
                "expression with a group for the person, as '([^/_]+)_'"
            )
        return person

    @model_validator(mode="after")
    def _eyes_need_a_size(self) -> "Data":
        if self.align == "eyes" and self.size is None:
            raise ValueError(
                "data.align: found 'eyes', which needs data.size; set data.size=[112,92], say"
            )
        return self


class Rendered(Group):
    """The faces that the project draws itself."""

    people: Annotated[int, Field(ge=2)] = Field(description="Number of people.")
    photos: Annotated[int, Field(ge=2)] = Field(description="Photos of each person.")
    height: Annotated[int, Field(ge=24)] = Field(description="Height in pixels.")
    width: Annotated[int, Field(ge=24)] = Field(description="Width in pixels.")
    seed: Annotated[int, Field(ge=0)] = Field(description="Seed of the people and their photos.")

    @model_validator(mode="after")
    def _no_strip(self) -> "Rendered":
        no_strip("rendered.height, rendered.width", self.height, self.width)
        return self


class Split(Group):
    """Which photos train the recognisers and which are held out."""

    train_per_person: CountOrRatio = Field(
        description="Photos of each person to train on: a count (7), or a ratio (0.7)."
    )
