"""What an order line is in F&O: the item behind its SKU, or the service item that a rule names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from shared.errors import ErrorCode, RefusedError
from shared.model import COMPONENTS, Component, Item, ItemHandling, LineKind, Money, Order, OrderLine, OrderRecord
from shared.rules import StoreRules


def sku_field(rules: StoreRules) -> Literal["ItemNumber", "ProductVariantNumber"]:
    """F&O's field that has the store's SKUs: of ReleasedProductsV2, or of ReleasedProductVariantsV2."""
    return "ItemNumber" if rules.orders.product_identity == "item" else "ProductVariantNumber"


def needs_barcodes(order: Order, rules: StoreRules, known: OrderRecord | None = None) -> bool:
    """Whether to fetch the order: a webhook does not contain the barcodes by which its lines without SKU are found."""
    return rules.orders.sku_missing == "barcode" and any(
        line.kind is LineKind.PRODUCT and not line.sku and not line.barcode for line in _undecided(order, known)
    )


def product_skus(order: Order, known: OrderRecord | None = None, rules: StoreRules | None = None) -> list[str]:
    """The SKUs to look up in F&O, each once. A line that is recorded has its item already.

    With rules, also what they say is looked up of a line without SKU.
    """
    products = [line for line in _undecided(order, known) if line.kind is LineKind.PRODUCT]
    keys = {line.sku if rules is None else _key(line, rules) for line in products}
    return sorted(key for key in keys if key)


def _key(line: OrderLine, rules: StoreRules) -> str:
    """What the line's item is looked up by; "" for nothing."""
    if line.sku:
        return line.sku
    match rules.orders.sku_missing:
        case "barcode":
            return line.barcode
        case "variant_id":
            return str(line.variant_id or "")
        case _:
            return ""


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


def refuse_out_of_scope(catalogue: Mapping[str, Item], handling: Mapping[str, ItemHandling], rules: StoreRules) -> None:
    """Refuses items whose units F&O handles in a way that a sales order of the app cannot express.

    The catalogue is that of `resolve`; the handling is by item number. Raises RefusedError ITEM_OUT_OF_SCOPE.
    """
    for sku, item in catalogue.items():
        how = handling.get(item.number)
        if how is not None and (reason := _out_of_scope(how, rules)):
            raise RefusedError(
                ErrorCode.ITEM_OUT_OF_SCOPE,
                sku=sku,
                item=item.number,
                company=rules.company,
                reason=reason,
                store=rules.key,
            )


def _out_of_scope(how: ItemHandling, rules: StoreRules) -> str:
    if how.catch_weight:
        return "is a catch weight item"
    unit = rules.orders.unit or how.sales_unit
    if unit.casefold() != how.inventory_unit.casefold():
        return f"is sold in {unit} and stocked in {how.inventory_unit}"
    if rules.orders.tracked_items == "refuse" and (how.batches or how.serial_numbers):
        return "has batch numbers" if how.batches else "has serial numbers"
    return ""


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


def _item_without_sku(line: OrderLine, rules: StoreRules) -> Item:
    if rules.orders.sku_missing_item is not None:
        return Item(rules.orders.sku_missing_item)
    other = {"barcode": " and no barcode", "variant_id": " and no variant"}.get(rules.orders.sku_missing, "")
    raise RefusedError(ErrorCode.SKU_EMPTY, title=line.title, missing=f"SKU{other}", store=rules.key)


def _item(line: OrderLine, rules: StoreRules, catalogue: Mapping[str, Item]) -> Item:
    if line.kind is LineKind.PRODUCT:
        key = _key(line, rules)
        if not key:
            return _item_without_sku(line, rules)
        item = catalogue.get(key)
        if item is None:
            raise RefusedError(ErrorCode.UNKNOWN_SKU, sku=key, title=line.title, company=rules.company)
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
