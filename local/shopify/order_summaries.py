"""An order's payment terms and risk."""

from typing import Any

from local.shopify.balance import outstanding
from local.shopify.ids import gid
from local.shopify.money import graphql_amount
from local.shopify.nodes import utc
from local.shopify.order import Order
from local.shopify.totals import ordered

_RECOMMENDATIONS = {"HIGH": "CANCEL", "MEDIUM": "INVESTIGATE", "LOW": "ACCEPT"}


def payment_terms(order: Order) -> dict[str, Any] | None:
    """One schedule for the whole amount, in the buyer's currency."""
    terms = order.payment_terms
    if terms is None:
        return None
    owed = outstanding(order).presentment
    paid = owed <= 0 and order.transactions

    def amount(value: Any) -> dict[str, Any]:
        return {
            "__typename": "MoneyV2",
            "amount": graphql_amount(value),
            "currencyCode": order.presentment_currency,
        }

    due_at = utc(terms.due_at) if terms.due_at else None
    schedule = {
        "id": gid("PaymentSchedule", terms.schedule_id),
        "amount": amount(ordered(order).total.presentment),
        "totalBalance": amount(max(owed, owed * 0)),
        "balanceDue": amount(max(owed, owed * 0)),
        "issuedAt": utc(terms.issued_at),
        "dueAt": due_at,
        "completedAt": utc(order.transactions[-1].created_at) if paid else None,
        "due": not paid,
    }
    return {
        "id": gid("PaymentTerms", terms.id),
        "paymentTermsName": terms.name,
        "translatedName": terms.name,
        "paymentTermsType": terms.kind,
        "dueInDays": terms.due_in_days,
        "due": not paid,
        "overdue": False,
        "paymentSchedules": {"nodes": [schedule], "edges": [{"cursor": "1", "node": schedule}]},
    }


def risk(order: Order) -> dict[str, Any]:
    """Shopify's own assessments have no provider; the recommendation follows the strictest one."""
    assessments: list[dict[str, Any]] = [
        {"riskLevel": each.level, "provider": _app(each.provider), "facts": []} for each in order.risks
    ]
    levels = {each.level for each in order.risks}
    recommendation = next((text for level, text in _RECOMMENDATIONS.items() if level in levels), "NONE")
    return {"recommendation": recommendation, "assessments": assessments}


def _app(provider: tuple[int, str] | None) -> dict[str, Any] | None:
    return {"id": gid("App", provider[0]), "title": provider[1]} if provider else None
