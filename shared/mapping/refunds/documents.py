"""The documents of F&O that a refund is credited with, as they are planned."""

from __future__ import annotations

from dataclasses import dataclass

from shared.mapping.taxes.settling import TaxedLine
from shared.model import Component, FoRow, Money


@dataclass(frozen=True, slots=True)
class PlannedCredit(TaxedLine):
    """A line of a return order or of a free text invoice."""

    component: Component
    title: str
    """What people call it."""
    record: FoRow
    """ReturnOrderLinesV2 or FreeTextInvoiceLines, without company and document."""


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    header: FoRow
    """Without company, number and reference."""
    lines: tuple[PlannedCredit, ...]

    @property
    def amount(self) -> Money:
        """Without the tax on top, if there is any."""
        return sum((line.amount for line in self.lines[1:]), self.lines[0].amount)
