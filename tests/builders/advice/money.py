"""Advice about payments and refunds, and how it is carried out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from local.d365 import free_text, return_tables
from local.d365.faults import Fault
from local.d365.journals import JOURNALS
from local.d365.journals import LINES as PAYMENT_LINES
from local.d365.sales_tables import LINES as SALES_LINES
from shared.error_catalogue import ErrorCode
from shared.mapping.refunds.plan import refund_reference
from tests.builders.advice.scene import (
    UNPAID,
    Act,
    Repair,
    Scene,
    changed,
    checkout,
    deploying,
    invoice,
    pack,
    replaying,
)
from tests.builders.sales import EU

assert EU.refunds is not None
ACCOUNTS: Final = EU.refunds.accounts.model_dump(exclude_unset=True)
PAID: Final = Decimal("517.90")
ONE_BACK: Final = {"lines": [{"line": "TENT-2P", "quantity": 1, "restock": "return"}]}


async def _ship(scene: Scene) -> None:
    await pack(scene)
    await invoice(scene)
    await scene.step("fulfill", {})


async def _refund_an_amount(scene: Scene) -> None:
    await _ship(scene)
    await scene.step("refund", {"amount": "5.00"})


async def _take_one_back(scene: Scene) -> None:
    await _ship(scene)
    await scene.step("refund", ONE_BACK)


async def _refund_what_is_not_invoiced(scene: Scene) -> None:
    await pack(scene)
    await scene.step("fulfill", {})
    await scene.step("refund", ONE_BACK)


async def _invoice_and_replay(scene: Scene) -> None:
    await invoice(scene)
    scene.app.waiting = []
    await scene.replay()


# ---- payments


def pay_and_book(*references: str) -> Act:
    """The order is paid, and somebody books that in F&O before the app does, in the journal of the day: a line for each
    of these references.
    """

    async def act(scene: Scene) -> None:
        scene.change("pay", {"gateway": "shopify_payments"})
        client = scene.app.client
        day = scene.order.order.transactions[-1].created_at.astimezone(EU.zone)
        todays = {"JournalName": "SHOPPAY", "Description": f"shopify nordlys {day:%Y-%m-%d} EUR"}
        journal = await client.create(JOURNALS, {"dataAreaId": "nleu", **todays})
        line = {
            "dataAreaId": "nleu",
            "JournalBatchNumber": journal["JournalBatchNumber"],
            "AccountDisplayValue": scene.header["OrderingCustomerAccountNumber"],
            "CurrencyCode": "EUR",
            "PaymentMethodName": "MANUAL",
            "PaymentId": str(scene.order.order.transactions[-1].id),
            "CreditAmount": PAID,
        }
        for number, reference in enumerate(references, start=1):
            named = reference.format(number=scene.number)
            await client.create(PAYMENT_LINES, {**line, "LineNumber": Decimal(number), "PaymentReference": named})
        await scene.deliver()

    return act


def _line_key(line: dict[str, Any]) -> dict[str, Any]:
    return {name: line[name] for name in ("dataAreaId", "JournalBatchNumber", "LineNumber")}


async def _correct_reference(scene: Scene) -> None:
    (line,) = scene.rows(PAYMENT_LINES)
    await scene.app.client.update(PAYMENT_LINES, _line_key(line), {"PaymentReference": scene.number})
    await scene.replay()


def keeping_payment(kept: int) -> Act:
    async def act(scene: Scene) -> None:
        lines = scene.rows(PAYMENT_LINES)
        for line in [*lines[:kept], *lines[kept + 1 :]]:
            await scene.app.client.delete(PAYMENT_LINES, _line_key(line))
        await scene.replay()

    return act


async def _reverse_one_payment(scene: Scene) -> None:
    """Both lines are posted, and stay; a further line takes one of them back."""
    line = scene.rows(PAYMENT_LINES)[1]
    reversal = {"LineNumber": Decimal(3), "DebitAmount": PAID, "PaymentReference": scene.number}
    copied = ("dataAreaId", "JournalBatchNumber", "AccountDisplayValue", "CurrencyCode", "PaymentMethodName")
    await scene.app.client.create(PAYMENT_LINES, {**{name: line[name] for name in copied}, **reversal})
    await scene.replay()


async def _book_by_hand(scene: Scene) -> None:
    """The refund's payment is booked in F&O with its id, and the message is discarded. A later event is handled."""
    refunded = scene.order.order.transactions[-1]
    line = {name: scene.rows(PAYMENT_LINES)[0][name] for name in ("dataAreaId", "JournalBatchNumber")}
    by_hand = {
        "LineNumber": Decimal(99),
        "AccountDisplayValue": scene.header["OrderingCustomerAccountNumber"],
        "CurrencyCode": "EUR",
        "PaymentMethodName": "MANUAL",
        "PaymentId": str(refunded.id),
        "PaymentReference": scene.number,
        "DebitAmount": Decimal("5.00"),
    }
    await scene.app.client.create(PAYMENT_LINES, {**line, **by_hand})
    await _discard_and_go_on(scene)


async def _credit_by_hand(scene: Scene) -> None:
    """The refund is credited in F&O with its reference, and the message is discarded. A later event is handled."""
    client = scene.app.client
    header = {
        "dataAreaId": "nleu",
        "CustomerAccount": scene.header["OrderingCustomerAccountNumber"],
        "CustomerReference": refund_reference("nordlys", scene.order.order.refunds[0].id),
    }
    created = await client.create(free_text.HEADERS, header)
    line = {
        "dataAreaId": "nleu",
        "ParentRecId": created["InvoiceIdentifier"],
        "LineNumber": Decimal(1),
        "MainAccountDisplayValue": "418190",
        "TransactionCurrencyAmount": Decimal("-5.00"),
    }
    await client.create(free_text.LINES, line)
    await _discard_and_go_on(scene)


async def _discard_and_go_on(scene: Scene) -> None:
    await scene.close()
    scene.spoil = scene.topics = None
    await scene.step("amend", {"tags": ["later"]})


async def _refund_without_payment(scene: Scene) -> None:
    """Shopify shows a refund, and its payment is missing: another app reported only one of them."""
    scene.change("refund", {"amount": "5.00"})
    order = scene.order.order
    order.transactions = [each for each in order.transactions if each.kind == "REFUND"]


async def _record_payment(scene: Scene) -> None:
    """The clerk records in Shopify what the provider has received. Shopify sends the order again."""
    await scene.step("pay", {"gateway": "manual", "amount": str(PAID)})
    await scene.replay()


def unknown_status(payload: dict[str, Any]) -> None:
    for refund in payload["refunds"]:
        for transaction in refund["transactions"]:
            transaction["status"] = "reversed"


def unknown_reason(payload: dict[str, Any]) -> None:
    for refund in payload["refunds"]:
        for adjustment in refund["order_adjustments"]:
            adjustment.update(kind="loyalty", reason="loyalty")


def spoiling(spoil: Any) -> Act:
    """The order's bodies get values that this release does not know, while an amount is refunded."""

    async def act(scene: Scene) -> None:
        await _ship(scene)
        scene.spoil, scene.topics = spoil, frozenset({"orders/updated"})
        await scene.step("refund", {"amount": "5.00"})

    return act


# ---- refunds


async def _credit_twice(scene: Scene) -> None:
    """Staff have begun the credit of the refund in F&O twice, with the app's reference."""
    await _ship(scene)
    scene.change("refund", {"amount": "5.00"})
    header = {
        "dataAreaId": "nleu",
        "CustomerAccount": scene.header["OrderingCustomerAccountNumber"],
        "CustomerReference": refund_reference("nordlys", scene.order.order.refunds[0].id),
    }
    for _ in range(2):
        await scene.app.client.create(free_text.HEADERS, header)
    await scene.deliver()


async def _keep_one_credit(scene: Scene) -> None:
    first = scene.rows(free_text.HEADERS)[0]
    key = {name: first[name] for name in ("dataAreaId", "InvoiceIdentifier")}
    await scene.app.client.delete(free_text.HEADERS, key)
    await scene.replay()


async def _return_at_other_price(scene: Scene) -> None:
    fault = Fault("override", "POST", return_tables.LINES, times=None, field="SalesPrice", value=199)
    scene.app.fo.faults.add(fault)
    await _take_one_back(scene)
    assert scene.is_return_held


async def _correct_return(scene: Scene) -> None:
    (line,) = scene.rows(return_tables.LINES)
    key = {name: line[name] for name in ("dataAreaId", "ReturnOrderNumber", "ReturnInventoryLotId")}
    await scene.app.client.update(return_tables.LINES, key, {"SalesPrice": Decimal("249.00")})
    await scene.replay()


async def _delete_return(scene: Scene) -> None:
    scene.app.fo.faults.clear()
    (header,) = scene.rows(return_tables.HEADERS)
    key = {name: header[name] for name in ("dataAreaId", "ReturnOrderNumber")}
    await scene.app.client.delete(return_tables.HEADERS, key)
    await scene.replay()


async def _return_more_than_sold(scene: Scene) -> None:
    """Staff have shortened the line in F&O, and both tents come back."""
    await _set_tents(scene, 1)
    await scene.step("fulfill", {})
    await scene.step("refund", {"lines": [{"line": "TENT-2P", "quantity": 2, "restock": "return"}]})


async def _correct_quantity(scene: Scene) -> None:
    await _set_tents(scene, 2)
    await pack(scene)
    await invoice(scene)
    await scene.replay()


async def _set_tents(scene: Scene, quantity: int) -> None:
    line = next(line for line in scene.lines if line["ItemNumber"] == "TENT-2P")
    key = {"dataAreaId": "nleu", "InventoryLotId": line["InventoryLotId"]}
    await scene.app.client.update(SALES_LINES, key, {"OrderedSalesQuantity": Decimal(quantity)})


GOODWILL: Final = {"credits": [("418190", Decimal("-5.00"))], "paid": [PAID, Decimal("-5.00")]}
TENT_BACK: Final = {"returned": [("TENT-2P", Decimal(-1), Decimal("-249.00"))], "is_return_held": False}

REPAIRED: Final[dict[ErrorCode, Repair]] = {
    ErrorCode.PAYMENT_WITHOUT_RULE: Repair(
        order=checkout(payment={"gateway": "klarna"}),
        act=deploying(
            payments={
                "methods": [
                    {"gateway": "klarna", "method": "MANUAL", "offset_type": "ledger", "offset_account": "110160"}
                ]
            }
        ),
        has={"paid": [PAID]},
    ),
    ErrorCode.FO_FOREIGN_PAYMENT: Repair(
        order=UNPAID, then=pay_and_book("invoice of Ada"), act=_correct_reference, has={"paid": [PAID]}
    ),
    ErrorCode.FO_PAYMENT_TWICE: Repair(
        order=UNPAID, then=pay_and_book("{number}", "{number}"), act=keeping_payment(0), has={"paid": [PAID]}
    ),
    ErrorCode.PAYMENTS_DIFFER: Repair(
        ready=_refund_without_payment, act=_record_payment, has={"paid": [Decimal("-5.00"), PAID]}
    ),
    ErrorCode.TRANSACTION_UNKNOWN: Repair(then=spoiling(unknown_status), act=replaying, has=GOODWILL),
    ErrorCode.REFUND_REASON_UNKNOWN: Repair(then=spoiling(unknown_reason), act=replaying, has=GOODWILL),
    ErrorCode.REFUND_NOT_INVOICED: Repair(
        rules=changed(EU, refunds={"wait_hours": 0}),
        then=_refund_what_is_not_invoiced,
        act=_invoice_and_replay,
        has=TENT_BACK,
    ),
    ErrorCode.FO_REFUND_TWICE: Repair(then=_credit_twice, act=_keep_one_credit, has=GOODWILL),
    ErrorCode.FO_REFUND_DIFFERS: Repair(then=_return_at_other_price, act=_correct_return, has=TENT_BACK),
    ErrorCode.RETURN_BEYOND_ORDER: Repair(
        then=_return_more_than_sold,
        act=_correct_quantity,
        has={"returned": [("TENT-2P", Decimal(-2), Decimal("-498.00"))]},
    ),
}

ALSO_REPAIRED: Final = (
    (
        ErrorCode.AMOUNT_WITHOUT_RULE,
        Repair(
            rules=changed(EU, refunds={"accounts": {key: ACCOUNTS[key] for key in ACCOUNTS if key != "goodwill"}}),
            then=_refund_an_amount,
            act=deploying(refunds={"accounts": ACCOUNTS}),
            has=GOODWILL,
        ),
    ),
    (
        ErrorCode.FO_PAYMENT_TWICE,
        Repair(order=UNPAID, then=pay_and_book("{number}", "{number}"), act=keeping_payment(1), has={"paid": [PAID]}),
    ),
    (
        ErrorCode.FO_PAYMENT_TWICE,
        Repair(
            order=UNPAID,
            then=pay_and_book("{number}", "{number}"),
            act=_reverse_one_payment,
            has={"paid": [PAID, PAID, -PAID]},
        ),
    ),
    (ErrorCode.TRANSACTION_UNKNOWN, Repair(then=spoiling(unknown_status), act=_book_by_hand, has=GOODWILL)),
    (ErrorCode.REFUND_REASON_UNKNOWN, Repair(then=spoiling(unknown_reason), act=_credit_by_hand, has=GOODWILL)),
    (ErrorCode.FO_REFUND_DIFFERS, Repair(then=_return_at_other_price, act=_delete_return, has=TENT_BACK)),
)
