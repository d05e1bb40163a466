"""What F&O puts into an order line whose price nobody gave."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from local.d365 import edm
from local.d365.books import Books
from local.d365.edm import Value, Values
from local.d365.ledger import PAR, exchange_rate
from local.d365.prices.agreements import FoundDiscount, FoundPrice, Sought, find_discount, find_price
from local.d365.prices.journals import discounts, prices_of_item
from local.d365.pricing import round_amount
from local.d365.product_sets import PRICE_GROUPS, RELEASED_PRODUCTS


@dataclass(frozen=True, slots=True)
class Quote:
    price: FoundPrice
    discount: FoundDiscount


def quote_line(books: Books, order: Values, line: Values) -> Quote:
    """The price and discount of an order line, by its order's customer, today in its company."""
    company = str(line["dataAreaId"])
    group = str(order["PriceCustomerGroupCode"])
    sought = Sought(
        item=str(line["ItemNumber"]),
        unit=str(line["SalesUnitSymbol"]),
        currency=str(line["CurrencyCode"]),
        quantity=abs(edm.number(line, "OrderedSalesQuantity")),
        day=company_day(books, company),
        account=str(order["OrderingCustomerAccountNumber"]),
        price_groups=groups_of(books, company, group),
        discount_group=str(order["LineDiscountCustomerGroupCode"]),
        item_discount_group=_item_discount_group(books, company, line["ItemNumber"]),
        dimensions=line,
    )
    return quote(books, company, sought)


def quote(books: Books, company: str, sought: Sought) -> Quote:
    """An agreement's price, or else the base price of the item."""
    commerce = books.parameters[company].commerce_pricing
    found = find_price(prices_of_item(books, company, sought.item), sought, commerce=commerce)
    price = found if found is not None else _base_price(books, company, sought)
    return Quote(price, find_discount(discounts(books, company), sought))


def groups_of(books: Books, company: str, group: str) -> dict[str, int]:
    """The price group with its pricing priority; none for ""."""
    row = books.find(PRICE_GROUPS, company, group) if group and PRICE_GROUPS in books.schema.sets else None
    priority = 0 if row is None else row.values["PricingPriority"]
    assert isinstance(priority, int)
    return {group: priority} if group else {}


def company_day(books: Books, company: str) -> datetime:
    """Today, as the company's clocks show it."""
    zone = ZoneInfo(books.world.companies[company].time_zone)
    return edm.day(books.clock().astimezone(zone)).replace(tzinfo=UTC)


def _base_price(books: Books, company: str, sought: Sought) -> FoundPrice:
    """The released product's, converted into the order's currency where it has another than the company."""
    row = books.find(RELEASED_PRODUCTS, company, sought.item)
    item = books.item(company, sought.item)
    if row is None:
        return FoundPrice(Decimal(0) if item is None else item.price, Decimal(1))
    price, unit = edm.number(row.values, "SalesPrice"), edm.number(row.values, "SalesPriceQuantity") or Decimal(1)
    charges = edm.number(row.values, "FixedSalesPriceCharges")
    rate = exchange_rate(books, company, sought.currency, sought.day)
    if rate is None or rate == PAR:
        return FoundPrice(price, unit, charges)
    price, charges = (round_amount(each * PAR / rate, sought.currency) for each in (price, charges))
    return FoundPrice(price, unit, charges)


def _item_discount_group(books: Books, company: str, item: Value) -> str:
    row = books.find(RELEASED_PRODUCTS, company, item)
    return "" if row is None else str(row.values["SalesLineDiscountProductGroupCode"])
