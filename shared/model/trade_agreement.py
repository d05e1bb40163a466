"""What F&O says about the prices of a company's items: base prices, trade agreements, units, order quantities."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from shared.model.stock import Item

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class SalesItem:
    """A released item as it is sold. Fields are those of ReleasedProductsV2."""

    number: str
    product: str
    """ProductNumber: conversions of units are those of the product."""
    is_master: bool
    """Its variants are sold, not the item itself."""
    sales_unit: str
    inventory_unit: str
    base_price: Decimal
    """SalesPrice, in the company's currency, of `base_per` sales units."""
    base_per: Decimal
    """SalesPriceQuantity; 0 counts as 1."""
    tax_group: str
    """SalesSalesTaxItemGroupCode."""
    discount_group: str = ""
    """SalesLineDiscountProductGroupCode."""
    charges: Decimal = _NOTHING
    """FixedSalesPriceCharges."""


@dataclass(frozen=True, slots=True)
class AgreementTerms:
    """For whom and what a row of a trade agreement is. Texts are "" where the row is for all."""

    account: str
    group: str
    """Of customers: a price group, or a line discount group. Without account and group the row is for everyone."""
    item: Item
    """With the dimensions that the row names: "" in a dimension covers all its values. Number "" is every item."""
    currency: str
    unit: str
    from_quantity: Decimal
    """From this quantity on, in the row's unit."""
    to_quantity: Decimal
    """Up to this quantity, which is not included; 0 for no limit."""
    first_day: date | None
    last_day: date | None
    """Included. None for no limit."""
    searches_on: bool
    """WillSearchContinue ("Find next"): rows for more customers count too."""
    site: str = ""
    warehouse: str = ""
    any_currency: bool = False
    """IsGenericCurrencySearchEnabled: F&O also converts it to currencies without rows of their own."""

    def is_valid(self, day: date) -> bool:
        return (self.first_day is None or self.first_day <= day) and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True, slots=True)
class PriceAgreement:
    """A posted sales price: a row of SalesPriceAgreements."""

    record: int
    """RecordId."""
    terms: AgreementTerms
    price: Decimal
    per: Decimal
    """SalesPriceQuantity: the price is of so many units; 0 counts as 1."""
    charges: Decimal = _NOTHING
    """FixedPriceCharges."""
    attributes: str = ""
    """AttributeBasedPricingId: the price depends on attributes of the batch."""


@dataclass(frozen=True, slots=True)
class DiscountAgreement:
    """A posted line discount: a row of SalesLineDiscountAgreements."""

    record: int
    terms: AgreementTerms
    item_group: str
    """LineDiscountProductGroupCode; "" where the row names an item, or is for all items."""
    amount: Decimal
    """Off the price of a unit."""
    percent: Decimal
    """Both percentages of the row together, as one after the other."""


@dataclass(frozen=True, slots=True)
class UnitConversion:
    """How many of one unit a product has in another. A row of ProductSpecificUnitOfMeasureConversions."""

    product: str
    from_unit: str
    to_unit: str
    factor: Decimal
    numerator: int
    denominator: int
    has_offset: bool
    """Such as of temperatures: no number of pieces."""


@dataclass(frozen=True, slots=True)
class OrderQuantities:
    """What F&O lets an order have of an item, in inventory units. 0 for no limit."""

    minimum: Decimal
    maximum: Decimal
    multiple: Decimal
