"""Random steps of orders in the Shopify simulator: the sums agree in both currencies after each."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import event, given, reject, settings
from hypothesis import strategies as st

from local.shopify.balance import financial_status, outstanding
from local.shopify.cart import CartError
from local.shopify.order import Order
from local.shopify.placing import place_order
from local.shopify.rest import order_document
from local.shopify.server import WORLD
from local.shopify.state import Shop
from local.shopify.steps import apply_step
from local.shopify.world import load_world

NORDLYS = next(seed for seed in load_world(WORLD) if seed.store == "nordlys")
SKUS = ("TENT-2P", "MAP-NORDIC", "MUG-ENAMEL")
SIDES = ("shop_money", "presentment_money")
ZERO = Decimal(0)

prices = st.integers(150, 90_000).map(lambda cents: str(Decimal(cents) / 100))
rates = st.lists(st.sampled_from(["0.21", "0.09", "0.0825", "0.25", "0"]), max_size=2).map(
    lambda found: [{"title": f"Tax {n}", "rate": rate} for n, rate in enumerate(found)]
)
buyers = st.sampled_from([("EUR", "1"), ("DKK", "7.4604"), ("JPY", "178.31"), ("KWD", "0.3312")])


@st.composite
def a_line(draw: st.DrawFn) -> dict[str, Any]:
    price, quantity = draw(prices), draw(st.integers(1, 5))
    share = Decimal(draw(st.sampled_from(["0", "0", "0.1", "0.33", "1"])))
    duties = draw(st.lists(st.integers(1, 900).map(lambda cents: {"amount": str(Decimal(cents) / 100)}), max_size=1))
    return {
        "sku": draw(st.sampled_from(SKUS)),
        "price": price,
        "quantity": quantity,
        "discount": str((Decimal(price) * quantity * share).quantize(Decimal("0.01"))),
        "tax": draw(rates),
        "duties": duties,
    }


@st.composite
def a_checkout(draw: st.DrawFn) -> dict[str, Any]:
    currency, exchange_rate = draw(buyers)
    payment = draw(
        st.sampled_from(
            [
                {},
                {"payment": "unpaid"},
                {"payment": {"kind": "authorization"}},
                {"payment": [{"gateway": "gift_card", "amount": "2"}, {"gateway": "paypal"}]},
            ]
        )
    )
    return {
        "lines": draw(st.lists(a_line(), min_size=1, max_size=4)),
        "shipping": draw(st.lists(prices.map(lambda p: {"title": "Post", "price": p}), max_size=2)),
        "discount_codes": draw(st.sampled_from([[], [{"code": "TEN", "percentage": 10}]])),
        "tax": draw(rates),
        "currency": currency,
        "exchange_rate": exchange_rate,
        "taxes_included": draw(st.booleans()),
        **draw(st.sampled_from([{}, {"tip": "3.50"}, {"fees": [{"name": "Handling", "price": "2.25"}]}])),
        **payment,
    }


def a_step(order: Order, draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Any step, sensible or not: the simulator has to refuse what Shopify refuses."""
    line = draw(st.sampled_from([each.id for each in order.lines]))
    quantity = draw(st.integers(1, 3))
    amount = str(draw(st.integers(1, 200)))
    part = {"line": line, "quantity": quantity}
    restock = draw(st.sampled_from(["return", "cancel", "no_restock"]))
    pending = [t.id for t in order.transactions if t.status == "PENDING"]
    choices: list[tuple[str, dict[str, Any]]] = [
        ("pay", {}),
        ("pay", {}),
        ("pay", {"amount": amount, "gateway": "manual", "exchange_rate": "3.1"}),
        ("authorize", {}),
        ("capture", {"amount": amount}),
        ("capture", {}),
        ("void", {}),
        ("fulfill", {}),
        ("fulfill", {}),
        ("fulfill", {"lines": [part]}),
        ("refund", {"lines": [{**part, "restock": restock}]}),
        ("refund", {"lines": [{**part, "restock": restock}], "shipping": True, "duties": True}),
        ("refund", {"lines": [{**part, "restock": restock}], "restocking_fee": "1"}),
        ("refund", {"lines": [{**part, "restock": restock}], "amount": amount, "status": "pending"}),
        ("refund", {"amount": amount}),
        ("refund", {"shipping": "1"}),
        ("edit", {"add": [{"sku": "MUG-ENAMEL", "quantity": quantity, "price": amount}]}),
        ("edit", {"quantities": {str(line): quantity}, "restock": draw(st.booleans())}),
        ("edit", {"discounts": {str(line): "1.25"}}),
        (
            "edit",
            {"remove_discounts": [line], "shipping": {"remove": True, "add": [{"title": "Fast", "price": amount}]}},
        ),
        ("cancel", {"restock": draw(st.booleans()), "refund": draw(st.booleans())}),
        *[("settle", {"transaction": each, "status": "success"}) for each in pending],
        *[("settle", {"transaction": each, "status": "failure"}) for each in pending],
    ]
    shipped = [each.id for each in order.lines if each.fulfilled and each.current_quantity]
    if shipped or draw(st.booleans()):
        goods = {"line": draw(st.sampled_from(shipped or [line])), "quantity": quantity}
        exchange = [{"sku": "MAP-NORDIC", "quantity": quantity}]
        choices += [
            ("return", {"action": "open", "lines": [{**goods, "restocking_fee": "1"}]}),
            ("return", {"action": "open", "lines": [goods], "exchange": exchange}),
            ("return", {"action": "request", "lines": [goods], "exchange": exchange}),
        ]
        choices += [("return", {"action": action}) for action in ("approve", "process", "process", "close")] * 2
    return draw(st.sampled_from(choices))


def of(document: dict[str, Any], name: str, side: str) -> Decimal:
    found = document[f"{name}_set"]
    return Decimal(found[side]["amount"]) if found else ZERO


def summed(documents: list[dict[str, Any]], name: str, side: str) -> Decimal:
    return sum((of(each, name, side) for each in documents), ZERO)


def adjustments_of(refund: dict[str, Any], kind: str = "refund_discrepancy") -> list[dict[str, Any]]:
    return [each for each in refund["order_adjustments"] if each["kind"] == kind]


def parts_of(refund: dict[str, Any], side: str, *, included: bool) -> Decimal:
    """What a refund's goods, shipping and duties are worth."""
    lines, shipping = refund["refund_line_items"], refund["refund_shipping_lines"]
    tax = summed(lines, "total_tax", side) - summed(adjustments_of(refund, "shipping_refund"), "tax_amount", side)
    return (
        summed(lines, "subtotal", side)
        + summed(shipping, "subtotal_amount", side)
        + of(refund, "total_duties", side)
        + (ZERO if included else tax)
    )


def settled(order: Order, kinds: tuple[str, ...], side: str) -> Decimal:
    found = [t.settles for t in order.transactions if t.kind in kinds and t.status == "SUCCESS"]
    return sum((bag.shop if side == "shop_money" else bag.presentment for bag in found), ZERO)


def check(order: Order, document: dict[str, Any]) -> None:
    included = document["taxes_included"]
    lines, parcels = document["line_items"], document["shipping_lines"]
    for side in SIDES:
        gross = sum((of(line, "price", side) * line["quantity"] for line in lines), ZERO)
        off = sum((summed(line["discount_allocations"], "amount", side) for line in lines), ZERO)
        tax = sum((summed(each["tax_lines"], "price", side) for each in (*lines, *parcels)), ZERO)
        duties = of(document, "original_total_duties", side)
        fees = of(document, "original_total_additional_fees", side)
        assert of(document, "total_tax", side) == tax == summed(document["tax_lines"], "price", side)
        assert of(document, "subtotal_price", side) == gross - off
        shipping = summed(parcels, "discounted_price", side)
        rest = shipping + duties + fees + (ZERO if included else tax)
        assert of(document, "total_price", side) == gross - off + rest
        net = settled(order, ("SALE", "CAPTURE"), side) - settled(order, ("REFUND",), side)
        open_ = outstanding(order)
        left = open_.shop if side == "shop_money" else open_.presentment
        assert of(document, "current_total_price", side) - net == left
        assert of(document, "current_subtotal_price", side) >= 0
        assert of(document, "current_total_tax", side) >= 0
        for refund in document["refunds"]:
            shipping_back = summed(adjustments_of(refund, "shipping_refund"), "amount", side)
            if included:
                shipping_back += summed(adjustments_of(refund, "shipping_refund"), "tax_amount", side)
            assert shipping_back == -summed(refund["refund_shipping_lines"], "subtotal_amount", side)
            assert parts_of(refund, side, included=included) >= 0
        if not document["refunds"] and not order.edited and not order.returns:
            assert of(document, "current_total_price", side) == of(document, "total_price", side)
        if not order.edited and not order.returns:
            given = sum((parts_of(refund, side, included=included) for refund in document["refunds"]), ZERO)
            adjusted = sum((summed(adjustments_of(refund), "amount", side) for refund in document["refunds"]), ZERO)
            assert of(document, "current_total_price", side) == of(document, "total_price", side) - given + adjusted
    open_ = outstanding(order)
    assert bool(open_.presentment) or not open_.shop
    for line in order.lines:
        assert 0 <= line.unfulfilled <= line.current_quantity <= line.quantity
        back = sum(row.quantity for refund in order.refunds for row in refund.lines if row.line_id == line.id)
        assert back <= line.gone.quantity
        assert line.net(line.left).presentment >= 0
        assert line.net(line.gone).presentment >= 0
    for payment in order.transactions:
        under = [t for t in order.transactions if t.parent_id == payment.id and t.status in ("SUCCESS", "PENDING")]
        for kind in ("CAPTURE", "REFUND"):
            moved = sum((t.settles.presentment for t in under if t.kind == kind), ZERO)
            assert moved <= payment.settles.presentment


def check_stock(shop: Shop, order: Order) -> None:
    """What is committed is what is still to be shipped."""
    for variant in shop.variants.values():
        open_ = sum(line.unfulfilled for line in order.lines if line.variant and line.variant.id == variant.id)
        assert sum(level.quantity("committed") for level in shop.levels_of(variant.inventory_item_id)) == open_


@settings(deadline=None, max_examples=150)
@given(data=st.data(), checkout=a_checkout())
def test_sums_agree_after_every_step_of_any_history(data: st.DataObject, checkout: dict[str, Any]):
    moment = datetime(2026, 11, 23, 9, tzinfo=UTC)
    shop = Shop(NORDLYS, lambda: moment)
    try:
        order = place_order(shop, checkout)
    except CartError:  # the gift card alone pays for more than it costs
        reject()
    document = json.loads(json.dumps(order_document(shop, order)))
    check(order, document)
    for _ in range(data.draw(st.integers(1, 8))):
        step, wish = a_step(order, data.draw)
        was_even, before = not outstanding(order), document
        try:
            events = apply_step(shop, order, step, wish)
        except (ValueError, KeyError):
            event(f"{step} refused")
            assert json.loads(json.dumps(order_document(shop, order))) == before
            continue
        event(step)
        moment += timedelta(milliseconds=10)
        document = json.loads(json.dumps(order_document(shop, order)))
        check(order, document)
        check_stock(shop, order)
        assert document["updated_at"] > before["updated_at"]
        assert events[-1].topic == "orders/updated"
        assert document["financial_status"] == financial_status(order)
        if step in ("refund", "cancel") and was_even:
            assert not outstanding(order), "a refund of a paid order leaves nothing owed"
            refund = document["refunds"][-1]
            adjusted = summed(adjustments_of(refund), "amount", "presentment_money")
            paid = sum((Decimal(t["amount"]) for t in refund["transactions"] if t["status"] == "success"), ZERO)
            included = document["taxes_included"]
            assert paid == parts_of(refund, "presentment_money", included=included) - adjusted
        if step == "cancel":
            assert not outstanding(order)
            assert document["cancelled_at"]
            assert not any(line["current_quantity"] for line in document["line_items"])
