"""The parts of an order as GraphQL objects: addresses, taxes, discounts, lines, the customer."""

from typing import Any

from local.shopify.catalogue_nodes import ProductNode, VariantNode
from local.shopify.model import Customer, DiscountAllocation, LineItem, Order, ShippingLine, TaxLine
from local.shopify.money import graphql_amount
from local.shopify.nodes import Node, Request, money, money_v2, utc
from local.shopify.rest import gid

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
        "rate": float(line.rate),
        "ratePercentage": float(line.rate * 100),
        "channelLiable": False,
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


class LineItemNode(Node):
    typename = "LineItem"

    def __init__(self, request: Request, order: Order, line: LineItem) -> None:
        super().__init__(request)
        self._order, self._line = order, line
        own = [a for a in line.allocations if order.discounts[a.application].kind == "manual"]
        own_total = sum((a.amount for a in own), order.zero)
        all_total = sum((a.amount for a in line.allocations), order.zero)
        discounted = line.original_total - own_total
        self.id = gid("LineItem", line.id)
        self.name = f"{line.title} - {line.variant.title}" if line.variant and line.variant.title else line.title
        self.title = line.title
        self.variant_title = line.variant.title if line.variant else None
        self.sku = line.sku
        self.vendor = None
        self.quantity = self.current_quantity = self.unfulfilled_quantity = line.quantity
        self.fulfillable_quantity = self.refundable_quantity = line.quantity
        self.non_fulfillable_quantity = 0
        self.is_gift_card = line.gift_card
        self.taxable = line.taxable
        self.requires_shipping = line.requires_shipping
        self.restockable = line.variant is not None
        self.custom_attributes = [{"key": p["name"], "value": p["value"]} for p in line.properties]
        self._tax_lines = [tax_line(each) for each in line.tax_lines]
        self.discount_allocations = [_allocation(order, each) for each in line.allocations]
        self.duties: list[Any] = []
        self.line_item_group = None
        self.original_unit_price_set = money(line.price)
        self.original_total_set = money(line.original_total)
        self.total_discount_set = money(own_total)
        self.discounted_unit_price_set = money(discounted.divided_by(line.quantity))
        after_all = line.original_total - all_total
        self.discounted_unit_price_after_all_discounts_set = money(after_all.divided_by(line.quantity))
        self._discounted = (discounted, after_all)

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
        self.is_removed = False
        self.carrier_identifier = None
        self.delivery_category = None
        self.phone = None
        self.original_price_set = money(line.price)
        self.discounted_price_set = self.current_discounted_price_set = money(line.discounted_price)
        self.tax_lines = [tax_line(each) for each in line.tax_lines]
        self.discount_allocations = [_allocation(order, each) for each in line.allocations]
