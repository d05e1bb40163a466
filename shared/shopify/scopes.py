"""Access scopes as Shopify counts them."""

from __future__ import annotations

from collections.abc import Iterable


def missing_scopes(granted: Iterable[str], needed: Iterable[str]) -> list[str]:
    """The needed scopes that are not granted. Shopify grants reading with writing and does not name it again."""
    have = set(granted)
    have |= {scope.replace("write_", "read_", 1) for scope in have if scope.startswith("write_")}
    return sorted(set(needed) - have)
