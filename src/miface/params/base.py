"""What the definitions of all groups of parameters share."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError, core_schema

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


def told_as(allowed: str) -> WrapValidator:
    """One message for a union of types, in place of one for each of its branches."""

    def validate(value: Any, union: ValidatorFunctionWrapHandler) -> Any:
        try:
            return union(value)
        except ValidationError:
            raise PydanticCustomError("union", f"should be {allowed}") from None

    return WrapValidator(validate)


def once(values: list[Any]) -> list[Any]:
    """Refuse a list that names something twice."""
    if len(set(values)) < len(values):
        raise PydanticCustomError("twice", "should name each but once")
    return values


CountOrRatio = Annotated[
    Count | Annotated[float, Field(gt=0, lt=1)],
    told_as("a count from 1 up, or a ratio above 0 and below 1"),
]


class Group(BaseModel):
    """A group of parameters: unknown keys, loose types, NaN and infinity are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class OneOf:
    """The names that a parameter may have, where something else defines them.

    Parameters
    ----------
    names
        What is allowed; read when a value is checked.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = names

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Allow the names as pydantic allows those of a Literal."""
        return core_schema.literal_schema(list(self.names))
