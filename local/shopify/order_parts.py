"""The parts of an order as GraphQL objects: addresses, taxes, discounts, lines, the customer."""

from typing import Any

from local.shopify.ids import gid
from local.shopify.money import graphql_amount, total
from local.shopify.nodes import Node, Request, money, money_v2, utc
from local.shopify.order import Customer, DiscountAllocation, Duty, LineItem, Order, ShippingLine, TaxLine
from local.shopify.products.nodes import ProductNode, VariantNode

#: REST address keys and their GraphQL names.
_ADDRESS = {
    "first_name": "firstName",
    "last_name": "lastName",
    "name": "name",
    "company": "company",
    "address1": "address1",
    "address2": "address2",
    "city": "city",
    "zip": "zip",
    "province": "province",
    "province_code": "provinceCode",
    "country": "country",
    "country_code": "countryCodeV2",
    "phone": "phone",
    "latitude": "latitude",
    "longitude": "longitude",
}


def mailing_address(address: dict[str, Any] | None, number: int) -> dict[str, Any] | None:
    if address is None:
        return None
    document = {name: address[key] for key, name in _ADDRESS.items()}
    return {**document, "countryCode": address["country_code"], "id": gid("MailingAddress", number)}


def tax_line(line: TaxLine) -> dict[str, Any]:
    return {
        "title": line.title,
        "rate": line.shown_rate,
        "ratePercentage": None if line.shown_rate is None else line.shown_rate * 100,
        "channelLiable": line.channel_liable,
        "source": "Shopify",
        "price": graphql_amount(line.price.shop),
        "priceSet": money(line.price),
    }


def discount_application(order: Order, index: int) -> dict[str, Any]:
    discount = order.discounts[index]
    names = {
        "discount_code": ("DiscountCodeApplication", "code"),
        "manual": ("ManualDiscountApplication", "title"),
        "automatic": ("AutomaticDiscountApplication", "title"),
    }
    typename, label = names[discount.kind]
    value = (
        {"__typename": "PricingPercentageValue", "percentage": float(discount.value)}
        if discount.value_type == "percentage"
        else {
            "__typename": "MoneyV2",
            "amount": graphql_amount(discount.value),
            "currencyCode": order.currency,
        }
    )
    return {
        "__typename": typename,
        label: discount.label,
        "index": index,
        "allocationMethod": discount.allocation_method.upper(),
        "targetSelection": discount.target_selection.upper(),
        "targetType": discount.target_type.upper(),
        "value": value,
    }


def _allocation(order: Order, allocation: DiscountAllocation) -> dict[str, Any]:
    return {
        "allocatedAmount": money_v2(allocation.amount),
        "allocatedAmountSet": money(allocation.amount),
        "discountApplication": discount_application(order, allocation.application),
    }


class CustomerNode(Node):
    typename = "Customer"

    def __init__(self, request: Request, customer: Customer) -> None:
        super().__init__(request)
        self._customer = customer
        self.id = gid("Customer", customer.id)
        self.legacy_resource_id = customer.id
        self.first_name = customer.first_name
        self.last_name = customer.last_name
        self.display_name = " ".join(n for n in (customer.first_name, customer.last_name) if n) or customer.email
        self.email = customer.email
        self.phone = customer.phone
        self.note = customer.note
        self.tags: list[str] = []
        self.locale = "en"
        self.state = "DISABLED"
        self.tax_exempt = customer.tax_exempt
        self.tax_exemptions: list[str] = []
        self.verified_email = True
        self.created_at = self.updated_at = utc(customer.created_at)
        self.default_email_address = {"emailAddress": customer.email} if customer.email else None
        self.default_phone_number = {"phoneNumber": customer.phone} if customer.phone else None
        self.default_address = mailing_address(customer.default_address, customer.address_id)


def _duty(duty: Duty) -> dict[str, Any]:
    return {
        "id": gid("Duty", duty.id),
        "countryCodeOfOrigin": duty.country_of_origin,
        "harmonizedSystemCode": duty.harmonized_system_code,
        "price": money(duty.price),
        "taxLines": [tax_line(tax) for tax in duty.tax_lines],
    }


def duty_of(order: Order, number: int) -> dict[str, Any]:
    return next(_duty(duty) for line in order.lines for duty in line.duties if duty.id == number)


def _group(order: Order, line: LineItem) -> dict[str, Any] | None:
    group = next((each for each in order.groups if each.id == line.group_id), None)
    if group is None:
        return None
    return {
        "id": gid("LineItemGroup", group.id),
        "title": group.title,
        "quantity": group.quantity,
        "customAttributes": [],
        "productId": None,
        "variantId": None,
        "variantSku": group.sku,
    }


def _fulfillment_status(line: LineItem) -> str:
    if not line.fulfilled:
        return "unfulfilled"
    return "partial" if line.unfulfilled else "fulfilled"


def _held(order: Order, line: LineItem) -> int:
    """Units of the line on fulfilment orders that are on hold."""
    rows = (part.line(line.id) for part in order.fulfillment_orders if part.holds)
    return sum(row.remaining for row in rows if row)


class LineItemNode(Node):
    typename = "LineItem"

    def __init__(self, request: Request, order: Order, line: LineItem) -> None:
        super().__init__(request)
        self._order, self._line = order, line
        self.id = gid("LineItem", line.id)
        self.name = f"{line.title} - {line.variant.title}" if line.variant and line.variant.title else line.title
        self.title = line.title
        self.variant_title = line.variant.title if line.variant else None
        self.sku = line.sku
        self.vendor = None
        self.quantity = line.quantity
        self.current_quantity = line.current_quantity
        self.refundable_quantity = line.current_quantity + line.returned.quantity
        self.unfulfilled_quantity = line.unfulfilled
        self.fulfillable_quantity = line.unfulfilled - _held(order, line)
        self.non_fulfillable_quantity = line.quantity - line.fulfilled - line.unfulfilled
        self.fulfillment_status = _fulfillment_status(line)
        self.merchant_editable = not line.tip and not order.cancelled_at
        self.is_gift_card = line.gift_card
        self.taxable = line.taxable
        self.requires_shipping = line.requires_shipping
        self.restockable = line.variant is not None
        self.custom_attributes = [{"key": p["name"], "value": p["value"]} for p in line.properties]
        self._tax_lines = [tax_line(each) for each in line.tax_lines]
        self.discount_allocations = [_allocation(order, each) for each in line.allocations]
        self.duties = [_duty(each) for each in line.duties]
        self.line_item_group = _group(order, line)
        everything = line.everything
        own_offs = (a.amount for a in everything.discounts if order.discounts[a.application].kind == "manual")
        own = total(own_offs, order.zero)
        self._discounted = (line.original_total - own, line.net(everything))
        self.original_unit_price_set = money(line.price)
        self.original_total_set = money(line.original_total)
        self.total_discount_set = money(own)
        count = max(line.quantity, 1)
        self.discounted_unit_price_set = money(self._discounted[0].divided_by(count))
        self.discounted_unit_price_after_all_discounts_set = money(self._discounted[1].divided_by(count))
        taxes = total(line.left.taxes, order.zero) if order.taxes_included else order.zero
        self.price_after_all_discounts_before_taxes_set = money(line.net(line.left) - taxes)

    def discounted_total_set(self, *, with_code_discounts: bool = False) -> dict[str, Any]:
        return money(self._discounted[1 if with_code_discounts else 0])

    def tax_lines(self, first: int | None = None) -> list[dict[str, Any]]:
        return self._tax_lines[:first]

    def variant(self) -> VariantNode | None:
        return VariantNode(self.request, self._line.variant) if self._line.variant else None

    def product(self) -> ProductNode | None:
        return VariantNode(self.request, self._line.variant).product() if self._line.variant else None


class ShippingLineNode(Node):
    typename = "ShippingLine"

    def __init__(self, request: Request, order: Order, line: ShippingLine) -> None:
        super().__init__(request)
        self.id = gid("ShippingLine", line.id)
        self.title = line.title
        self.code = line.code
        self.source = line.source
        self.custom = False
        self.is_removed = line.removed
        self.carrier_identifier = None
        self.delivery_category = None
        self.phone = None
        self.original_price_set = money(line.price)
        self.discounted_price_set = money(line.discounted_price)
        self.current_discounted_price_set = money(line.left)
        self.tax_lines = [tax_line(each) for each in line.tax_lines]
        self.discount_allocations = [_allocation(order, each) for each in line.allocations]
