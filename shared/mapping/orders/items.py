"""What an order line is in F&O: the item behind its SKU, or the service item that a rule names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from shared.errors import ErrorCode, RefusedError
from shared.model import COMPONENTS, Component, Item, LineKind, Money, Order, OrderLine, OrderRecord
from shared.rules import StoreRules


def sku_field(rules: StoreRules) -> Literal["ItemNumber", "ProductVariantNumber"]:
    """F&O's field that has the store's SKUs: of ReleasedProductsV2, or of ReleasedProductVariantsV2."""
    return "ItemNumber" if rules.orders.product_identity == "item" else "ProductVariantNumber"


def product_skus(order: Order, known: OrderRecord | None = None) -> list[str]:
    """The SKUs to look up in F&O, each once. A line that is recorded has its item already."""
    return sorted({line.sku for line in _undecided(order, known) if line.kind is LineKind.PRODUCT and line.sku})


def resolve(
    order: Order, rules: StoreRules, catalogue: Mapping[str, Item], known: OrderRecord | None = None
) -> dict[int, Item]:
    """The item of every order line by the line's id. The catalogue has F&O's items of product_skus.

    A line that is recorded keeps its item, whatever its SKU and the rules are now.
    Raises RefusedError UNKNOWN_SKU, SKU_EMPTY, or LINE_WITHOUT_RULE naming the key that is missing in the rules.
    """
    recorded = {line_id: line.item for line_id, line in known.lines.items()} if known else {}
    decided = {line.id: _item(line, rules, catalogue) for line in _undecided(order, known)}
    return {line.id: recorded.get(line.id) or decided[line.id] for line in order.lines}


def _undecided(order: Order, known: OrderRecord | None) -> list[OrderLine]:
    """The lines that no record has an item for."""
    return [line for line in order.lines if known is None or line.id not in known.lines]


def service_item(component: Component, rules: StoreRules) -> str | None:
    """The number of the item that [orders] has for the component, if any."""
    number: str | None = getattr(rules.orders, component.order_key)
    return number


def charge_item(component: Component, amount: Money, rules: StoreRules) -> Item:
    """The service item that a charge of the order is booked with.

    Raises RefusedError AMOUNT_WITHOUT_RULE naming the key, if the rules have none.
    """
    number = service_item(component, rules)
    if number is None:
        raise RefusedError(
            ErrorCode.AMOUNT_WITHOUT_RULE,
            what=component,
            amount=amount,
            key=f"orders.{component.order_key}",
            store=rules.key,
        )
    return Item(number)


def _item(line: OrderLine, rules: StoreRules, catalogue: Mapping[str, Item]) -> Item:
    if line.kind is LineKind.PRODUCT:
        if not line.sku:
            raise RefusedError(ErrorCode.SKU_EMPTY, title=line.title)
        item = catalogue.get(line.sku)
        if item is None:
            raise RefusedError(ErrorCode.UNKNOWN_SKU, sku=line.sku, title=line.title, company=rules.company)
        return item
    component = COMPONENTS[line.kind]
    number = service_item(component, rules)
    if number is None:
        raise RefusedError(
            ErrorCode.LINE_WITHOUT_RULE,
            kind=component.singular,
            title=line.title,
            key=f"orders.{component.order_key}",
            store=rules.key,
        )
    return Item(number)
