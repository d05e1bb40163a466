"""Which topics a shop does not send to the app, and how that is repaired."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from builders.log_events import events_in
from builders.memory_table import MemoryTable
from builders.swept_orders import SWEPT

from shared.errors import DeniedError, ErrorCode, OutcomeUnknownError, RefusedError
from shared.flows import ORDERS, SHIPMENTS
from shared.rules import StoreRules
from shared.shopify.subscriptions import Subscription
from shared.store.journal import Journal
from shared.sync.sweep.progress import Progress
from shared.sync.sweep.subscriptions import look_after_subscriptions, lost_topics
from tests.builders.payments import NOON
from tests.builders.sales import with_rules

TOPICS = ORDERS.webhooks
ALL = sorted(topic for topics in TOPICS.values() for topic in topics)
APP = "https://app.example.com"


def address(topic: str, family: str | None = None, store: str = "nordlys", host: str = APP) -> str:
    family = family or next(name for name, topics in TOPICS.items() if topic in topics)
    return f"{host}/api/webhooks/shopify/{store}/{family}"


def subscription(topic: str, family: str | None = None, store: str = "nordlys", host: str = APP) -> Subscription:
    return Subscription("1", topic.upper().replace("/", "_"), address(topic, family, store, host))


def everything() -> list[Subscription]:
    return [subscription(topic) for topic in ALL]


def test_nothing_is_lost_while_every_topic_is_sent():
    assert lost_topics("nordlys", TOPICS, everything()) == []


@pytest.mark.parametrize("topic", ALL)
def test_each_topic_is_missed(topic):
    assert lost_topics("nordlys", TOPICS, [each for each in everything() if each != subscription(topic)]) == [topic]


@pytest.mark.parametrize(
    "elsewhere",
    [
        subscription("refunds/create", family="orders"),
        subscription("refunds/create", store="prairie"),
        Subscription("1", "REFUNDS_CREATE", "https://other.example.com/hooks"),
        Subscription("1", "REFUNDS_CREATE", "pubsub://project:topic"),
    ],
)
def test_what_is_sent_elsewhere_is_not_sent_to_us(elsewhere):
    others = [each for each in everything() if each.topic != "REFUNDS_CREATE"]
    assert lost_topics("nordlys", TOPICS, [*others, elsewhere]) == ["refunds/create"]


def test_another_host_is_ours_too():
    moved = [subscription(topic, host="https://shop.example.com") for topic in ALL]
    assert lost_topics("nordlys", TOPICS, moved) == []


# ---- looking after them


class Shop:
    """The subscriptions of a shop. `answer` gives what a change is refused with, by its topic or id."""

    def __init__(self, *listed: dict[str, Any], answer: Callable[[str], str] = lambda _: "") -> None:
        self.listed = list(listed)
        self.answer = answer
        self.changes: list[tuple[Any, ...]] = []

    async def run(self, query: Any, variables: dict[str, Any]) -> dict[str, Any]:
        if query.name == "Subscriptions":
            page = {"hasNextPage": False, "endCursor": None}
            return {"webhookSubscriptions": {"nodes": self.listed, "pageInfo": page}}
        assert not query.repeatable
        subject = variables.get("topic") or variables["id"]
        self.changes.append((subject, variables["subscription"]))
        message = self.answer(subject)
        root = {"Subscribe": "webhookSubscriptionCreate", "SubscriptionRepair": "webhookSubscriptionUpdate"}[query.name]
        errors = [{"field": ["webhookSubscription", "callbackUrl"], "message": message}] if message else []
        return {root: {"userErrors": errors}}


def node(topic: str, uri: str | None = None, **parts: Any) -> dict[str, Any]:
    name = topic.upper().replace("/", "_")
    plain = {"id": f"id of {topic}", "topic": name, "format": "JSON", "filter": "", "includeFields": []}
    return {**plain, "uri": uri or address(topic), **parts}


def all_but(*topics: str) -> list[dict[str, Any]]:
    return [node(topic) for topic in ALL if topic not in topics]


class World:
    def __init__(self, shop: Shop, rules: StoreRules = SWEPT, own_address: str = APP) -> None:
        self.shop, self.rules, self.own_address = shop, rules, own_address
        self.table, self.now = MemoryTable(), NOON
        self.progress = Progress(None, "x", None, since=NOON, next_id=0, subscribed=False, refused={}, began=NOON)

    async def look(self) -> None:
        self.now += timedelta(minutes=15)
        journal = Journal(self.table)
        await look_after_subscriptions(self.rules, self.shop, self.own_address, journal, self.progress, self.now)

    def journal(self) -> list[str]:
        return [row["note"] for row in self.table.rows.values()]


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.INFO, logger="connector")
    return lambda name: events_in(caplog, f"webhooks.subscription_{name}")


async def test_a_new_store_gets_a_subscription_to_each_topic_at_the_apps_address(events):
    world = World(Shop())
    await world.look()
    wanted = {topic.upper().replace("/", "_"): {"uri": address(topic), "format": "JSON"} for topic in ALL}
    assert dict(world.shop.changes) == wanted
    assert len(world.shop.changes) == len(ALL)
    assert sorted((each["topic"], each["change"]) for each in events("repaired")) == [(each, "made") for each in ALL]
    assert events("lost") == []


async def test_nothing_is_changed_while_all_is_right(events):
    world = World(Shop(*all_but()))
    await world.look()
    assert (world.shop.changes, events("repaired"), events("lost"), world.journal()) == ([], [], [], [])


@pytest.mark.parametrize(
    ("wrong", "given"),
    [
        pytest.param({"uri": address("refunds/create", host="https://old.example.com")}, {}, id="another host"),
        pytest.param({"uri": address("refunds/create", family="orders")}, {}, id="another family"),
        pytest.param({"uri": address("refunds/create", host="http://app.example.com")}, {}, id="without TLS"),
        pytest.param({"format": "XML"}, {}, id="XML"),
        pytest.param({"includeFields": ["id"]}, {}, id="some fields"),
        pytest.param({"filter": "total_price:>100"}, {"filter": ""}, id="a filter"),
    ],
)
async def test_what_is_wrong_with_a_subscription_is_repaired_in_place(events, wrong, given):
    world = World(Shop(*all_but("refunds/create"), node("refunds/create", **wrong)))
    await world.look()
    uri = address("refunds/create")
    wanted = {"uri": uri, "format": "JSON", "includeFields": None, **given}
    assert world.shop.changes == [("id of refunds/create", wanted)]
    assert [(each["topic"], each["change"]) for each in events("repaired")] == [("refunds/create", "repaired")]


@pytest.mark.parametrize(
    "uri",
    [
        "https://other.example.com/hooks",
        "pubsub://project:topic",
        address("refunds/create", store="prairie"),
        "https://app.example.com/api/webhooks/other/nordlys/refunds",
    ],
)
async def test_a_subscription_that_sends_to_another_app_is_left_alone(uri):
    world = World(Shop(*all_but("refunds/create"), node("refunds/create", uri)))
    await world.look()
    assert [subject for subject, _ in world.shop.changes] == ["REFUNDS_CREATE"]


async def test_a_second_subscription_of_a_topic_is_left_alone():
    old = node("refunds/create", address("refunds/create", host="https://old.example.com"))
    world = World(Shop(*all_but(), old))
    await world.look()
    assert world.shop.changes == []


async def test_topics_of_a_flow_that_is_off_are_not_subscribed_to():
    world = World(Shop(), with_rules(SWEPT, flows={"orders": False, "write_back": False, "stock": False}))
    await world.look()
    assert world.shop.changes == []


NOT_APPROVED = "This app is not approved to subscribe to webhook topics containing protected customer data."


async def test_what_shopify_refuses_is_told_for_as_long_as_it_lasts_and_noted_once(events):
    world = World(Shop(answer=lambda topic: NOT_APPROVED if topic == "ORDERS_CREATE" else ""))
    for _ in range(2):
        await world.look()
    assert len(world.shop.changes) == 2 * len(ALL)  # one that is refused keeps no other
    lost = [(each["topic"], each["code"], each["owner"]) for each in events("lost")]
    assert lost == [("orders/create", "SUBSCRIPTION_REFUSED", "integration engineer")] * 2
    (note,) = world.journal()
    assert note == (
        "SUBSCRIPTION_REFUSED: Shopify does not let the app subscribe to the topic orders/create: " + NOT_APPROVED
    )
    world.shop.answer = lambda _: ""
    await world.look()
    assert (len(events("lost")), world.progress.refused) == (2, {})


@pytest.mark.parametrize(
    "error",
    [
        DeniedError(ErrorCode.SHOPIFY_DENIED, message="Required access: `read_orders` access scope."),
        RefusedError(ErrorCode.SHOPIFY_REJECTED, what="Subscribe", message="`read_orders` access scope."),
    ],
    ids=["denied", "rejected"],
)
async def test_a_missing_scope_of_one_topic_keeps_no_other(events, error):
    def answer(topic: str) -> str:
        if topic == "ORDERS_CREATE":
            raise error
        return ""

    world = World(Shop(answer=answer))
    await world.look()
    assert len(world.shop.changes) == len(ALL)
    assert [each["topic"] for each in events("lost")] == ["orders/create"]
    assert "`read_orders` access scope" in world.journal()[0]


async def test_a_topic_that_the_apps_configuration_sends_already_is_not_lost(events):
    world = World(Shop(answer=lambda _: "Address for this topic has already been taken"))
    await world.look()
    assert (events("lost"), events("repaired"), world.journal()) == ([], [], [])


async def test_a_change_without_an_answer_ends_the_run(events):
    def answer(_: str) -> str:
        raise OutcomeUnknownError("no answer")

    world = World(Shop(answer=answer))
    with pytest.raises(OutcomeUnknownError):
        await world.look()
    assert len(world.shop.changes) == 1


TOML = with_rules(SWEPT, sweep={"subscriptions": "toml"})


@pytest.mark.parametrize(("rules", "own_address"), [(TOML, APP), (SWEPT, "")], ids=["toml", "without an address"])
async def test_they_are_only_told_of_where_the_app_does_not_make_them(events, rules, own_address):
    world = World(Shop(), rules, own_address)
    await world.look()
    assert (events("lost"), world.progress.subscribed) == ([], False)  # none can be lost that was never listed
    world.shop.listed = all_but("refunds/create")
    await world.look()
    assert [each["topic"] for each in events("lost")] == ["refunds/create"]
    assert (world.progress.subscribed, world.shop.changes) == (True, [])
    world.shop.listed = []
    await world.look()
    assert len(events("lost")) == 1 + len(ALL)


async def test_a_store_with_shipments_gets_the_topics_of_holds_too():
    on = {"orders": True, "write_back": False, "stock": False, "shipments": True}
    world = World(Shop(), with_rules(SWEPT, flows=on))
    await world.look()
    made = {topic: fields["uri"] for topic, fields in world.shop.changes}
    for family, topics in SHIPMENTS.webhooks.items():
        for topic in topics:
            assert made[topic.upper().replace("/", "_")] == f"{APP}/api/webhooks/shopify/nordlys/{family}"
