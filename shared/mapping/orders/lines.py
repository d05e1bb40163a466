"""An order's lines and charges as lines of a sales order, each with the amount that F&O will compute from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, NamedTuple

from shared.mapping.fo.fields import fit
from shared.mapping.orders.allocation import AllocatedPart, Allocation, BookedPrice
from shared.mapping.orders.items import charge_item
from shared.mapping.taxes.groups import LineTax, TaxGroups, taxes_by_title
from shared.mapping.taxes.settling import TaxedLine
from shared.model import (
    COMPONENTS,
    Component,
    FoPrice,
    FoRow,
    Item,
    Money,
    Order,
    OrderLine,
    ShippingLine,
    TaxedCharge,
    TaxLine,
    source_of,
    total,
)
from shared.rules import StoreRules, Warehouse


@dataclass(frozen=True, slots=True)
class PlannedLine(TaxedLine):
    component: Component
    source_id: int
    """Shopify's id of the line or shipping line; the order's id for its other charges."""
    record: FoRow
    """SalesOrderLinesV3 without company and order number, which are the order's.

    LineNumber is the line's key at every attempt. ExternalItemNumber, Shopify's id, only shows people where the line
    comes from: F&O may derive it anew from the customer's own item numbers, and the parts of a line share it.
    """
    part: int = 0
    """Which of the lines of its source it is, from 0."""

    @property
    def source(self) -> str:
        """Its source in Shopify, as the order's link holds it."""
        return source_of(self.component, self.source_id)

    def numbered(self, number: Decimal) -> PlannedLine:
        """The same under another LineNumber."""
        return replace(self, record={**self.record, "LineNumber": number})

    def without_delivery_mode(self) -> PlannedLine:
        """The same with an empty mode. F&O gives a line without the field its order's mode."""
        return replace(self, record={**self.record, "DeliveryModeCode": ""})

    @property
    def number(self) -> Decimal:
        number: Decimal = self.record["LineNumber"]
        return number


class _DraftLine(NamedTuple):
    """A line before it has its number."""

    component: Component
    source_id: int
    item: Item
    title: str
    quantity: int
    unit_price: Money
    gross: Money
    discount: Money
    tax: LineTax
    warehouse: Warehouse | None = None
    part: int = 0


def plan_lines(
    order: Order,
    rules: StoreRules,
    taxes: TaxGroups,
    *,
    items: Mapping[int, Item],
    allocation: Allocation,
    delivery_mode: str | None,
) -> list[PlannedLine]:
    """The lines of the sales order, numbered.

    The order's lines come first, in Shopify's order, then its charges, and the further parts of divided lines last: so
    a line keeps its number when the stock, and so the allocation, changed before the next attempt.
    Raises RefusedError for a charge or a tax without a rule, or a title that is too long.
    """
    first: list[_DraftLine] = []
    further: list[_DraftLine] = []
    for line in order.lines:
        one, *others = _parts(line, items[line.id], taxes, allocation)
        first.append(one)
        further += others
    drafts = [*first, *_charges(order, rules, taxes), *further]
    return [
        _planned(number, draft, rules, included=taxes.included, delivery_mode=delivery_mode)
        for number, draft in enumerate(drafts, start=1)
    ]


def plan_tax_difference(
    number: int, amount: Money, item: Item, order: Order, rules: StoreRules, *, taxes: TaxGroups, mode: str | None
) -> PlannedLine:
    """The line that makes F&O's total Shopify's, where both round tax differently."""
    draft = _charge(Component.TAX_DIFFERENCE, item, amount, order.id, taxes)
    return _planned(number, draft, rules, included=taxes.included, delivery_mode=mode)


def _parts(line: OrderLine, item: Item, taxes: TaxGroups, allocation: Allocation) -> list[_DraftLine]:
    """The line, or its parts where several warehouses ship it: to the cent they sum to the line."""
    charged = line.unit_price * line.quantity
    whole = _DraftLine(
        component=COMPONENTS[line.kind],
        source_id=line.id,
        item=item,
        title=line.title,
        quantity=line.quantity,
        unit_price=line.unit_price,
        gross=charged,
        discount=line.discount,
        tax=taxes.of(line.title, line.taxes),
    )
    whole = _with_gross(whole, taxes.moved(charged, line.taxes))
    parts = allocation.parts.get(line.id, ())
    if not parts:
        return [whole]
    if len(parts) == 1:
        return [whole._replace(warehouse=parts[0].warehouse)]
    return [
        whole._replace(quantity=part.quantity, gross=gross, discount=discount, warehouse=part.warehouse, part=at)
        for at, (part, (gross, discount)) in enumerate(zip(parts, _divided(whole, parts), strict=True))
    ]


def _divided(whole: _DraftLine, parts: Sequence[AllocatedPart]) -> list[tuple[Money, Money]]:
    """Gross and discount of each part. Parts that F&O has priced keep that as far as the whole allows it."""
    booked = {at: part.booked for at, part in enumerate(parts) if part.booked is not None}
    firm = {at: amounts for at, amounts in booked.items() if amounts.firm}
    return next(divided for kept in (booked, firm, {}) if (divided := _shared(whole, parts, kept)))


def _shared(
    whole: _DraftLine, parts: Sequence[AllocatedPart], kept: Mapping[int, BookedPrice]
) -> list[tuple[Money, Money]]:
    """The rest of the whole over the parts that are not kept, by quantity; [] where what is kept does not fit."""
    currency = whole.gross.currency
    gross, discount = whole.gross.rounded(), whole.discount.rounded()
    shares: dict[int, tuple[Money, Money]] = {}
    for at, its in kept.items():
        quantity = parts[at].quantity
        its_gross = Money(whole.gross.amount * quantity / whole.quantity, currency).rounded()
        of_pieces = Money(its_gross.amount / quantity, currency).rounded() * quantity
        its_discount = its_gross - Money(its.net, currency)
        if its.gross not in (its_gross.amount, of_pieces.amount) or not 0 <= its_discount.amount <= its_gross.amount:
            return []
        shares[at] = its_gross, its_discount
        gross, discount = gross - its_gross, discount - its_discount
    open_parts = [at for at in range(len(parts)) if at not in kept]
    if not open_parts:
        return [] if gross or discount else [shares[at] for at in range(len(parts))]
    if discount.amount < 0 or gross < discount:
        return []
    weights = [parts[at].quantity for at in open_parts]
    grosses = gross.split(weights)
    # In proportion to what the parts cost, not to their quantities: rounded otherwise, a part's discount could be more.
    discounts = discount.split([each.amount for each in grosses] if gross else weights)
    shares |= dict(zip(open_parts, zip(grosses, discounts, strict=True), strict=True))
    return [shares[at] for at in range(len(parts))]


def _charges(order: Order, rules: StoreRules, taxes: TaxGroups) -> Iterator[_DraftLine]:
    for shipping in order.shipping:
        if shipping.price:
            yield from _shipping(shipping, rules, taxes)
    for component, amount, taxed in (
        (Component.DUTIES, order.duties, order.taxed_duties),
        (Component.FEES, order.additional_fees, order.taxed_fees),
        (Component.CASH_ROUNDING, order.cash_rounding, ()),
    ):
        if amount:
            item = charge_item(component, amount, rules)
            charges = _by_taxes(component, item, amount, taxed, order=order, taxes=taxes)
            yield from (charge._replace(part=part) for part, charge in enumerate(charges))
    if rules.tax.service_item is not None:
        for part, (title, amount) in enumerate(taxes_by_title(order, by_marketplace=False).items()):
            charge = _charge(Component.TAX, Item(rules.tax.service_item), amount, order.id, taxes)
            yield charge._replace(title=title, part=part)


def _by_taxes(
    component: Component, item: Item, amount: Money, taxed: Sequence[TaxedCharge], *, order: Order, taxes: TaxGroups
) -> Iterator[_DraftLine]:
    """A charge of the whole order: what is not taxed of it, then a line for all that has the same taxes."""
    untaxed = amount - total((each.amount for each in taxed), order.currency)
    if untaxed:
        yield _charge(component, item, untaxed, order.id, taxes)
    for each in taxed:
        charge = _charge(component, item, each.amount, order.id, taxes, charged=each.taxes)
        taxes.require_rates(component, each, charge.tax)
        yield _with_gross(charge, taxes.moved(each.amount, each.taxes))


def _shipping(shipping: ShippingLine, rules: StoreRules, taxes: TaxGroups) -> Iterator[_DraftLine]:
    """The charge, or its parts where several rates share it: to the cent they sum to the charge."""
    gross = taxes.moved(shipping.price, shipping.taxes)
    net = gross - shipping.discount
    shares = taxes.shares(shipping, net)
    whole = _DraftLine(
        component=Component.SHIPPING,
        source_id=shipping.id,
        item=charge_item(Component.SHIPPING, shipping.price, rules),
        title=shipping.title,
        quantity=1,
        unit_price=shipping.price,
        gross=shipping.price,
        discount=shipping.discount,
        tax=shares[0][0],
    )
    weights = [weight for _, weight in shares]
    nets = net.rounded().split(weights)
    discounts = shipping.discount.rounded().split(weights)
    for part, ((tax, _), its_net, its_discount) in enumerate(zip(shares, nets, discounts, strict=True)):
        yield _with_gross(whole._replace(discount=its_discount, tax=tax, part=part), its_net + its_discount)


def _with_gross(draft: _DraftLine, gross: Money) -> _DraftLine:
    """The same line for another amount before discounts."""
    if gross == draft.gross:
        return draft
    return draft._replace(gross=gross, unit_price=Money(gross.amount / draft.quantity, gross.currency))


def _charge(
    component: Component,
    item: Item,
    amount: Money,
    order_id: int,
    taxes: TaxGroups,
    *,
    charged: Sequence[TaxLine] = (),
) -> _DraftLine:
    """A charge of the whole order; what is below zero as one piece taken back, as F&O writes credits."""
    price = abs(amount)
    return _DraftLine(
        component=component,
        source_id=order_id,
        item=item,
        title=component.capitalize(),
        quantity=-1 if amount.amount < 0 else 1,
        unit_price=price,
        gross=price,
        discount=price * 0,
        tax=taxes.of(component, charged),
    )


def _planned(
    number: int, draft: _DraftLine, rules: StoreRules, *, included: bool, delivery_mode: str | None
) -> PlannedLine:
    with_charges = rules.orders.odd_cents == "charge"
    quantity = Decimal(draft.quantity)
    priced = _priced_with_charges(draft) if with_charges else _priced(draft)
    amount = Money(priced.amount(quantity), draft.gross.currency).rounded()
    record: FoRow = {
        "LineNumber": Decimal(number),
        "ItemNumber": draft.item.number,
        "OrderedSalesQuantity": quantity,
        "SalesPrice": priced.price,
        "SalesPriceQuantity": priced.unit,
        "LineDiscountAmount": priced.discount,
        "LineDescription": fit("LineDescription", draft.title),
        "ExternalItemNumber": fit("ExternalItemNumber", str(draft.source_id)),
    }
    groups = zip(TAX_GROUPS, (draft.tax.sales_tax_group, draft.tax.item_tax_group), strict=True)
    record |= {name: group for name, group in groups if group}
    if with_charges:
        record["FixedPriceCharges"] = priced.charges
    record |= {field: value for field, value in zip(_DIMENSIONS, draft.item[1:], strict=True) if value}
    if draft.warehouse is not None:
        record["ShippingSiteId"] = draft.warehouse.site
        record["ShippingWarehouseId"] = draft.warehouse.id
    if delivery_mode is not None:
        record["DeliveryModeCode"] = delivery_mode
    if rules.orders.unit is not None and draft.component is Component.PRODUCTS:
        record["SalesUnitSymbol"] = rules.orders.unit
    return PlannedLine(
        component=draft.component,
        source_id=draft.source_id,
        record=record,
        amount=amount,
        tax=draft.tax,
        expected_tax=draft.tax.expected(amount, included=included),
        part=draft.part,
    )


TAX_GROUPS: Final = ("SalesTaxGroupCode", "SalesTaxItemGroupCode")
"""Of a sales order's line; the first is a field of its header too."""
_DIMENSIONS: Final = ("ProductColorId", "ProductConfigurationId", "ProductSizeId", "ProductStyleId", "ProductVersionId")
"""In the order of Item's fields."""


def _priced(draft: _DraftLine) -> FoPrice:
    """Price and discount are of one piece where both are whole cents. A discount of 10.00 on three pieces is not: then
    the price unit is the whole quantity, so that no cent is lost in a discount per piece.
    """
    quantity = Decimal(draft.quantity)
    discount = Money(draft.discount.amount / quantity, draft.discount.currency)
    if draft.unit_price.is_whole() and discount.is_whole():
        return FoPrice(draft.unit_price.amount, Decimal(1), discount.rounded().amount)
    return FoPrice(draft.gross.rounded().amount, quantity, draft.discount.rounded().amount)


def _priced_with_charges(draft: _DraftLine) -> FoPrice:
    """Price and discount are of one piece, rounded. What they lose is a charge of the line: 10.00 off three pieces is
    a discount of 3.33 and a charge of -0.01.
    """
    quantity, currency = Decimal(draft.quantity), draft.gross.currency
    gross, discount = draft.gross.rounded(), draft.discount.rounded()
    price, off = (Money(each.amount / abs(quantity), currency).rounded().amount for each in (gross, discount))
    priced = FoPrice(price, Decimal(1), off)
    net = (gross - discount).amount * (-1 if quantity < 0 else 1)
    return priced._replace(charges=net - priced.amount(quantity))
