"""What F&O has of prices, as one value: what the calculator works on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from shared.model import Item
from shared.model.trade_agreement import (
    DiscountAgreement,
    OrderQuantities,
    PriceAgreement,
    SalesItem,
    UnitConversion,
)


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Of one company."""

    items: Mapping[str, SalesItem]
    """By item number, in lower case."""
    agreements: Sequence[PriceAgreement] = ()
    discounts: Sequence[DiscountAgreement] = ()
    conversions: Mapping[tuple[str, str, str], Fraction] = field(default_factory=dict)
    """Of `conversion_factors`."""
    priorities: Mapping[str, int] = field(default_factory=dict)
    """Price group, in lower case -> pricing priority."""
    tax_groups: Mapping[Item, str] = field(default_factory=dict)
    """Item sales tax group of variants that have one of their own."""
    quantities: Mapping[Item, OrderQuantities] = field(default_factory=dict)
    """Order quantities of items, and of variants that have their own."""

    def sales_item(self, item: Item) -> SalesItem | None:
        return self.items.get(item.number.casefold())

    def tax_group(self, item: Item) -> str:
        """Item sales tax group; "" for an item that has none."""
        own = self.tax_groups.get(item, "")
        sales_item = self.sales_item(item)
        return own or (sales_item.tax_group if sales_item else "")

    def quantities_of(self, item: Item) -> OrderQuantities | None:
        return self.quantities.get(item) or self.quantities.get(Item(item.number))

    def per_unit(self, product: str, unit: str, piece: str) -> Fraction | None:
        """How many pieces one unit of the product has; None where F&O has no conversion."""
        return self.conversions.get((product.casefold(), unit.casefold(), piece.casefold()))


def conversion_factors(rows: Iterable[UnitConversion]) -> dict[tuple[str, str, str], Fraction]:
    """(product, from unit, to unit) in lower case -> how many of the second unit one of the first has, both ways.

    Conversions with an offset, or by 0, are left out.
    """
    factors: dict[tuple[str, str, str], Fraction] = {}
    for row in rows:
        if row.has_offset or not row.factor or not row.numerator or not row.denominator:
            continue
        factor = Fraction(row.factor) * Fraction(row.numerator, row.denominator)
        product, first, second = row.product.casefold(), row.from_unit.casefold(), row.to_unit.casefold()
        factors[product, first, second] = factor
        factors.setdefault((product, second, first), 1 / factor)
    return factors


def by_item_number[A: (PriceAgreement, DiscountAgreement)](rows: Iterable[A]) -> dict[str, list[A]]:
    """The rows by item number in lower case; under "" those for more items than one."""
    found: defaultdict[str, list[A]] = defaultdict(list)
    for row in rows:
        found[row.terms.item.number.casefold()].append(row)
    return dict(found)
