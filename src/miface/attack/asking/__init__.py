"""Attackers who only ask, and never see a weight. One module each.

Each is handed an access that counts what it asks, a budget, and what it knows beside; `ASKERS` has
them by their names in ``params.yaml``.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, create_model

from miface.attack.asking.asker import Asker
from miface.discovery import discover
from miface.params.base import Count, Group, OneOf, once

ASKERS: dict[str, type[Asker]] = discover(__name__, Asker)  # type: ignore[type-abstract]
"""The attackers who only ask, by name."""


class Queries(Group):
    """Attackers who only ask, and how often they may: what `make countermeasures` compares."""

    attackers: Annotated[
        list[Annotated[str, OneOf(ASKERS)]], AfterValidator(once), Field(min_length=1)
    ] = Field(description="Attackers to run.")
    budgets: Annotated[list[Count], AfterValidator(once), Field(min_length=1)] = Field(
        description="Questions: for each person, or for everybody together where the attacker's "
        "questions are the same for all."
    )


_FIELDS: dict[str, Any] = {name: (kind.Settings, ...) for name, kind in ASKERS.items()}
QUERIES: type[Queries] = create_model(
    "Queries", __base__=Queries, __doc__=Queries.__doc__, **_FIELDS
)
"""`Queries` with a group for each attacker."""
