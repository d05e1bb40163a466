"""Orders, their transactions and fulfilment orders, as GraphQL objects."""

from typing import Any

from local.shopify.catalogue_nodes import LocationNode
from local.shopify.metafields import metafield_document
from local.shopify.model import LineItem, Order, Transaction
from local.shopify.nodes import Connection, Node, Request, connect, count, money, utc
from local.shopify.order_parts import (
    CustomerNode,
    LineItemNode,
    ShippingLineNode,
    discount_application,
    mailing_address,
    tax_line,
)
from local.shopify.rest import gid


class TransactionNode(Node):
    typename = "OrderTransaction"

    def __init__(self, request: Request, order: Order, transaction: Transaction) -> None:
        super().__init__(request)
        self._order = order
        self.id = gid("OrderTransaction", transaction.id)
        self.kind = transaction.kind
        self.status = transaction.status
        self.gateway = self.formatted_gateway = transaction.gateway
        self.manual_payment_gateway = False
        self.test = order.test
        self.amount_set = money(transaction.amount)
        self.amount_rounding_set = None
        self.parent_transaction = None
        self.payment_id = f"{order.name}.1"
        self.error_code = None
        self.authorization_code = None
        self.currency_exchange_adjustment = None
        self.processed_at = self.created_at = utc(transaction.processed_at)

    def order(self) -> "OrderNode":
        return OrderNode(self.request, self._order)


class FulfillmentOrderNode(Node):
    """The one fulfilment order that routing gives a new order: all its lines, at the assigned location."""

    typename = "FulfillmentOrder"

    def __init__(self, request: Request, order: Order) -> None:
        super().__init__(request)
        self._order = order
        self.id = gid("FulfillmentOrder", order.fulfillment_order_id)
        self.order_id = gid("Order", order.id)
        self.order_name = order.name
        self.status = "OPEN"
        self.request_status = "UNSUBMITTED"
        self.fulfillment_holds: list[Any] = []
        self.fulfill_by = None
        self.created_at = self.updated_at = self.fulfill_at = utc(order.created_at)
        self.order_processed_at = utc(order.created_at)

    def order(self) -> "OrderNode":
        return OrderNode(self.request, self._order)

    def assigned_location(self) -> dict[str, Any]:
        location = self.shop.locations[self._order.location_id]
        return {
            "location": LocationNode(self.request, location),
            "name": location.name,
            "address1": None,
            "address2": None,
            "city": location.city,
            "province": location.province,
            "countryCode": location.country,
            "zip": None,
            "phone": None,
        }

    def supported_actions(self) -> list[dict[str, Any]]:
        return [{"action": action, "externalUrl": None} for action in ("CREATE_FULFILLMENT", "HOLD", "MOVE", "SPLIT")]

    def line_items(self, **window: Any) -> Connection:
        return connect(
            self.request,
            self._order.lines,
            self._line_item,
            lambda line: (line.fulfillment_line_id, line.fulfillment_line_id),
            **window,
        )

    def _line_item(self, line: LineItem) -> dict[str, Any]:
        item_id = line.variant.inventory_item_id if line.variant else None
        return {
            "id": gid("FulfillmentOrderLineItem", line.fulfillment_line_id),
            "lineItem": LineItemNode(self.request, self._order, line),
            "inventoryItemId": gid("InventoryItem", item_id) if item_id else None,
            "sku": line.sku,
            "productTitle": line.title,
            "variantTitle": line.variant.title if line.variant else None,
            "requiresShipping": line.requires_shipping,
            "totalQuantity": line.quantity,
            "remainingQuantity": line.quantity,
        }


class OrderNode(Node):
    typename = "Order"

    def __init__(self, request: Request, order: Order) -> None:
        super().__init__(request)
        self._order = order
        self.id = gid("Order", order.id)
        self.legacy_resource_id = order.id
        self.name = order.name
        self.number = order.number
        self.confirmation_number = order.confirmation_number
        self.confirmed = True
        self.created_at = self.processed_at = utc(order.created_at)
        self.updated_at = utc(order.updated_at)
        self.cancelled_at = self.cancel_reason = self.cancellation = self.closed_at = None
        self.closed = self.edited = self.estimated_taxes = self.duties_included = False
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
        self.source_name = "web"
        self.source_identifier = self.registered_source_url = None
        self.custom_attributes = [{"key": a["name"], "value": a["value"]} for a in order.note_attributes]
        self.display_financial_status = order.financial_status.upper()
        self.display_fulfillment_status = "UNFULFILLED"
        self.return_status = "NO_RETURN"
        self.fulfillable = True
        self.requires_shipping = any(line.requires_shipping for line in order.lines)
        self.unpaid = order.financial_status == "pending"
        self.fully_paid = order.financial_status == "paid"
        self.payment_gateway_names = [order.gateway] if order.transactions else []
        self.payment_terms = None
        self.discount_codes = order.discount_codes
        self.discount_code = order.discount_codes[0] if order.discount_codes else None
        #: nothing is shipped or refunded here yet
        self._none: list[Any] = []
        self.total_weight = self.current_total_weight = order.grams
        quantity = sum(line.quantity for line in order.lines)
        self.subtotal_line_items_quantity = self.current_subtotal_line_items_quantity = quantity
        self.billing_address = mailing_address(order.billing_address, order.id * 2)
        self.shipping_address = self.display_address = mailing_address(order.shipping_address, order.id * 2 + 1)
        self.merchant_of_record_app = self.staff_member = self.retail_location = self.physical_location = None
        self._amounts(order)

    def _amounts(self, order: Order) -> None:
        totals, zero = order.totals, order.zero
        self.subtotal_price_set = self.current_subtotal_price_set = money(totals.subtotal)
        self.total_price_set = self.current_total_price_set = money(totals.total)
        self.original_total_price_set = self.total_price_set
        self.total_tax_set = self.current_total_tax_set = money(totals.tax)
        self.total_discounts_set = self.current_total_discounts_set = money(totals.discounts)
        self.total_shipping_price_set = money(totals.shipping)
        self.current_shipping_price_set = money(totals.shipping_discounted)
        self.total_received_set = self.net_payment_set = money(order.received)
        self.total_outstanding_set = money(totals.total - order.received)
        self.total_refunded_set = self.total_refunded_shipping_set = money(zero)
        self.refund_discrepancy_set = self.total_tip_received_set = money(zero)
        self.total_cash_rounding_adjustment = {"paymentSet": money(zero), "refundSet": money(zero)}
        self.original_total_duties_set = self.current_total_duties_set = None
        self.original_total_additional_fees_set = self.current_total_additional_fees_set = None
        self.tax_lines = self.current_tax_lines = [tax_line(line) for line in order.tax_lines]

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
        first = next(iter(self._order.shipping_lines), None)
        return ShippingLineNode(self.request, self._order, first) if first else None

    def shipping_lines(self, *, include_removals: bool = False, **window: Any) -> Connection:  # noqa: ARG002 - nothing is ever removed
        order = self._order
        return connect(
            self.request,
            order.shipping_lines,
            lambda line: ShippingLineNode(self.request, order, line),
            lambda line: (line.id, line.id),
            **window,
        )

    def discount_applications(self, **window: Any) -> Connection:
        order = self._order
        return connect(
            self.request,
            range(len(order.discounts)),
            lambda index: discount_application(order, index),
            lambda index: (index, index),
            **window,
        )

    def fulfillment_orders(self, *, displayable: bool | None = None, **window: Any) -> Connection:  # noqa: ARG002 - the only one is displayable
        return connect(
            self.request,
            [self._order],
            lambda order: FulfillmentOrderNode(self.request, order),
            lambda order: (order.fulfillment_order_id, order.fulfillment_order_id),
            **window,
        )

    def fulfillments(self, first: int | None = None) -> list[Any]:
        return self._none[:first]

    def refunds(self, first: int | None = None) -> list[Any]:
        return self._none[:first]

    def returns(self, **window: Any) -> Connection:
        return connect(self.request, [], lambda each: each, lambda _: (0, 0), **window)

    def transactions(self, first: int | None = None) -> list[TransactionNode]:
        found = self._order.transactions[:first]
        return [TransactionNode(self.request, self._order, each) for each in found]

    def transactions_count(self) -> dict[str, Any]:
        return count(len(self._order.transactions))

    def metafield(self, key: str, namespace: str = "custom") -> dict[str, Any] | None:
        found = self._order.metafields.get((namespace, key))
        return metafield_document(found, self.id) if found else None

    def metafields(self, *, namespace: str | None = None, keys: list[str] | None = None, **window: Any) -> Connection:
        found = [
            each
            for each in self._order.metafields.values()
            if namespace in (None, each.namespace) and (keys is None or f"{each.namespace}.{each.key}" in keys)
        ]
        return connect(
            self.request,
            found,
            lambda each: metafield_document(each, self.id),
            lambda each: (each.id, each.id),
            **window,
        )
