"""The risk of an order, and whether Shopify is still to assess it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from builders.graphql_order import order_node
from builders.payments import transaction
from builders.sales import euros, line, order

from shared.mapping.shopify.graphql import read_graphql_state
from shared.model import CurrencySide, OrderState, Risk

COUNTER = {"retailLocation": {"id": "gid://shopify/Location/7"}}


def state(*levels: str, recommendation: str = "NONE", manual: tuple[bool, ...] = (False,), **node: Any) -> OrderState:
    """Of an order with assessments of these levels, and a payment by a manual or another gateway for each `manual`."""
    raw = order_node(order(line(price=euros("100.00"))), [transaction(number) for number in range(1, len(manual) + 1)])
    for payment, is_manual in zip(raw["transactions"], manual, strict=True):
        payment["manualPaymentGateway"] = is_manual
    raw["risk"] = {"recommendation": recommendation, "assessments": [{"riskLevel": each} for each in levels]}
    now = datetime(2027, 1, 1, tzinfo=UTC)
    return read_graphql_state(raw | node, store="nordlys", side=CurrencySide.SHOP, now=now)


@pytest.mark.parametrize(
    ("levels", "recommendation", "risk"),
    [
        ((), "NONE", Risk.NONE),
        (("NONE",), "NONE", Risk.NONE),
        (("PENDING",), "NONE", Risk.NONE),
        (("LOW",), "ACCEPT", Risk.LOW),
        (("LOW",), "INVESTIGATE", Risk.MEDIUM),
        (("LOW",), "CANCEL", Risk.HIGH),
        ((), "CANCEL", Risk.HIGH),
        (("HIGH",), "ACCEPT", Risk.HIGH),
        (("HIGH", "LOW"), "ACCEPT", Risk.HIGH),
        (("LOW", "HIGH"), "NONE", Risk.HIGH),
        (("LOW", "PENDING", "MEDIUM"), "ACCEPT", Risk.MEDIUM),
    ],
)
def test_the_strictest_of_recommendation_and_assessments_counts(
    levels: tuple[str, ...], recommendation: str, risk: Risk
) -> None:
    assert state(*levels, recommendation=recommendation).risk is risk


@pytest.mark.parametrize(
    ("levels", "is_awaited"),
    [((), True), (("PENDING",), True), (("HIGH", "PENDING"), True), (("LOW",), False), (("NONE",), False)],
)
def test_an_assessment_is_awaited_before_the_first_and_while_one_is_pending(
    levels: tuple[str, ...], *, is_awaited: bool
) -> None:
    assert state(*levels).is_being_assessed is is_awaited


@pytest.mark.parametrize(
    "not_assessed",
    [
        pytest.param({"sourceName": "pos"}, id="of the counter"),
        pytest.param(COUNTER, id="of a location"),
        pytest.param({"sourceName": "shopify_draft_order"}, id="a draft"),
        pytest.param({"manual": (True,)}, id="paid by hand"),
        pytest.param({"manual": ()}, id="without a payment"),
    ],
)
@pytest.mark.parametrize("levels", [(), ("PENDING",)])
def test_nothing_is_awaited_of_an_order_that_shopify_does_not_assess(
    not_assessed: dict[str, Any], levels: tuple[str, ...]
) -> None:
    assert state(*levels, **not_assessed).is_being_assessed is False


def test_one_payment_by_a_gateway_is_enough_to_be_assessed() -> None:
    assert state(manual=(True, False)).is_being_assessed is True


@pytest.mark.parametrize("source", [None, "web", "580111"])
def test_orders_of_every_other_channel_are_assessed(source: str | None) -> None:
    assert state(sourceName=source).is_being_assessed is True
