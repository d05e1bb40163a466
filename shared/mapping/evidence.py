"""A proof that amounts in Shopify and in F&O are the same money: kept for the accountant, and with every refusal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.model import Money, Order, OrderLine, TaxLine, Transaction


@dataclass(frozen=True, slots=True)
class ProofRow:
    """One amount. None where a system has no such amount, or has not been asked."""

    name: str
    shopify: Money | None = None
    fo: Money | None = None
    difference: Money | None = None
    """What is too much in F&O; of amounts in Shopify alone, what the parts exceed the stated amount by."""

    def as_dict(self) -> dict[str, str]:
        amounts = {"shopify": self.shopify, "fo": self.fo, "difference": self.difference}
        return {"name": self.name} | {side: _exact(amount) for side, amount in amounts.items() if amount is not None}


def _exact(amount: Money) -> str:
    """With fractions of the smallest unit, where it has any: they may be the whole difference."""
    return str(amount) if amount.is_whole() else f"{amount.amount.normalize():f} {amount.currency}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    subject: str
    components: tuple[ProofRow, ...]
    """What the total is made of, part by part."""
    totals: tuple[ProofRow, ...]
    """Sums and amounts beside them. The last row is the total that the components must sum to."""
    taxes: tuple[ProofRow, ...] = ()
    lines: tuple[ProofRow, ...] = ()
    """The components line by line: in the proof of a refusal."""
    notes: tuple[str, ...] = ()
    """How to understand the amounts, and what else was decided."""

    @property
    def total(self) -> Money:
        """Shopify's. Raises ValueError for a proof without one."""
        amount = self.totals[-1].shopify
        if amount is None:
            raise ValueError(f"the proof of {self.subject} has no total of Shopify")
        return amount

    def row(self, name: str) -> ProofRow:
        """The component or sum of this name; one without amounts where it was left out."""
        return next((row for row in (*self.components, *self.totals) if row.name == name), ProofRow(name))

    def as_dict(self) -> dict[str, Any]:
        """The same in strings and lists, to be stored as JSON. Empty tables and sums of nothing are left out."""
        *sums, last = self.totals
        tables = {
            "lines": self.lines,
            "components": self.components,
            "taxes": self.taxes,
            "totals": (*(row for row in sums if row.shopify or row.fo), last),
        }
        rows = {name: [row.as_dict() for row in table] for name, table in tables.items() if table}
        return {"subject": self.subject, **rows} | ({"notes": list(self.notes)} if self.notes else {})


def compared(name: str, shopify: Money, fo: Money) -> ProofRow:
    return ProofRow(name, shopify, fo, fo - shopify)


def summed(name: str, stated: Money, parts: Money) -> tuple[ProofRow, ...]:
    """A sum that Shopify states, and before it that of its parts where the two differ."""
    if stated == parts:
        return (ProofRow(name, stated),)
    return ProofRow(f"{name} of the parts", parts), ProofRow(name, stated, difference=parts - stated)


def present(rows: Iterable[ProofRow]) -> tuple[ProofRow, ...]:
    """The rows that have any amount but zero."""
    return tuple(row for row in rows if row.shopify or row.fo)


def line_name(line: OrderLine, quantity: int | None = None) -> str:
    return f"{line.quantity if quantity is None else quantity} x {line.sku or line.title}"


def line_rows(order: Order) -> Iterator[ProofRow]:
    """What every line and shipping line of Shopify costs after discounts."""
    for line in order.lines:
        yield ProofRow(line_name(line), line.net)
    for shipping in order.shipping:
        yield ProofRow(f"shipping: {shipping.title}", shipping.net)


def tax_rows(order: Order) -> Iterator[ProofRow]:
    """What Shopify charged, tax by tax and line by line."""
    named = [(line_name(line), line.taxes) for line in order.lines]
    named += [(f"shipping: {shipping.title}", shipping.taxes) for shipping in order.shipping]
    named += [("duties", charge.taxes) for charge in order.taxed_duties]
    named += [("additional fees", charge.taxes) for charge in order.taxed_fees]
    for name, taxes in named:
        for tax in taxes:
            yield ProofRow(f"{tax_name(tax)} on {name}", tax.amount)


def tax_name(tax: TaxLine) -> str:
    """The tax with its rate in percent."""
    return f"{tax.title} {(tax.rate * 100).normalize():f} %"


def pending_note(transactions: Iterable[Transaction]) -> str:
    """The money that is on its way, "" for none."""
    pending = [f"{each.kind} of {each.amount}" for each in transactions if each.is_pending]
    return f"on its way: {', '.join(pending)}" if pending else ""


_TABLES: Final = (("lines", "Line by line"), ("components", "By component"), ("taxes", "Taxes"), ("totals", "Totals"))
_COLUMNS: Final = ("shopify", "fo", "difference")
_NAME_WIDTH: Final = 60


def proof_table(proof: Mapping[str, Any]) -> list[str]:
    """A stored proof as lines of text: what, Shopify, F&O, difference, in columns; the totals last, then the notes."""
    tables = [(title, proof[key]) for key, title in _TABLES if proof.get(key)]
    cells = {key: [row.get(key, "") for _, table in tables for row in table] for key in _COLUMNS}
    names = [_shortened(row["name"]) for _, table in tables for row in table]
    heads = dict(zip(_COLUMNS, ("Shopify", "F&O", "Difference"), strict=True))
    wide = max(map(len, (proof["subject"], *names)))
    widths = {key: max(map(len, (heads[key], *cells[key]))) for key in _COLUMNS}

    def written(name: str, row: Mapping[str, str]) -> str:
        return "  ".join((name.ljust(wide), *(row.get(key, "").rjust(widths[key]) for key in _COLUMNS))).rstrip()

    shown = [written(proof["subject"], heads)]
    for title, table in tables:
        shown += ["", title, *(written(_shortened(row["name"]), row) for row in table)]
    return [*shown, *(["", *(f"Note: {note}" for note in proof["notes"])] if proof.get("notes") else [])]


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 1]}…"
