"""Sales agreements of the Admin GraphQL API, as fetch_agreements returns them."""

from __future__ import annotations

from tests.builders.orders import Payload


def bag(amount: str, presented: str | None = None, currency: str = "EUR") -> Payload:
    """`presented` in `currency`; by default both sides are euros."""
    return {
        "shopMoney": {"amount": amount, "currencyCode": "EUR"},
        "presentmentMoney": {"amount": presented or amount, "currencyCode": currency},
    }


def sale(line_id: int | None, quantity: int | None, amount: str, tax: str = "0.0", action: str = "ORDER") -> Payload:
    of_line = {} if line_id is None else {"lineItem": {"id": f"gid://shopify/LineItem/{line_id}"}}
    return {
        "actionType": action,
        "quantity": quantity,
        "totalAmount": bag(amount),
        "totalTaxAmount": bag(tax),
    } | of_line


def back(line_id: int, quantity: int, amount: str, tax: str = "0.0") -> Payload:
    """Units that an agreement takes off a line."""
    return sale(line_id, -quantity, f"-{amount}", f"-{tax}", "RETURN")


def fee(kind: str | None, amount: Payload, tax: str = "0.0", action: str = "ORDER") -> Payload:
    """`kind`: RestockingFee, ReturnShippingFee, or None for one that was deleted."""
    return {
        "actionType": action,
        "lineType": "FEE",
        "quantity": 1,
        "totalAmount": amount,
        "totalTaxAmount": bag(tax, currency=amount["presentmentMoney"]["currencyCode"]),
        "fee": None if kind is None else {"__typename": kind},
    }


def agreement(*sales: Payload, reason: str = "ORDER", of_return: int | None = None) -> Payload:
    source = {} if of_return is None else {"return": {"id": f"gid://shopify/Return/{of_return}"}}
    return {"id": "gid://shopify/SalesAgreement/1", "reason": reason, "sales": list(sales)} | source


def of_return(*sales: Payload, number: int = 31) -> Payload:
    return agreement(*sales, reason="RETURN", of_return=number)
