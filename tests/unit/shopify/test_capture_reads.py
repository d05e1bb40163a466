"""Shopify's transactions as authorisations, captures and money that was paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.errors import RefusedError
from shared.model import Money, OrderPayments
from shared.shopify.captures import read_payments


def bag(amount: str, shop: str | None = None, currency: str = "SEK") -> dict[str, Any]:
    return {
        "shopMoney": {"amount": shop or amount, "currencyCode": "EUR"},
        "presentmentMoney": {"amount": amount, "currencyCode": currency},
    }


def transaction(number: int, kind: str, amount: str, parent: int | None = None, **given: Any) -> dict[str, Any]:
    gid = "gid://shopify/OrderTransaction/"
    usual = {
        "id": f"{gid}{number}",
        "kind": kind,
        "status": "SUCCESS",
        "gateway": "shopify_payments",
        "createdAt": "2026-11-29T12:00:00Z",
        "processedAt": None,
        "authorizationExpiresAt": None,
        "manuallyCapturable": kind == "AUTHORIZATION",
        "multiCapturable": kind == "AUTHORIZATION",
        "parentTransaction": {"id": f"{gid}{parent}"} if parent else None,
        "amountSet": bag(amount),
    }
    return usual | given


class Admin:
    def __init__(self, *transactions: dict[str, Any]) -> None:
        self._order = {
            "cancelledAt": None,
            "taxesIncluded": False,
            "totalPriceSet": bag("1000", shop="100"),
            "totalReceivedSet": bag("200"),
            "totalOutstandingSet": bag("800"),
            "transactions": list(transactions),
            "refunds": [],
        }

    def refund(self, *lines: tuple[str, str, str], more: bool = False) -> None:
        nodes = [{"restockType": kind, "subtotalSet": bag(net), "totalTaxSet": bag(tax)} for kind, net, tax in lines]
        page = {"nodes": nodes, "pageInfo": {"hasNextPage": more}}
        self._order["refunds"].append(
            {"id": "gid://shopify/Refund/9", "totalRefundedSet": bag("5"), "refundLineItems": page}
        )

    def with_tax_in_prices(self) -> None:
        self._order["taxesIncluded"] = True

    async def run(self, *_: Any) -> dict[str, Any]:
        return {"order": self._order}


async def read(admin: Admin) -> OrderPayments:
    found = await read_payments(admin, 1)  # type: ignore[arg-type]  # answers what is read
    assert found is not None
    return found


def sek(amount: str) -> Money:
    return Money(Decimal(amount), "SEK")


async def test_pending_money_counts_as_paid_and_is_not_left_to_capture() -> None:
    found = await read(
        Admin(
            transaction(1, "AUTHORIZATION", "500"),
            transaction(2, "CAPTURE", "30", 1, status="PENDING"),
            transaction(3, "SALE", "7", status="AWAITING_RESPONSE"),
            transaction(4, "CAPTURE", "11", 1, status="FAILURE"),
            transaction(5, "CAPTURE", "200", 1),
        )
    )
    assert (found.received, found.outstanding) == (sek("237"), sek("763"))
    (authorization,) = found.authorizations
    assert (authorization.left, authorization.uncaptured) == (sek("270"), sek("270"))
    assert [(each.id, each.counts) for each in found.captures] == [(2, True), (4, False), (5, True)]


async def test_only_successful_authorizations_in_the_buyers_currency_are_some() -> None:
    found = await read(
        Admin(
            transaction(1, "AUTHORIZATION", "5", status="FAILURE"),
            transaction(2, "AUTHORIZATION", "5", amountSet=bag("5", currency="EUR")),
            transaction(3, "EMV_AUTHORIZATION", "5", manuallyCapturable=False, multiCapturable=True, gateway=None),
            transaction(4, "AUTHORIZATION", "6", manuallyCapturable=False),
            transaction(5, "VOID", "6", 4),
            transaction(6, "AUTHORIZATION", "7", gateway="paypal"),
            transaction(7, "VOID", "7", 6, status="FAILURE"),
        )
    )
    assert [(each.id, str(each.left.amount), each.is_voided, each.takes_final) for each in found.authorizations] == [
        (3, "0", False, False),
        (4, "0", True, True),
        (6, "7", False, False),
    ]


async def test_goods_of_a_refund_that_had_left_are_told_from_cancelled_ones() -> None:
    admin = Admin()
    admin.refund(("CANCEL", "10", "1"))
    admin.refund(("CANCEL", "10", "1"), more=True)
    admin.refund(("RETURN", "10", "1"), ("CANCEL", "5", "1"), ("NO_RESTOCK", "3", "0.5"))
    admin.refund()
    found = await read(admin)
    assert [(each.cancels, each.has_lines, str(each.returned.amount)) for each in found.refunds] == [
        (True, True, "0"),
        (False, True, "0"),
        (False, True, "14.5"),
        (False, False, "0"),
    ]
    admin.with_tax_in_prices()
    assert (await read(admin)).refunds[2].returned == sek("13")


async def test_more_transactions_than_are_read_are_refused() -> None:
    assert (await read(Admin(*(transaction(each, "SALE", "1") for each in range(1, 50))))).captures == ()
    with pytest.raises(RefusedError, match="SHOPIFY_SHAPE"):
        await read(Admin(*(transaction(each, "SALE", "1") for each in range(1, 51))))
