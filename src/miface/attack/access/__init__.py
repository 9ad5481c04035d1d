"""What an attacker may ask of a recogniser: everything, confidences, or labels. One module each.

The attack holds an access and no network, and what it asks is counted there.
"""

from miface.attack.access.access import Access
from miface.discovery import discover

ACCESSES: dict[str, type[Access]] = discover(__name__, Access)  # type: ignore[type-abstract]
"""The kinds of access by their names in ``params.yaml``."""
