"""What a proof keeps for the accountant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared.model import Money, Transaction


@dataclass(frozen=True, slots=True)
class MoneyEvidence:
    """What money a refund or an order's payments are made of. The components sum to exactly the total."""

    subject: str
    components: tuple[tuple[str, Money], ...]
    """Name and amount; what is zero is left out."""
    total: Money
    readings: tuple[str, ...]
    """What explains a component that is neither goods nor money."""

    def as_dict(self) -> dict[str, Any]:
        """The same in strings and lists, to be stored as JSON and read by people."""
        return {
            "subject": self.subject,
            "components": {name: str(amount) for name, amount in self.components},
            "total": str(self.total),
            "readings": list(self.readings),
        }


def waiting(transactions: Iterable[Transaction]) -> str:
    """What is on its way, in words."""
    waiting = [f"{each.kind} of {each.amount}" for each in transactions if each.is_pending]
    return f"on its way: {', '.join(waiting)}" if waiting else ""


def present(components: Iterable[tuple[str, Money]]) -> tuple[tuple[str, Money], ...]:
    return tuple((name, amount) for name, amount in components if amount)
