"""A Shopify order as a sales order of F&O: header, lines, and the proof that both sides are the same money."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.dimensions import ORDER_FIELD, dimensioned, sku_of
from shared.mapping.evidence import Proof
from shared.mapping.fo.address import address_block, name_over_lines
from shared.mapping.fo.fields import fit, fits, noon, written_day, yes_no
from shared.mapping.orders.allocation import Allocation
from shared.mapping.orders.lines import PlannedLine, plan_lines, plan_tax_difference
from shared.mapping.orders.plan_proof import compare_booked, compare_plan, compare_tax_groups, prove_plan
from shared.mapping.orders.proof import refuse_test_order
from shared.mapping.taxes.groups import TaxGroups, charged_tax, one_sales_tax_group
from shared.mapping.taxes.place import place_of_sale, ship_to
from shared.mapping.taxes.settling import TaxSettling
from shared.model import DeliveryMethod, FoRow, Item, Money, Order, OrderRecord, Place, TaxGroupPair, TaxKey, TaxSetup
from shared.rules import StoreRules

LINE_KEY: Final = "LineNumber"
"""The key of a planned line within its order; the same at every attempt."""

_NUMBERS: Final = re.compile(r"([0-9]+)(?:-[0-9]{1,3})?")
"""What a reference has after the store: the order, and which of its sales orders it is. Ids of orders have more digits:
another store whose key ends in a number has none of these.
"""

type ShippingKey = tuple[str, str]
"""Code and title of a shipping line; no code and the name of a delivery method, where that has a mode of its own."""
_WITHOUT_SHIPPING: Final[ShippingKey] = ("", "")


@dataclass(frozen=True, slots=True)
class SalesOrderPlan:
    company: str
    number: str | None
    """SalesOrderNumber where it is ours to choose, None where F&O draws it."""
    reference: str
    """CustomersOrderReference: the order's identity in F&O."""
    header: FoRow
    """SalesOrderHeadersV4 without company, number, reference and hold: whoever writes the order sets those."""
    lines: tuple[PlannedLine, ...]
    left_behind: tuple[str, ...]
    """What the order has and F&O has no field for, or no field long enough."""
    evidence: Proof
    place: Place
    """Where the order is taxed."""
    tax_groups: Mapping[TaxKey, TaxGroupPair]
    """The recorded groups, and those that the rules decided now."""
    delivery_modes: Mapping[ShippingKey, str]
    """Likewise for modes of delivery; "" where the rules name none."""
    delivery: DeliveryMethod | None
    served_by: int | None

    def on_account(self, account: str) -> SalesOrderPlan:
        """The same for the customer with this account, which F&O may have numbered after the order was planned."""
        return replace(self, header={**self.header, **_customer(account)})


def order_reference(store: str, order_id: int) -> str:
    """CustomersOrderReference of the sales order that is this Shopify order: at most 58 of its 60 characters."""
    return f"shopify-{store}-{order_id}"


def order_id_of(store: str, reference: str) -> int | None:
    """The order that has this reference, or of which a further sales order has it; None for another store's, or
    anything else that staff wrote.
    """
    prefix = order_reference(store, 0)[:-1]
    found = _NUMBERS.fullmatch(reference.removeprefix(prefix)) if reference.startswith(prefix) else None
    return int(found[1]) if found is not None else None


def plan_sales_order(
    order: Order,
    rules: StoreRules,
    *,
    customer_account: str,
    items: Mapping[int, Item],
    allocation: Allocation,
    tax_setup: TaxSetup | None = None,
    known: OrderRecord | None = None,
) -> SalesOrderPlan:
    """The sales order that this order should be in F&O.

    `known` is what was decided about it before, and stays: the rules decide about the rest. `items` has the item of
    every order line by the line's id; `tax_setup` is F&O's own, for stores that compute
    tax from it (tax.verify = "fo"). Raises RefusedError when the rules do not say how, when F&O would not compute
    Shopify's tax, or when the lines would not sum to Shopify's total; ValueError when such a store gives no tax set-up.
    """
    refuse_test_order(order, rules)
    if order.currency not in rules.currencies:
        raise RefusedError(ErrorCode.CURRENCY_WITHOUT_RULE, currency=order.currency, store=rules.key)
    left_behind = _left_behind(order, rules)
    if rules.rounding_booked_with == "payment":
        order = replace(order, cash_rounding=order.cash_rounding * 0)
    place = place_of_sale(order, rules, known)
    known_groups = known.tax_groups if known else {}
    taxes = TaxGroups(rules, place, included=order.taxes_included, known=known_groups)
    known_modes = known.delivery_modes if known else {}
    modes = _delivery_modes(order, rules, known_modes)
    delivery_mode = next(iter(modes.values())) or None
    lines = plan_lines(order, rules, taxes, items=items, allocation=allocation, delivery_mode=delivery_mode)
    settling = TaxSettling(rules, taxes, tax_setup, currency=order.currency)
    lines = settling.posted(lines, order.created_at)

    def difference(amount: Money, item: str) -> PlannedLine:
        return plan_tax_difference(len(lines) + 1, amount, Item(item), order, rules, taxes=taxes, mode=delivery_mode)

    lines += settling.difference(
        lines,
        charged_tax(order, by_marketplace=False),
        order.created_at,
        write=difference,
        prove=lambda posted: compare_plan(order, posted, taxes),
    )
    if len(lines) > rules.orders.max_lines:
        raise RefusedError(ErrorCode.TOO_MANY_LINES, count=len(lines), limit=rules.orders.max_lines, store=rules.key)
    if rules.dimensions:
        lines = [_dimensioned(line, order, rules) for line in lines]
    header = _header(order, rules, customer_account, allocation, delivery_mode, is_booked=known is not None)
    header |= dimensioned(ORDER_FIELD, order, rules)
    header["ArePricesIncludingSalesTax"] = yes_no(taxes.included)
    if not taxes.external:
        header["SalesTaxGroupCode"] = one_sales_tax_group((line.tax for line in lines), place.country, rules.key)
    return SalesOrderPlan(
        company=rules.company,
        number=fit("SalesOrderNumber", f"{rules.orders.number_prefix}{order.id}") if rules.numbers_orders else None,
        reference=order_reference(order.store, order.id),
        header=header,
        lines=tuple(lines),
        left_behind=left_behind,
        evidence=prove_plan(
            order,
            lines,
            taxes,
            notes=(
                *(f"not in F&O: {what}" for what in left_behind),
                *(f"warehouse: {reason}" for reason in allocation.reasons),
            ),
        ),
        place=place,
        tax_groups={**known_groups, **taxes.decided},
        delivery_modes={**known_modes, **modes},
        delivery=order.delivery,
        served_by=order.served_by,
    )


def _dimensioned(line: PlannedLine, order: Order, rules: StoreRules) -> PlannedLine:
    own = dimensioned(ORDER_FIELD, order, rules, sku=sku_of(order, line.source_id))
    return replace(line, record=line.record | own) if own else line


def check_booked(plan: SalesOrderPlan, booked: Iterable[Mapping[str, Any]]) -> None:
    """Whether F&O computed every line's LineAmount as planned, from its rows of SalesOrderLinesV3.

    Raises RefusedError FO_SUM_DIFFERS: trade agreements in F&O may override a price or add a discount.
    """
    compare_booked(plan.lines, booked, subject=plan.evidence.subject)


def check_tax_groups(plan: SalesOrderPlan, header: Mapping[str, Any], booked: Iterable[Mapping[str, Any]]) -> None:
    """Whether F&O kept the tax groups that it was sent. Raises TaxRefusedError FO_TAX_GROUPS_REPLACED."""
    compare_tax_groups(plan.header, plan.lines, header, booked)


def _delivery_modes(order: Order, rules: StoreRules, known: Mapping[ShippingKey, str]) -> dict[ShippingKey, str]:
    """By the delivery method, where that has a mode of its own, else by shipping line. The first is the sales order's,
    which has one; the others need a rule too, so that none goes unnoticed.
    """
    by_method = rules.orders.delivery.of(order.delivery)
    if order.delivery is not None and by_method is not None and by_method.delivery_mode is not None:
        key = ("", order.delivery.value)
        return {key: known.get(key, by_method.delivery_mode)}
    modes: dict[ShippingKey, str] = {}
    for shipping in order.shipping:
        key = (shipping.code, shipping.title)
        if key in known:
            modes[key] = known[key]
            continue
        rule = next((rule for rule in rules.shipping if rule.fits(shipping.code, shipping.title)), None)
        if rule is None:
            raise RefusedError(
                ErrorCode.SHIPPING_WITHOUT_RULE, title=shipping.title, shipping_code=shipping.code, store=rules.key
            )
        modes[key] = rule.delivery_mode
    if not modes:
        known_mode = known.get(_WITHOUT_SHIPPING)
        modes[_WITHOUT_SHIPPING] = (
            (rules.orders.delivery_mode_without_shipping or "") if known_mode is None else known_mode
        )
    return modes


def _header(
    order: Order,
    rules: StoreRules,
    account: str,
    allocation: Allocation,
    delivery_mode: str | None,
    *,
    is_booked: bool,
) -> FoRow:
    """An address or a name that is withheld says nothing: F&O keeps what it has of a booked order."""
    day = _requested_day(order, rules) or noon(order.created_at, rules.zone)
    address = ship_to(order)
    buyer = order.buyer
    name = buyer.name if buyer else ""
    if not name and not is_booked:
        name = (address.name if address else "") or order.name
    fields = {
        **_customer(account),
        "NumberSequenceGroupId": rules.orders.number_group,
        "CurrencyCode": order.currency,
        "CustomerRequisitionNumber": _requisition(order, rules),
        "SalesOrderName": _unless_too_long("SalesOrderName", name, rules, instead=order.name),
        "SalesOrderOriginCode": rules.orders.origin_code,
        "Email": _unless_too_long("Email", buyer.email, rules, instead="") if buyer else "",
        # A link to the order for people: F&O's header has no field for a note.
        "URL": fit("URL", f"https://{rules.shop_domain}/admin/orders/{order.id}"),
        # F&O computes the receipt date, with its transport days.
        "RequestedShippingDate": day,
        "DefaultShippingSiteId": allocation.preferred.site,
        "DefaultShippingWarehouseId": allocation.preferred.id,
        "DeliveryModeCode": delivery_mode,
        "DeliveryTermsCode": rules.orders.delivery_terms,
        "InventoryReservationMethod": rules.orders.reservation.capitalize(),
    }
    if address is not None and not address.is_withheld:
        with_state = address.country in rules.orders.states_of
        recipient, above = name_over_lines("DeliveryAddressName", address.name)
        fields |= {
            "IsDeliveryAddressOrderSpecific": "Yes",
            "DeliveryAddressName": recipient,
            "DeliveryAddressDescription": "Shopify",
            **address_block(
                address,
                "DeliveryAddress",
                state_field="StateId",
                complement_field="DeliveryBuildingCompliment",
                with_state=with_state,
                above=above,
                company=address.company if address.company != address.name else "",
            ),
        }
    return {field: value for field, value in fields.items() if value}


def _customer(account: str) -> dict[str, str]:
    return {"OrderingCustomerAccountNumber": account, "InvoiceCustomerAccountNumber": account}


def _requested_day(order: Order, rules: StoreRules) -> str | None:
    """The day that the buyer wants the goods, where the store asks for it and the answer is one."""
    wanted = dict(order.attributes).get(rules.orders.requested_date_attribute or "", "")
    try:
        return written_day(date.fromisoformat(wanted))
    except ValueError:
        return None


def _requisition(order: Order, rules: StoreRules) -> str:
    field = "CustomerRequisitionNumber"
    if not order.po_number:
        return order.name if rules.orders.order_name_as_requisition and fits(field, order.name) else ""
    if rules.orders.po_number_too_long == "journal" and not fits(field, order.po_number):
        return ""
    return fit(field, order.po_number)


def _unless_too_long(field: str, value: str, rules: StoreRules, *, instead: str) -> str:
    """A value that the buyer's own customer record has too may be replaced; for a shared customer it may not."""
    return instead if rules.customers.strategy == "per_consumer" and not fits(field, value) else fit(field, value)


def _left_behind(order: Order, rules: StoreRules) -> tuple[str, ...]:
    """What the order has and F&O's header and lines have no field for, or no field long enough."""
    left = []
    address = ship_to(order)
    if order.cash_rounding and rules.rounding_booked_with == "payment":
        left.append(f"cash rounding of {order.cash_rounding}, which is booked with the payment")
    if order.note:
        left.append("the note")
    used = rules.orders.requested_date_attribute if _requested_day(order, rules) else None
    if attributes := [key for key, _ in order.attributes if key != used]:
        left.append(f"the attributes {', '.join(attributes)}")
    if order.tags:
        left.append(f"the tags {', '.join(order.tags)}")
    if address is not None and address.phone:
        left.append("the phone number of the delivery address")
    if address is not None and address.province and address.country not in rules.orders.states_of:
        left.append(
            f"the state {address.province}, which orders.states_of does not list as known to F&O's address set-up"
        )
    if order.billing_address is not None and order.billing_address != address and rules.customers.strategy == "shared":
        left.append("the billing address")
    if len(order.shipping) > 1:
        left.append("every shipping method but the first")
    return (*left, *_too_long(order))


def _too_long(order: Order) -> Iterator[str]:
    """What the header has a field for, but not one long enough."""
    if not fits("CustomerRequisitionNumber", order.po_number):
        yield f"the purchase order number {order.po_number}"
    if not order.po_number and not fits("CustomerRequisitionNumber", order.name):
        yield f"the order's name {order.name}"
    if order.buyer and not fits("Email", order.buyer.email):
        yield "the e-mail address, which only the customer has room for"
    if order.buyer and not fits("SalesOrderName", order.buyer.name):
        yield "the buyer's name, which only the customer has room for"
