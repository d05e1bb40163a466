"""F&O's order numbers go to Shopify once, and what Shopify does not take holds up no other order and no other store."""

import json
import logging
from collections import Counter
from datetime import timedelta

import pytest

from shared.errors import DeniedError, ErrorCode, RefusedError, ThrottledError, TransientError
from shared.rules import Flows
from shared.store.journal import Journal
from shared.store.outbox import Outbox
from shared.sync.order_numbers import WriteBackPorts, push_numbers
from tests.builders.log_events import events_in
from tests.builders.memory_table import MemoryTable
from tests.builders.payments import NOON, Clock
from tests.builders.sales import EU, US, with_rules
from tests.builders.snapshots import MemorySnapshots, defined

TAGGED = with_rules(EU, flows={"write_back": True}, write_back={"tag": "FO-{number}"})
PLAIN = with_rules(EU, flows={"write_back": True}, write_back={"tag": None})
OTHER = with_rules(US, flows={"write_back": True})


class Shop:
    """Orders with a metafield and tags; refuses numbers and tags with the errors given."""

    def __init__(self, *orders):
        self.numbers = dict.fromkeys(orders, "")
        self.tags = {order: ["gift"] for order in orders}
        self.refusals = {}
        """Number or tag -> Shopify's error."""
        self.calls = Counter()
        self.on_call = lambda _name: None

    async def run(self, query, variables):
        self.calls[query.name] += 1
        self.on_call(query.name)
        return getattr(self, query.name)(**variables)

    def WriteBackState(self, orders, namespace, key):  # noqa: N802 - GraphQL's name
        assert (namespace, key) == ("$app", "sales_order")
        assert len(orders) <= 25
        return {"nodes": [self.node(int(gid.rpartition("/")[2])) for gid in orders]}

    def node(self, order):
        if order not in self.numbers:
            return None
        number = self.numbers[order]
        metafield = {"value": number, "compareDigest": f"of {number}"} if number else None
        return {"tags": self.tags[order], "metafield": metafield}

    def WriteBackNumbers(self, metafields):  # noqa: N802
        errors = [
            {"field": ["metafields", str(at), "value"], **self.refusals[row["value"]]}
            for at, row in enumerate(metafields)
            if row["value"] in self.refusals
        ]
        for row in () if errors else metafields:
            order = int(row["ownerId"].rpartition("/")[2])
            assert row["compareDigest"] == (f"of {self.numbers[order]}" if self.numbers[order] else None)
            self.numbers[order] = row["value"]
        return {"metafieldsSet": {"userErrors": errors}}

    def WriteBackTag(self, order, tags):  # noqa: N802
        (tag,) = tags
        if tag in self.refusals:
            return {"tagsAdd": {"userErrors": [self.refusals[tag]]}}
        self.tags[int(order.rpartition("/")[2])].append(tag)
        return {"tagsAdd": {"userErrors": []}}

    @property
    def writes(self):
        return {name: count for name, count in self.calls.items() if name != "WriteBackState"}


class DefiningShop(Shop):
    """A shop whose answers to definitions are given: whether it has one, and the errors of each attempt to make it."""

    def __init__(self, *orders, has=False, errors=()):
        super().__init__(*orders)
        self.has, self.errors, self.wanted = has, list(errors), []

    def WriteBackDefinition(self, identifier):  # noqa: N802
        assert identifier == {"ownerType": "ORDER", "namespace": "$app", "key": "sales_order"}
        return {"metafieldDefinition": {"id": "gid://shopify/MetafieldDefinition/1"} if self.has else None}

    def WriteBackDefine(self, definition):  # noqa: N802
        self.wanted.append(definition)
        codes = self.errors.pop(0) if self.errors else ()
        errors = [{"field": ["definition"], "message": f"no: {code}", "code": code} for code in codes]
        return {"metafieldDefinitionCreate": {"userErrors": errors}}


class WriteBack:
    """One app whose stores write numbers back."""

    def __init__(self, shop, rules=TAGGED, **other):
        self.clock = Clock()
        self.table, self.journal_rows = MemoryTable(), MemoryTable()
        self.outbox = Outbox(self.table)
        self.snapshots = defined(rules.key, *(each.key for each, _ in other.values()))
        shops = {rules.key: shop, **{each.key: its for each, its in other.values()}}
        stores = {rules.key: rules, **{each.key: each for each, _ in other.values()}}
        self.ports = WriteBackPorts(stores, shops, self.outbox, Journal(self.journal_rows), self.snapshots)

    async def put(self, *orders, store="nordlys", prefix="SN"):
        for order in orders:
            await self.outbox.put(store, order, f"{prefix}{order}", now=self.clock.now)

    async def run(self, after=0):
        self.clock.pass_by(minutes=after)
        await push_numbers(self.ports, now=self.clock)

    @property
    def left(self):
        """Order -> how often it was postponed, and for how many minutes from now."""
        return {
            int(row["RowKey"].removeprefix("order-")): (
                row["attempts"],
                (row["due"] - self.clock.now) / timedelta(minutes=1),
            )
            for row in self.table.rows.values()
        }

    @property
    def noted(self):
        return [row for _, row in sorted(self.journal_rows.rows.items())]


@pytest.fixture
def pushed(caplog):
    """The events of the runs."""
    caplog.set_level(logging.INFO, logger="connector")

    return lambda name="write_back.pushed": events_in(caplog, name)


async def test_the_number_and_the_tag_are_written_and_the_row_is_deleted(pushed):
    shop = Shop(1)
    app = WriteBack(shop)
    await app.put(1)
    await app.run()
    assert (shop.numbers, shop.tags) == ({1: "SN1"}, {1: ["gift", "FO-SN1"]})
    assert (app.left, app.noted) == ({}, [])
    (event,) = pushed()
    assert (event["level"], event["numbers"], event["tags"], event["settled"]) == ("INFO", 1, 1, 1)
    assert [event[name] for name in ("gone", "newer", "stale", "put_off")] == [0, 0, 0, 0]


async def test_what_shopify_shows_already_is_not_written_again(pushed):
    shop = Shop(1)
    shop.numbers[1], shop.tags[1] = "SN1", ["fo-sn1"]
    app = WriteBack(shop)
    await app.put(1)
    await app.run()
    assert shop.writes == {}
    assert app.left == {}
    assert (pushed()[0]["numbers"], pushed()[0]["tags"], pushed()[0]["settled"]) == (0, 0, 1)


async def test_another_number_replaces_ours_and_without_a_rule_no_tag_is_added():
    shop = Shop(1)
    shop.numbers[1] = "SN0"
    app = WriteBack(shop, PLAIN)
    await app.put(1)
    await app.run()
    assert (shop.numbers[1], shop.writes) == ("SN1", {"WriteBackNumbers": 1})


async def test_a_run_without_rows_asks_shopify_nothing_and_logs_nothing(pushed):
    shop = Shop(1)
    await WriteBack(shop).run()
    assert shop.calls == {}
    assert pushed() == []


async def test_rows_that_are_not_due_are_left():
    shop = Shop(1)
    app = WriteBack(shop)
    await app.outbox.put("nordlys", 1, "SN1", now=NOON + timedelta(minutes=1))
    await app.run()
    assert shop.calls == {}
    await app.run(after=1)
    assert shop.numbers[1] == "SN1"


async def test_twenty_five_orders_share_a_call():
    shop = Shop(*range(1, 61))
    app = WriteBack(shop, PLAIN)
    await app.put(*range(1, 61))
    await app.run()
    assert (shop.calls["WriteBackState"], shop.calls["WriteBackNumbers"]) == (3, 3)
    assert app.left == {}


async def test_a_run_takes_a_thousand_orders_and_the_next_one_the_others():
    orders = range(1, 1003)
    shop = Shop(*orders)
    app = WriteBack(shop, PLAIN)
    await app.put(*orders)
    await app.run()
    assert list(app.left) == [1001, 1002]
    await app.run()
    assert app.left == {}


async def test_no_batch_begins_after_three_minutes_and_the_next_run_goes_on(pushed):
    shop = Shop(*range(1, 76))
    app = WriteBack(shop, PLAIN)
    shop.on_call = lambda name: app.clock.pass_by(seconds=90 if name == "WriteBackState" else 0)
    await app.put(*range(1, 76))
    await app.run()
    assert list(app.left) == list(range(51, 76))
    assert (pushed()[0]["halted"], pushed()[0]["level"], pushed()[0]["seconds"]) == (
        "time limit reached",
        "WARNING",
        180.0,
    )
    await app.run()
    assert app.left == {}


async def test_an_order_that_shopify_does_not_show_is_looked_for_four_times_and_then_given_up_with_a_note(pushed):
    shop = Shop(2)
    app = WriteBack(shop, PLAIN)
    await app.put(1, 2)
    waits = []
    for after in (0, 1, 2):
        await app.run(after)
        waits.append(app.left)
    assert waits == [{1: (1, 1.0)}, {1: (2, 2.0)}, {1: (3, 4.0)}]
    assert (shop.numbers, app.noted) == ({2: "SN2"}, [])
    await app.run(4)
    assert app.left == {}
    (row,) = app.noted
    assert (row["PartitionKey"], row["outcome"], row["attempt"]) == ("nordlys-1", "done", 4)
    assert (row["topic"], row["event_id"], row["document"]) == ("write_back", "write-back-SN1", "SN1")
    assert "Shopify does not have the order" in row["note"]
    assert [(each["put_off"], each["gone"], each["settled"]) for each in pushed()] == [
        (1, 0, 1),
        (1, 0, 0),
        (1, 0, 0),
        (0, 1, 1),
    ]


async def test_a_number_that_shopify_refuses_is_put_off_and_journaled_and_the_others_are_written(pushed):
    shop = Shop(1, 2)
    shop.refusals["SN1"] = {"message": "Value is invalid.", "code": "INVALID"}
    app = WriteBack(shop)
    await app.put(1, 2)
    await app.run()
    assert (shop.numbers, shop.tags[1]) == ({1: "", 2: "SN2"}, ["gift"])
    assert app.left == {1: (1, 1.0)}
    (row,) = app.noted
    assert (row["outcome"], row["attempt"], row["waiting_until"]) == (
        "waiting",
        1,
        (NOON + timedelta(minutes=1)).isoformat(),
    )
    assert "Value is invalid." in row["note"]
    assert json.loads(row["evidence"]).keys() == {"next_step", "owner"}
    (refused,) = pushed("write_back.refused")
    assert (refused["level"], refused["code"], refused["entity_id"]) == ("WARNING", "SHOPIFY_REJECTED", 1)
    (run,) = pushed()
    assert (run["numbers"], run["put_off"], run["settled"]) == (1, 1, 1)


async def test_a_refused_number_is_tried_again_ever_later_and_at_least_once_a_day():
    shop = Shop(1)
    shop.refusals["SN1"] = {"message": "Value is invalid.", "code": "INVALID"}
    app = WriteBack(shop, PLAIN)
    await app.put(1)
    waits = []
    for _ in range(14):
        await app.run(waits[-1] if waits else 0)
        ((_, minutes),) = app.left.values()
        waits.append(minutes)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440, 1440]


async def test_a_refused_tag_is_put_off_too_and_the_number_stays(pushed):
    shop = Shop(1)
    shop.refusals["FO-SN1"] = {"field": ["tags"], "message": "Too many tags."}
    app = WriteBack(shop)
    await app.put(1)
    await app.run()
    assert (shop.numbers[1], app.left) == ("SN1", {1: (1, 1.0)})
    assert (pushed()[0]["numbers"], pushed()[0]["tags"]) == (1, 0)


async def test_a_metafield_that_changed_meanwhile_is_read_again_by_the_next_run(pushed):
    shop = Shop(1)
    shop.refusals["SN1"] = {"message": "The resource has been updated.", "code": "STALE_OBJECT"}
    app = WriteBack(shop, PLAIN)
    await app.put(1)
    await app.run()
    assert (app.left, app.noted, pushed()[0]["stale"], pushed()[0]["put_off"]) == ({1: (0, 0.0)}, [], 1, 0)
    shop.refusals.clear()
    await app.run()
    assert (shop.numbers[1], app.left) == ("SN1", {})


async def test_a_number_that_is_put_while_the_older_one_is_written_stays(pushed):
    shop = Shop(1)
    app = WriteBack(shop, PLAIN)
    await app.put(1)
    older = dict(app.table.rows)

    def put_again(name):
        if name == "WriteBackNumbers":
            row = older["nordlys", "order-00000000000000000001"]
            app.table._write({**row, "number": "SN1-2"})

    shop.on_call = put_again
    await app.run()
    assert (shop.numbers[1], pushed()[0]["newer"], pushed()[0]["settled"]) == ("SN1", 1, 0)
    shop.on_call = lambda _name: None
    await app.run()
    assert (shop.numbers[1], app.left) == ("SN1-2", {})


async def test_a_throttled_run_is_no_failure_and_leaves_its_rows(pushed):
    shop = Shop(1)
    app = WriteBack(shop, PLAIN)
    await app.put(1)

    def throttle(_name):
        raise ThrottledError("the query budget is spent")

    shop.on_call = throttle
    await app.run()
    assert (pushed()[0]["halted"], pushed()[0]["level"]) == ("the query budget is spent", "WARNING")
    assert app.left == {1: (0, 0.0)}


@pytest.mark.parametrize(
    ("error", "halted"),
    [
        (TransientError("Shopify is away"), "TransientError"),
        (RefusedError("SHOPIFY_DENIED", message="no"), "SHOPIFY_DENIED"),
    ],
)
async def test_an_error_of_one_store_keeps_its_rows_and_does_not_stop_the_other(pushed, error, halted):
    bad, good = Shop(1), Shop(1)
    app = WriteBack(bad, PLAIN, other=(OTHER, good))
    await app.put(1)
    await app.put(1, store=OTHER.key)

    def fail(_name):
        raise error

    bad.on_call = fail
    with pytest.raises(ExceptionGroup, match="write_back failed") as caught:
        await app.run()
    assert caught.value.exceptions == (error,)
    assert good.numbers == {1: "SN1"}
    assert list(app.table.rows) == [("nordlys", "order-00000000000000000001")]
    assert {each["store"]: each.get("halted") for each in pushed()} == {"nordlys": halted, OTHER.key: None}


async def test_a_store_with_the_flow_off_is_left_alone():
    shop = Shop(1)
    app = WriteBack(shop, PLAIN.model_copy(update={"flows": Flows()}))
    await app.put(1)
    await app.run()
    assert shop.calls == {}


# ---- the definition of the metafield


async def defining(shop, *, runs=1, after=1):
    """An app that has never written to the shop, after runs with an order each."""
    app = WriteBack(shop)
    app.snapshots.documents.clear()
    for at in range(runs):
        await app.put(1, prefix=f"S{at}")
        await app.run(after=after)
    return app


async def test_the_metafield_is_defined_before_the_first_number_and_never_again(pushed):
    shop = DefiningShop(1)
    app = await defining(shop, runs=3)
    assert shop.wanted == [
        {
            "ownerType": "ORDER",
            "namespace": "$app",
            "key": "sales_order",
            "name": "F&O sales order",
            "description": (
                "Number of the sales order in Dynamics 365 Finance & Operations. Written by the connector."
            ),
            "type": "single_line_text_field",
            "pin": True,
            "access": {"admin": "MERCHANT_READ"},
            "capabilities": {"adminFilterable": {"enabled": True}},
        }
    ]
    names = list(shop.calls)
    assert names.index("WriteBackDefine") < names.index("WriteBackNumbers")
    assert (shop.calls["WriteBackDefinition"], app.left, app.noted) == (1, {}, [])


async def test_a_definition_that_is_there_is_left_as_it_is():
    shop = DefiningShop(1, has=True)
    await defining(shop, runs=2)
    assert (shop.wanted, shop.calls["WriteBackDefinition"]) == ([], 1)


async def test_a_shop_without_orders_to_write_to_is_not_asked():
    shop = DefiningShop()
    app = WriteBack(shop)
    app.snapshots.documents.clear()
    await app.run()
    assert shop.calls == {}


@pytest.mark.parametrize(
    ("errors", "left_out"),
    [
        ([("PINNED_LIMIT_REACHED",)], {"pin"}),
        ([("OWNER_TYPE_LIMIT_EXCEEDED_FOR_USE_AS_ADMIN_FILTERS",)], {"capabilities"}),
        ([("PINNED_LIMIT_REACHED", "INVALID_CAPABILITY")], {"pin", "capabilities"}),
        ([("UNSUPPORTED_PINNING",), ("INVALID_CAPABILITY",)], {"pin", "capabilities"}),
    ],
)
async def test_a_definition_beyond_a_limit_is_made_without_what_it_limits(pushed, errors, left_out):
    shop = DefiningShop(1, errors=errors)
    app = await defining(shop, runs=2)
    assert shop.wanted[0].keys() - shop.wanted[-1].keys() == left_out
    assert (len(shop.wanted), pushed("write_back.definition_refused"), app.noted) == (len(errors) + 1, [], [])


async def test_a_definition_that_another_run_made_meanwhile_counts(pushed):
    app = await defining(DefiningShop(1, errors=[("TAKEN",)]), runs=2)
    assert (pushed("write_back.definition_refused"), app.noted) == ([], [])


async def test_a_refused_definition_is_told_each_day_and_the_numbers_are_written(pushed):
    refusal = ("RESOURCE_TYPE_LIMIT_EXCEEDED",)
    shop = DefiningShop(1, errors=[refusal, refusal])
    app = await defining(shop, runs=3, after=1)
    assert (len(shop.wanted), shop.numbers) == (1, {1: "S21"})
    (told,) = pushed("write_back.definition_refused")
    assert (told["store"], told["code"], told["name"]) == ("nordlys", "SHOPIFY_REJECTED", "$app.sales_order")
    (row,) = app.noted
    assert (row["outcome"], row["PartitionKey"]) == ("refused", "nordlys-unknown")
    assert row["note"] == (
        "SHOPIFY_REJECTED: Shopify refused the definition of the metafield $app.sales_order: "
        "no: RESOURCE_TYPE_LIMIT_EXCEEDED"
    )
    await app.put(1, prefix="T")
    await app.run(after=24 * 60)
    await app.put(1, prefix="U")
    await app.run(after=24 * 60)
    assert len(shop.wanted) == 3  # the last one succeeds
    await app.put(1, prefix="V")
    await app.run(after=24 * 60)
    assert len(shop.wanted) == 3


@pytest.mark.parametrize(
    "error",
    [
        DeniedError(ErrorCode.SHOPIFY_DENIED, message="Access denied for metafieldDefinitionCreate field."),
        RefusedError(ErrorCode.SHOPIFY_REJECTED, what="WriteBackDefine", message="no"),
    ],
    ids=["denied", "rejected"],
)
async def test_numbers_are_written_although_the_app_may_not_define_anything(pushed, error):
    shop = DefiningShop(1)

    def refuse(name):
        if name == "WriteBackDefine":
            raise error

    shop.on_call = refuse
    await defining(shop)
    assert shop.numbers == {1: "S01"}
    assert len(pushed("write_back.definition_refused")) == 1


async def test_another_key_of_the_metafield_is_defined_too():
    shop = DefiningShop(1)
    app = WriteBack(shop)
    app.snapshots = app.ports.snapshots
    app.snapshots.documents["write_back/nordlys"] = {"metafield": "$app.number", "refused_at": ""}
    await app.put(1)
    await app.run()
    assert len(shop.wanted) == 1
    assert isinstance(app.snapshots, MemorySnapshots)
    assert app.snapshots.documents["write_back/nordlys"] == {"metafield": "$app.sales_order", "refused_at": ""}
