"""An order as a GraphQL object."""

from typing import Any

from local.shopify.agreement_nodes import agreement_node
from local.shopify.balance import (
    expire,
    financial_status,
    fulfillment_status,
    gateways,
    has_no_payment_details,
    open_authorizations,
    outstanding,
    received,
    refundable,
    refunded,
    rounding,
    total_capturable,
)
from local.shopify.catalogue_nodes import LocationNode
from local.shopify.ids import gid
from local.shopify.metafields import MetafieldsNode
from local.shopify.money import total
from local.shopify.nodes import Connection, Request, connect, count, first_of, money, utc
from local.shopify.order import Order
from local.shopify.order_parts import (
    CustomerNode,
    LineItemNode,
    ShippingLineNode,
    discount_application,
    mailing_address,
    tax_line,
)
from local.shopify.order_summaries import payment_terms, risk
from local.shopify.record_nodes import RefundNode, ReturnNode, TransactionNode
from local.shopify.routing import routed
from local.shopify.routing_nodes import FulfillmentNode, FulfillmentOrderNode, is_visible
from local.shopify.search import Reader, Search
from local.shopify.suggesting import suggested_refund
from local.shopify.totals import current, grams, ordered, tip

_FULFILLMENT = {"partial": "PARTIALLY_FULFILLED", "fulfilled": "FULFILLED"}


def _return_status(order: Order) -> str:
    """The order's return status: a requested return first, then an open one, then a closed one."""
    states = {each.status for each in order.returns}
    ranking = {"REQUESTED": "RETURN_REQUESTED", "OPEN": "IN_PROGRESS", "CLOSED": "RETURNED"}
    return next((status for state, status in ranking.items() if state in states), "NO_RETURN")


class OrderNode(MetafieldsNode):
    typename = "Order"

    def __init__(self, request: Request, order: Order) -> None:
        super().__init__(request, order)
        self._order = order
        self.id = gid("Order", order.id)
        self.legacy_resource_id = order.id
        self.name = order.name
        self.number = order.number
        self.confirmation_number = order.confirmation_number
        self.confirmed = True
        expire(order, self.shop.clock())
        self.created_at = self.processed_at = utc(order.created_at)
        self.updated_at = utc(order.updated_at)
        self.cancelled_at = utc(order.cancelled_at) if order.cancelled_at else None
        self.cancel_reason = order.cancel_reason.upper() if order.cancel_reason else None
        self.cancellation = {"staffNote": order.cancel_note} if order.cancelled_at else None
        self.closed_at = None
        self.closed = self.estimated_taxes = False
        self.edited = order.edited
        self.duties_included = order.duties_included
        self.currency_code = order.currency
        self.presentment_currency_code = order.presentment_currency
        self.taxes_included = order.taxes_included
        self.tax_exempt = bool(order.customer and order.customer.tax_exempt)
        self.test = order.test
        self.note = order.note
        self.po_number = order.po_number
        self.tags = sorted(order.tags)
        self.email = order.email
        self.phone = order.phone
        self.customer_locale = "en"
        self.source_name = order.source_name
        self.source_identifier = self.registered_source_url = None
        self.custom_attributes = [{"key": a["name"], "value": a["value"]} for a in order.note_attributes]
        status, shipped = financial_status(order), fulfillment_status(order)
        self.display_financial_status = None if has_no_payment_details(order) else status.upper()
        self.display_fulfillment_status = _FULFILLMENT[shipped] if shipped else self._progress()
        self.return_status = _return_status(order)
        self.fulfillable = any(line.unfulfilled for line in order.lines)
        self.requires_shipping = any(line.requires_shipping for line in order.lines)
        self.unpaid = not received(order)
        self.fully_paid = outstanding(order).presentment <= 0
        self.capturable = bool(open_authorizations(order))
        self.refundable = any(refundable(order, each) for each in order.transactions)
        self.restockable = any(line.variant and line.current_quantity for line in order.lines)
        self.merchant_editable = self.can_mark_as_paid = not order.cancelled_at
        self.payment_gateway_names = gateways(order)
        self.payment_terms = payment_terms(order)
        self.risk = risk(order)
        self.additional_fees = [
            {
                "id": gid("AdditionalFee", fee.id),
                "name": fee.name,
                "price": money(fee.price),
                "taxLines": [tax_line(tax) for tax in fee.tax_lines],
            }
            for fee in order.fees
        ]
        self.discount_codes = order.discount_codes
        self.discount_code = order.discount_codes[0] if order.discount_codes else None
        self.total_weight, self.current_total_weight = grams(order), grams(order, now=True)
        counted = [line for line in order.lines if not line.tip and not line.gift_card]
        self.subtotal_line_items_quantity = sum(line.quantity for line in counted)
        self.current_subtotal_line_items_quantity = sum(line.current_quantity for line in counted)
        self.billing_address = mailing_address(order.billing_address, order.id * 2)
        self.shipping_address = self.display_address = mailing_address(order.shipping_address, order.id * 2 + 1)
        self.merchant_of_record_app = self.staff_member = self.physical_location = None
        sold_at = self.shop.locations.get(order.sold_at) if order.sold_at is not None else None
        self.retail_location = None if sold_at is None else LocationNode(request, sold_at)
        self._amounts(order)

    def _progress(self) -> str:
        """Of an order of which nothing was shipped. Recorded: held or in progress as a whole."""
        states = {each.status(self.shop.clock()) for each in self._order.fulfillment_orders} - {"CLOSED"}
        whole = states.pop() if len(states) == 1 else "OPEN"
        return whole if whole in ("ON_HOLD", "IN_PROGRESS", "SCHEDULED") else "UNFULFILLED"

    def _amounts(self, order: Order) -> None:
        was, now = ordered(order), current(order)
        back = refunded(order)
        self.subtotal_price_set, self.current_subtotal_price_set = money(was.subtotal), money(now.subtotal)
        self.total_price_set, self.current_total_price_set = money(was.total), money(now.total)
        self.original_total_price_set = money(order.original_total)
        self.total_tax_set, self.current_total_tax_set = money(was.tax), money(now.tax)
        self.total_discounts_set, self.current_total_discounts_set = money(was.discounts), money(now.discounts)
        self.total_shipping_price_set = money(was.shipping)
        self.current_shipping_price_set = money(now.shipping_discounted)
        self.total_received_set = money(received(order))
        self.net_payment_set = money(received(order) - back)
        self.total_outstanding_set = money(outstanding(order))
        self.total_capturable_set = money(total_capturable(order))
        self.total_refunded_set = money(back)
        shipping = (each.subtotal for refund in order.refunds for each in refund.shipping)
        self.total_refunded_shipping_set = money(total(shipping, order.zero))
        adjustments = (each.amount for refund in order.refunds for each in refund.adjustments)
        self.refund_discrepancy_set = money(total(adjustments, order.zero))
        self.total_tip_received_set = money(tip(order))
        self.total_cash_rounding_adjustment = {
            "paymentSet": money(rounding(order, ("SALE", "CAPTURE"))),
            "refundSet": money(rounding(order, ("REFUND",))),
        }
        has_duties = any(line.duties for line in order.lines)
        self.original_total_duties_set = money(was.duties) if has_duties else None
        self.current_total_duties_set = money(now.duties) if has_duties else None
        self.original_total_additional_fees_set = money(was.fees) if order.fees else None
        self.current_total_additional_fees_set = money(now.fees) if order.fees else None
        self.tax_lines = [tax_line(line) for line in was.tax_lines]
        self.current_tax_lines = [tax_line(line) for line in now.tax_lines]

    def customer(self) -> CustomerNode | None:
        return CustomerNode(self.request, self._order.customer) if self._order.customer else None

    def purchasing_entity(self) -> Any:
        company = self._order.company
        if company is None:
            return self.customer()
        return {
            "__typename": "PurchasingCompany",
            "company": {"id": gid("Company", company["id"])},
            "location": {"id": gid("CompanyLocation", company["location_id"])},
            "contact": None,
        }

    def line_items(self, **window: Any) -> Connection:
        order = self._order
        return connect(
            self.request,
            order.lines,
            lambda line: LineItemNode(self.request, order, line),
            lambda line: (line.id, line.id),
            **window,
        )

    def shipping_line(self) -> ShippingLineNode | None:
        first = next((line for line in self._order.shipping_lines if not line.removed), None)
        return ShippingLineNode(self.request, self._order, first) if first else None

    def shipping_lines(self, *, include_removals: bool = False, **window: Any) -> Connection:
        order = self._order
        return connect(
            self.request,
            [line for line in order.shipping_lines if include_removals or not line.removed],
            lambda line: ShippingLineNode(self.request, order, line),
            lambda line: (line.id, line.id),
            **window,
        )

    def discount_applications(self, **window: Any) -> Connection:
        """Without those of edits, as the schema documents; allocations still refer to them."""
        order = self._order
        return connect(
            self.request,
            [index for index, each in enumerate(order.discounts) if not each.by_edit],
            lambda index: discount_application(order, index),
            lambda index: (index, index),
            **window,
        )

    def fulfillment_orders(
        self, *, displayable: bool | None = None, query: str | None = None, **window: Any
    ) -> Connection:
        """Of the locations that the token may see. `displayable` leaves out those that were combined with others."""
        found = [
            each
            for each in routed(self.shop, self._order)
            if is_visible(self.request, each) and not (displayable and each.combined)
        ]
        readers: dict[str, Reader] = {
            "id": lambda each: [each.id],
            "assigned_location_id": lambda each: [each.location_id],
            "status": lambda each: [each.status(self.shop.clock())],
            "updated_at": lambda each: [each.updated_at],
        }
        return connect(
            self.request,
            Search(self.request, "Order.fulfillmentOrders", readers, self.shop.timezone).filter(query, found),
            lambda each: FulfillmentOrderNode(self, self._order, each),
            lambda each: (each.id, each.id),
            **window,
        )

    def fulfillments(self, first: int | None = None, query: str | None = None) -> list[FulfillmentNode]:
        readers: dict[str, Reader] = {
            "created_at": lambda each: [each.created_at],
            "updated_at": lambda each: [each.updated_at],
        }
        search = Search(self.request, "Order.fulfillments", readers, self.shop.timezone)
        found = search.filter(query, self._order.fulfillments)
        return [FulfillmentNode(self, self._order, each) for each in first_of(found, first)]

    def fulfillments_count(self) -> dict[str, Any]:
        return count(len(self._order.fulfillments))

    def refunds(self, first: int | None = None) -> list[RefundNode]:
        return [RefundNode(self, self._order, each) for each in first_of(self._order.refunds, first)]

    def suggested_refund(self, refund_line_items: list[dict[str, Any]]) -> dict[str, Any]:
        return suggested_refund(self, self._order, refund_line_items)

    def returns(self, **window: Any) -> Connection:
        return connect(
            self.request,
            self._order.returns,
            lambda each: ReturnNode(self, self._order, each),
            lambda each: (each.id, each.id),
            **window,
        )

    def agreements(self, **window: Any) -> Connection:
        return connect(
            self.request,
            self._order.agreements,
            lambda each: agreement_node(self, self._order, each),
            lambda each: (each.id, each.id),
            **window,
        )

    def transactions(self, first: int | None = None, *, capturable: bool | None = None) -> list[TransactionNode]:
        found = open_authorizations(self._order) if capturable else self._order.transactions
        return [TransactionNode(self, self._order, each) for each in first_of(found, first)]

    def transactions_count(self) -> dict[str, Any]:
        return count(len(self._order.transactions))
