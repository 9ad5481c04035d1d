"""Attackers who only ask, and never see a weight. One module each.

Each is handed an access that counts what it asks, a budget, and what it knows beside; `ASKERS` has
them by their names in ``params.yaml``.
"""

from miface.attack.asking.asker import Asker
from miface.discovery import discover

ASKERS: dict[str, type[Asker]] = discover(__name__, Asker)  # type: ignore[type-abstract]
"""The attackers who only ask, by name."""
