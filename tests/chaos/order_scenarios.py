"""Scenarios of an order, up to the events whose handling is interrupted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from chaos_app import Installation

from local.d365.sales_tables import HEADERS
from local.d365.slip_posting import Shipment
from shared.bus.envelope import Envelope
from shared.rules import StoreRules
from shared.store.journal import Journal
from shared.store.links import OrderLinks
from shared.store.parking import Parked
from shared.sync.messages.parked import ParkedPorts, replay
from tests.builders.checkouts import ADDRESSES
from tests.builders.histories import SimulatedOrder, Webhook
from tests.builders.sales import EU, US, with_rules

type Wish = Mapping[str, Any]
type People = Callable[[Installation], None]

PLACED: Final = ("orders/create", "order_transactions/create")
"""The first webhook of an order contains no payments; the second does."""
BUYER: Final = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}
BASKETS: Final[dict[str, dict[str, Any]]] = {
    "nordlys": {
        "customer": BUYER,
        "shipping_address": ADDRESSES["nordlys"],
        "lines": [{"sku": "STOVE-GAS", "quantity": 3}, {"sku": "LAMP-HEAD", "quantity": 2}],
        "tax": [{"title": "BTW", "rate": "0.21"}],
        "shipping": [{"title": "Standard", "code": "STANDARD", "price": "6.95"}],
    },
    "prairie": {
        "customer": BUYER,
        "shipping_address": ADDRESSES["prairie"],
        "lines": [{"sku": "TEE-RED-M", "quantity": 3}, {"sku": "TEE-RED-L", "quantity": 1}],
        "tax": [
            {"title": "Colorado State Tax", "rate": "0.029"},
            {"title": "Denver City Tax", "rate": "0.0481"},
            {"title": "RTD Tax", "rate": "0.011"},
        ],
        "shipping": [{"title": "Ground", "code": "GROUND", "price": "7.50", "tax": []}],
    },
}
ENGRAVED: Final = [*BASKETS["nordlys"]["lines"], {"title": "Engraving", "quantity": 1, "price": "12.00"}]
"""With a line for which the store has no rule."""
ONE_BY_ONE: Final = {"orders": {"lines_per_request": 1}}
ELSEWHERE: Final = {"shipping_address": {**ADDRESSES["nordlys"], "address1": "Oudegracht 10", "city": "Utrecht"}}


def overpriced(body: bytes) -> bytes:
    """As if a trade agreement had overridden the price of the first line."""
    return re.sub(rb'"LineAmount":\s*[\d.]+', b'"LineAmount":1.23', body, count=1)


def picked(app: Installation) -> None:
    for header in app.fo.books.rows(HEADERS):
        app.fo.posting.pick(header)


def invoiced(app: Installation) -> None:
    for header in app.fo.books.rows(HEADERS):
        app.fo.slips.pack(header, Shipment())
        app.fo.posting.invoice(header)


@dataclass(frozen=True)
class Scenario:
    topics: tuple[str, ...]
    """Topics of the webhooks of the last step, in the order of their delivery."""
    ends: tuple[str, ...]
    """Outcomes of these webhooks, or of the replayed message."""
    steps: tuple[tuple[str, Wish], ...] = ()
    """After the checkout. The webhooks of all but the last step are handled without interruption."""
    people: People = lambda _: None
    """What staff do in F&O before the last step."""
    parked: tuple[str, ...] = ()
    """Error codes of the messages that are parked at the end."""
    store: str = "nordlys"
    basket: Wish = field(default_factory=dict)
    altered: Callable[[bytes], bytes] | None = None
    rules: Mapping[str, Wish] = field(default_factory=dict)
    """Of the store, from the beginning."""
    changed_rules: Mapping[str, Wish] | None = None
    """Rules that a person changes after the last step, before the parked message is replayed."""


SCENARIOS: Final = {
    "created by our number": Scenario(PLACED, ("done", "done")),
    "created by the number of F&O": Scenario(PLACED, ("done", "done"), store="prairie"),
    "created in several requests by our number": Scenario(PLACED, ("done", "done"), rules=ONE_BY_ONE),
    "created in several requests by the number of F&O": Scenario(
        PLACED, ("done", "done"), store="prairie", rules=ONE_BY_ONE
    ),
    "refused": Scenario(
        ("orders/create",),
        ("parked",),
        basket={"lines": ENGRAVED},
        parked=("LINE_WITHOUT_RULE",),
    ),
    "corrected by an edit": Scenario(
        ("orders/updated",),
        ("done",),
        steps=(("edit", {"quantities": {"Engraving": 0}}),),
        basket={"lines": ENGRAVED},
    ),
    "corrected by other rules": Scenario(
        ("orders/create",),
        ("done",),
        basket={"lines": ENGRAVED},
        changed_rules={"orders": {"custom_line_item": "CUSTOM_LINE"}},
    ),
    "edited": Scenario(
        ("orders/edited",),
        ("done",),
        steps=(("edit", {"quantities": {"STOVE-GAS": 1}, "add": [{"sku": "MUG-ENAMEL", "quantity": 2}]}),),
    ),
    "edited in several requests": Scenario(
        ("orders/edited",),
        ("done",),
        steps=(("edit", {"quantities": {"STOVE-GAS": 1}, "add": [{"sku": "MUG-ENAMEL", "quantity": 2}]}),),
        rules=ONE_BY_ONE,
    ),
    "cancelled in several requests": Scenario(
        ("orders/cancelled", "refunds/create"),
        ("done", "done"),
        steps=(("cancel", {"refund": True}),),
        rules=ONE_BY_ONE,
    ),
    "added to after it was invoiced": Scenario(
        ("orders/edited",),
        ("done",),
        steps=(("fulfill", {}), ("edit", {"add": [{"sku": "MUG-ENAMEL", "quantity": 2}]})),
        people=invoiced,
    ),
    "sent elsewhere": Scenario(("orders/updated",), ("done",), steps=(("amend", ELSEWHERE),)),
    "sent elsewhere once it was picked": Scenario(
        ("orders/updated",),
        ("parked",),
        steps=(("amend", ELSEWHERE),),
        people=picked,
        parked=("CHANGE_HELD",),
    ),
    "sent elsewhere after the rules were changed": Scenario(
        ("orders/updated",),
        ("done",),
        steps=(("amend", ELSEWHERE),),
        people=picked,
        changed_rules={"changes": {"address": {"picked": "apply"}}},
    ),
    "suspected of fraud": Scenario(
        ("orders/risk_assessment_changed",), ("done",), steps=(("risk", {"level": "high"}),)
    ),
    "cancelled": Scenario(
        ("orders/cancelled", "refunds/create"), ("done", "done"), steps=(("cancel", {"refund": True}),)
    ),
    "refunded before it was shipped": Scenario(
        ("refunds/create",),
        ("done",),
        steps=(("refund", {"lines": [{"line": "STOVE-GAS", "quantity": 2, "restock": "cancel"}]}),),
    ),
    "returned after it was invoiced": Scenario(
        ("refunds/create",),
        ("done",),
        steps=(
            ("fulfill", {}),
            ("refund", {"lines": [{"line": "STOVE-GAS", "quantity": 2, "restock": "return"}], "shipping": True}),
        ),
        people=invoiced,
    ),
}

BOOKED_OTHERWISE: Final = {
    store: Scenario(("orders/create",), ("parked",), altered=overpriced, parked=("FO_SUM_DIFFERS",), store=store)
    for store in BASKETS
}


async def prepared(app: Installation, scenario: Scenario) -> list[Envelope]:
    """Brings the app to the state before the interruption; gives the events to deliver."""
    simulated = SimulatedOrder(scenario.store, BASKETS[scenario.store] | scenario.basket)
    for name, wish in scenario.steps:
        known = len(simulated.steps)
        simulated.step(name, wish)
        assert len(simulated.steps) > known, f"Shopify refuses to {name}"
    rules = with_rules({"nordlys": EU, "prairie": US}[scenario.store], **scenario.rules)
    app.begin(rules, scenario.altered)
    *earlier, last = simulated.steps
    for step in earlier:
        app.show(step.order)
        await app.deliver([_event(webhook, rules) for webhook in step.webhooks])
    scenario.people(app)
    app.show(last.order)
    by_topic = {webhook.topic: webhook for webhook in last.webhooks}
    assert by_topic.keys() >= set(scenario.topics), f"Shopify sends {', '.join(by_topic)}"
    events = [_event(by_topic[topic], rules, again) for again, topic in enumerate(scenario.topics)]
    if scenario.changed_rules is None:
        return events
    await app.deliver(events)
    app.rules = with_rules(rules, **scenario.changed_rules)
    return [await _sent_again(app, one) for one in await app.parking().open()]


async def _sent_again(app: Installation, parked: Parked) -> Envelope:
    """Replays a parked message, as the operator's command does."""
    sent: list[Envelope] = []

    async def publish(envelope: Envelope) -> None:
        sent.append(envelope)

    links = OrderLinks(app.tables["links"])
    await replay(
        [parked], ParkedPorts(app.parking(), links, app.bodies(), publish, Journal(app.tables["journal"]), "Kim")
    )
    (one,) = sent
    return one


def _event(webhook: Webhook, rules: StoreRules, again: int = 0) -> Envelope:
    return Envelope(
        flow="orders",
        event_id=f"event-{webhook.number}-{again}",
        source="shopify",
        store=rules.key,
        topic=webhook.topic,
        entity_id=str(webhook.order_id),
        occurred_at=datetime.now(UTC),
        traceparent="",
        body=webhook.body,
    )
