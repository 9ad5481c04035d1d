"""Parameters of the photos: where they come from and which of them train."""

from typing import Annotated

from pydantic import Field

from miface.params.base import CountOrRatio, Group, Positive


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
    size: tuple[Annotated[int, Field(ge=16)], Annotated[int, Field(ge=16)]] | None = Field(
        strict=False,
        description="[height, width] in pixels that every photo is resized to; null keeps the "
        "photos as they are, which must then be of one size.",
    )
    timeout: Positive = Field(description="Seconds that a mirror may take to answer.")


class Rendered(Group):
    """The faces that the project draws itself."""

    people: Annotated[int, Field(ge=2)] = Field(description="Number of people.")
    photos: Annotated[int, Field(ge=2)] = Field(description="Photos of each person.")
    height: Annotated[int, Field(ge=24)] = Field(description="Height in pixels.")
    width: Annotated[int, Field(ge=24)] = Field(description="Width in pixels.")
    seed: Annotated[int, Field(ge=0)] = Field(description="Seed of the people and their photos.")


class Split(Group):
    """Which photos train the recognisers and which are held out."""

    train_per_person: CountOrRatio = Field(
        description="Photos of each person to train on: a count (7), or a ratio (0.7)."
    )
