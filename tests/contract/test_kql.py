"""Alerts and workbook against what the app truly sends: every query runs, fires when it should, and else keeps still.

The app's telemetry is recorded over the wire and put into tables with the columns of Azure's; the queries are run by
a KQL engine.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb_kql
import pytest
import pytest_asyncio
from builders.infrastructure import INFRA, deployment, read
from builders.root import ROOT
from recorded_telemetry import COLUMNS, EVENTS, TIMERS, Row, Tables, a_day_in_the_shop, watched_world
from whole_world import World

from local.functions.request_rows import SOURCE
from local.functions.worker import Function
from shared.flows import TOPICS
from shared.metrics import METRICS, Metric

ALERTS = {
    alert["name"]: rule.properties["criteria"]["allOf"][0]["query"]
    for alert, rule in zip(read("alerts.json"), deployment("test").all("Insights/scheduledQueryRules"), strict=True)
    if (INFRA / f"queries/{alert['name']}.kql").is_file()
}
"""As they are deployed; those in queries/azure are about tables that the app does not write."""
REQUEST = "POST api/webhooks/shopify/{store}/orders"
"""The host's row."""
BASKET = {
    "customer": {"first_name": "Sanne", "last_name": "Bergkamp", "email": "sanne@example.com", "phone": "+31201234567"},
    "shipping_address": {
        "first_name": "Sanne",
        "last_name": "Bergkamp",
        "address1": "Keizersgracht 241",
        "city": "Amsterdam",
        "zip": "1016EA",
        "country_code": "NL",
    },
    "lines": [{"sku": "STOVE-GAS", "quantity": 1}],
    "tax": [{"title": "BTW", "rate": 0.21}],
}
PERSONAL = ("sanne", "bergkamp", "keizersgracht", "1016ea", "1234567", "example.com", "dev-nordlys")
WRITTEN_BY_OTHERS = ("single line text",)  # Shopify, of a number in two lines
BAD = {
    "message.parked",
    "stock.problem",
    "prices.problem",
    "products.problem",
    "write_back.refused",
    "webhook.refused",
    "breaker.changed",
    "webhooks.subscription_lost",
    "shopify.other_version",
    "reconciliation.difference",
}


@dataclass(frozen=True)
class Recording:
    tables: Tables
    good: dict[str, Any]
    retried: dict[str, Any]
    parked: dict[str, Any]
    late: dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recording(wire: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recording]:
    async with watched_world(tmp_path_factory.mktemp("watched") / "stack.log") as (world, endpoint):
        orders = await a_day_in_the_shop(world, BASKET)

        def is_complete(tables: Tables) -> bool:
            """Spans, events and metrics are sent apart: a timer's span is the last of its kind to end."""
            names = {table: {row["Name"] for row in rows} for table, rows in tables.items()}
            reported = {row["Properties"]["timer"] for row in tables["AppEvents"] if row["Name"] == "timer.succeeded"}
            return (
                set(TIMERS) == reported
                and set(TIMERS) <= names["AppDependencies"]
                and all(is_counted(metric, tables) for metric in METRICS)
                and handled <= ended(tables)
                and REQUEST in names["AppRequests"]
            )

        handled = await events_of_the_journal(world)
        yield Recording(await endpoint.until(is_complete), *orders)


async def events_of_the_journal(world: World) -> set[str]:
    """The webhooks' events that came to an end."""
    journal = world._tables.get_table_client("journal")
    topics = frozenset().union(*TOPICS.values())
    return {
        row["event_id"]
        async for row in journal.list_entities()
        if row["topic"] in topics and row["outcome"] in {"done", "parked"}
    }


def is_counted(metric: Metric, tables: Tables) -> bool:
    """Whether the metric has arrived, a count with all of its events that have arrived. Some have no row of their own.

    A run that failed sends a row of 0, which may come in an earlier request than what the next run counted.
    """
    sums = [row["Sum"] for row in tables["AppMetrics"] if row["Name"] == metric.name]
    if metric.kind != "count":
        return bool(sums)
    rows = [*tables["AppEvents"], *tables["AppRequests"]]
    events = [row["Properties"] for row in rows if metric.event in {row["Name"], *row["Properties"]}]
    return bool(sums) and sum(sums) >= sum(float(event[metric.value]) if metric.value else 1 for event in events)


def ended(tables: Tables) -> set[str]:
    """The events that came to an end."""
    return {
        row["Properties"]["event_id"]
        for row in tables["AppRequests"]
        if row["Name"] == "sync orders" and row["Properties"]["outcome"] in {"done", "parked"}
    }


def workbook_queries() -> dict[str, str]:
    document = json.loads((ROOT / "infra/workbook.json").read_text())
    found = {item["name"]: item["content"]["query"] for item in document["items"] if item["type"] == 3}
    for item in document["items"]:
        for parameter in item["content"].get("parameters", ()):
            if "query" in parameter:
                found[parameter["name"]] = parameter["query"]
    return found


WORKBOOK = workbook_queries()
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
LOOKS = [
    query
    for query in re.findall(r"```kql\n(.+?)```", RUNBOOK, re.DOTALL)
    if not query.startswith("Usage\n")  # which Azure alone writes
]
QUERIES = ALERTS | {f"workbook: {name}": query for name, query in WORKBOOK.items()}


def ask(query: str, tables: Tables, **parameters: str) -> list[dict[str, Any]]:
    """The query's rows. A table or column that Azure does not have is an error, as it is there."""
    for name, value in {"Store": "*", **parameters}.items():
        query = query.replace(f"{{{name}}}", value)
    connection = duckdb_kql.connect()
    for table, columns in COLUMNS.items():
        connection.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
        if rows := tables[table]:
            marks = f"({', '.join('?' for _ in columns)})"
            values = [_value(row[name]) for row in rows for name in columns]
            connection.execute(f"INSERT INTO {table} VALUES {', '.join(marks for _ in rows)}", values)
    answer = duckdb_kql.query(connection, query)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()]


def _value(value: object) -> object:
    match value:
        case dict():
            return json.dumps(value)
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None)
        case _:
            return value


def changed(tables: Tables, change: Callable[[Row], Row | None]) -> Tables:
    """Other tables: each row as `change` gives it, None leaves it out."""
    return {name: [new for row in rows if (new := change(dict(row)))] for name, rows in tables.items()}


def earlier(row: Row, **ago: float) -> Row:
    return row | {"TimeGenerated": row["TimeGenerated"] - timedelta(**ago)}


# ---- the queries


@pytest.mark.parametrize("name", QUERIES)
def test_query_runs_on_what_the_app_sends(name: str, recording: Recording) -> None:
    ask(QUERIES[name], recording.tables, Trace="none", Code="none")


@pytest.mark.parametrize("query", LOOKS, ids=lambda query: query.splitlines()[1][:40])
def test_a_query_to_paste_from_the_runbook_runs(query: str, recording: Recording) -> None:
    ask(query, recording.tables)


@pytest.mark.parametrize("name", QUERIES)
def test_query_names_only_events_and_fields_that_the_app_sends(name: str, recording: Recording) -> None:
    text = re.sub(r"(?m)^//.*$", "", QUERIES[name])
    rows = [row for table, rows in recording.tables.items() if re.search(rf"\b{table}\b", text) for row in rows]
    named = {
        name
        for names in re.findall(r"Name (?:==|in) (\"[^\"]+\"|\([^)]+\))", text)
        for name in re.findall(r"\"([^\"]+)\"", names)
    }
    prefixes = tuple(re.findall(r"Name startswith \"([^\"]+)\"", text))
    fields = {dotted or quoted for dotted, quoted in re.findall(r"Properties(?:\.(\w+)|\[\"([\w.]+)\"\])", text)}
    used = [row for row in rows if not (named or prefixes) or row["Name"] in named or row["Name"].startswith(prefixes)]
    assert named <= {row["Name"] for row in rows}
    assert fields <= {field for row in used for field in row["Properties"]}
    assert named or fields or "{Trace}" in text


@pytest.mark.parametrize("name", WORKBOOK)
def test_the_workbook_shows_something_of_a_busy_day(name: str, recording: Recording) -> None:
    rows = recording.tables["AppEvents"]
    trace = next(row["OperationId"] for row in rows if row["Name"] == "message.parked")
    found = ask(WORKBOOK[name], recording.tables, Trace=trace, Code="UNKNOWN_SKU")
    # The refused delivery was never taken in, and the orders are all through.
    assert found or name == "backlog"


# ---- the alerts


@pytest.mark.parametrize("name", ALERTS)
def test_no_alert_while_all_is_well(name: str, recording: Recording) -> None:
    def is_well(row: Row) -> Row | None:
        if row["Name"] == "prices.pushed":
            return row | {"Properties": row["Properties"] | {"held": "0"}}
        return None if row["Name"] in BAD or row.get("ResultCode") == "503" else row

    assert ask(ALERTS[name], changed(recording.tables, is_well)) == []


def test_what_is_parked_is_reported_with_its_code_and_owner(recording: Recording) -> None:
    found = {row["Code"]: row for row in ask(ALERTS["parked"], recording.tables)}
    assert (found["UNKNOWN_SKU"]["Count"], found["UNKNOWN_SKU"]["Orders"]) == (EVENTS, 1)
    assert found["UNKNOWN_SKU"]["Owner"]
    assert found["SHOPIFY_REJECTED"]["Flow"] == "write_back"


def test_an_order_that_the_sweep_found_late_is_reported_until_it_is_booked_or_parked(recording: Recording) -> None:
    order = str(recording.late["id"])

    def stuck(row: Row) -> Row | None:
        is_end = row["Name"] == "sync orders" and row["Properties"].get("entity_id") == order
        return None if is_end else row

    assert ask(ALERTS["orders_late"], recording.tables) == []
    tables = changed(recording.tables, stuck)
    told = [row for row in tables["AppEvents"] if row["Name"] == "sweep.order_late"]
    tables["AppEvents"] += [earlier(row, minutes=15) for row in told]
    (late,) = ask(ALERTS["orders_late"], tables)
    assert (late["OrderId"], late["Store"], late["Order"]) == (order, "nordlys", recording.late["name"])
    assert ask(ALERTS["orders_late"], changed(tables, lambda row: earlier(row, days=1))) == []


def test_an_order_is_late_though_another_event_about_it_was_done(recording: Recording) -> None:
    order = str(recording.late["id"])

    def of_a_move(row: Row) -> Row:
        is_end = row["Name"] == "sync orders" and row["Properties"].get("entity_id") == order
        kept = {name: value for name, value in row["Properties"].items() if name != "order.booked"}
        return row | {"Properties": kept | {"topic": "fulfillment_orders/moved"}} if is_end else row

    (late,) = ask(ALERTS["orders_late"], changed(recording.tables, of_a_move))
    assert late["OrderId"] == order


def test_an_order_in_fo_is_not_late_though_its_payments_still_wait(recording: Recording) -> None:
    order = str(recording.late["id"])

    def unpaid(row: Row) -> Row:
        is_end = row["Name"] == "sync orders" and row["Properties"].get("entity_id") == order
        return row | {"Properties": row["Properties"] | {"outcome": "waiting"}} if is_end else row

    assert ask(ALERTS["orders_late"], changed(recording.tables, unpaid)) == []


def test_a_shipment_that_shopify_does_not_show_is_late_after_15_minutes(recording: Recording) -> None:
    order = str(recording.good["id"])
    found = (row for row in recording.tables["AppEvents"] if row["Name"] == "shipment.moved")
    (moved,) = (row for row in found if row["Properties"]["entity_id"] == order)
    event = moved["Properties"]["event_id"]

    def unhandled(row: Row) -> Row | None:
        return None if row["Name"] == "sync orders" and row["Properties"]["event_id"] == event else row

    assert ask(ALERTS["shipments_late"], changed(recording.tables, lambda row: earlier(row, minutes=20))) == []
    stuck = changed(recording.tables, unhandled)
    assert ask(ALERTS["shipments_late"], changed(stuck, lambda row: earlier(row, minutes=10))) == []
    (late,) = ask(ALERTS["shipments_late"], changed(stuck, lambda row: earlier(row, minutes=20)))
    assert (late["OrderId"], late["Store"]) == (str(recording.good["id"]), "nordlys")
    waits = {"Name": "message.waiting", "Properties": moved["Properties"] | {"reason": "NotYetError"}}
    stuck["AppEvents"].append(moved | waits)
    assert ask(ALERTS["shipments_late"], changed(stuck, lambda row: earlier(row, minutes=20))) == []


def test_an_authorization_that_expires_is_reported_until_it_is_captured(recording: Recording) -> None:
    assert ask(ALERTS["authorization_expiring"], recording.tables) == []
    not_captured = changed(recording.tables, lambda row: None if row["Name"] == "capture.made" else row)
    (told,) = ask(ALERTS["authorization_expiring"], not_captured)
    assert told["Store"] == "nordlys"
    assert told["SalesOrder"]
    yesterday = changed(not_captured, lambda row: earlier(row, hours=25))
    assert ask(ALERTS["authorization_expiring"], yesterday) == []


def test_a_flow_that_handles_messages_minutes_after_their_event_does_not_keep_up(recording: Recording) -> None:
    def slow(row: Row) -> Row:
        is_first = row["Name"] == "sync orders" and row["Properties"].get("attempt") == "1"
        return row | {"Properties": row["Properties"] | {"seconds": "400"}} if is_first else row

    (flow,) = ask(ALERTS["backlog_age"], changed(recording.tables, slow))
    assert (flow["Flow"], flow["MedianAge"]) == ("orders", 400)


def test_a_breaker_that_stays_open_is_reported_and_one_that_closed_again_is_not(recording: Recording) -> None:
    past = changed(recording.tables, lambda row: earlier(row, minutes=10))
    assert ask(ALERTS["breaker_open"], past) == []

    def never_closed(row: Row) -> Row | None:
        is_closing = row["Name"] == "breaker.changed" and row["Properties"]["open"] == "False"
        return None if is_closing else row

    (found,) = ask(ALERTS["breaker_open"], changed(past, never_closed))
    assert found["System"] == "fo"


def test_a_store_whose_figures_were_only_lowered_for_half_an_hour_is_reported(recording: Recording) -> None:
    def frozen(row: Row) -> Row:
        is_run = row["Name"] == "stock.pushed" and row["Properties"]["store"] == "nordlys"
        return row | {"Properties": row["Properties"] | {"frozen": "True", "backlog": "201"}} if is_run else row

    lately = changed(recording.tables, frozen)
    assert ask(ALERTS["stock_frozen"], lately) == []
    before = changed(lately, lambda row: earlier(row, minutes=20))
    (found,) = ask(ALERTS["stock_frozen"], before)
    assert (found["Store"], found["Backlog"]) == ("nordlys", 201)
    raised = {name: before[name] + recording.tables[name] for name in before}
    assert ask(ALERTS["stock_frozen"], raised) == []


def test_a_store_whose_figures_were_not_set_for_half_an_hour_is_reported(recording: Recording) -> None:
    def halted(row: Row) -> Row | None:
        if row["Name"] != "stock.pushed" or row["Properties"]["store"] != "nordlys":
            return row
        return row | {"Properties": row["Properties"] | {"halted": "budget", "changed": "0"}}

    def only_failed(row: Row) -> Row | None:
        return None if row["Name"] == "stock.pushed" and row["Properties"]["store"] == "nordlys" else row

    def some_set(row: Row) -> Row:
        is_run = row["Name"] == "stock.pushed" and row["Properties"]["store"] == "nordlys"
        return row | {"Properties": row["Properties"] | {"halted": "budget", "changed": "7"}} if is_run else row

    before = changed(recording.tables, lambda row: earlier(row, minutes=20))
    assert ask(ALERTS["stock_frozen"], before) == []
    assert ask(ALERTS["stock_frozen"], changed(before, some_set)) == []
    for each in (halted, only_failed):
        (found,) = ask(ALERTS["stock_frozen"], changed(before, each))
        assert (found["Store"], found["Failed"]) == ("nordlys", 1)


def of_products(row: Row, **properties: str) -> Row:
    """A run of the products with other figures; other rows as they are."""
    return row | {"Properties": row["Properties"] | properties} if row["Name"] == "products.pushed" else row


def test_products_that_are_held_are_reported_until_a_full_run_holds_none(recording: Recording) -> None:
    held = changed(recording.tables, lambda row: of_products(row, held="7"))
    (found,) = ask(ALERTS["products_held"], held)
    assert (found["Store"], found["Held"]) == ("prairie", 7)
    before = changed(held, lambda row: earlier(row, minutes=20))
    quick = changed(recording.tables, lambda row: of_products(row, full="False"))
    assert ask(ALERTS["products_held"], {name: before[name] + quick[name] for name in before}) != []
    assert ask(ALERTS["products_held"], {name: before[name] + recording.tables[name] for name in before}) == []


def test_too_few_products_of_f_and_o_are_reported(recording: Recording) -> None:
    def short(row: Row) -> Row | None:
        if row["Name"] == "products.pushed":
            return None
        is_run = row["Name"] == "products.failed"
        return row | {"Properties": row["Properties"] | {"reason": "PRODUCTS_READ_SHORT"}} if is_run else row

    (found,) = ask(ALERTS["products_held"], changed(recording.tables, short))
    assert (found["Store"], found["IsShort"]) == ("prairie", True)


def test_a_store_whose_products_go_no_step_further_for_an_hour_is_reported(recording: Recording) -> None:
    nothing = dict.fromkeys(("created", "changed", "compared", "withdrawn"), "0")
    lately = changed(recording.tables, lambda row: of_products(row, halted="TransientError", **nothing))
    assert ask(ALERTS["products_failed"], lately) == []
    before = changed(lately, lambda row: earlier(row, minutes=65))
    assert [found["Store"] for found in ask(ALERTS["products_failed"], before)] == ["prairie"]
    on = changed(before, lambda row: of_products(row, created="3"))
    assert ask(ALERTS["products_failed"], on) == []
    compared = {name: before[name] + recording.tables[name] for name in before}
    assert ask(ALERTS["products_failed"], compared) == []


def test_prices_that_are_held_are_reported_until_a_run_holds_none(recording: Recording) -> None:
    (found,) = ask(ALERTS["prices_held"], recording.tables)
    assert (found["Store"], found["Held"]) == ("nordlys", 1)

    def confirmed(row: Row) -> Row:
        is_run = row["Name"] == "prices.pushed"
        return row | {"Properties": row["Properties"] | {"held": "0"}} if is_run else row

    before = changed(recording.tables, lambda row: earlier(row, minutes=20))
    later = changed(recording.tables, confirmed)
    assert ask(ALERTS["prices_held"], {name: before[name] + later[name] for name in before}) == []

    def short(row: Row) -> Row:
        is_run = row["Name"] == "prices.pushed" and row["Properties"]["store"] == "nordlys"
        return row | {"Properties": row["Properties"] | {"halted": "PRICES_READ_SHORT"}} if is_run else row

    (found,) = ask(ALERTS["prices_held"], changed(later, short))
    assert (found["Store"], found["IsShort"]) == ("nordlys", True)


def test_a_store_whose_prices_were_not_compared_for_half_an_hour_is_reported(recording: Recording) -> None:
    def halted(row: Row) -> Row:
        is_run = row["Name"] == "prices.pushed" and row["Properties"]["store"] == "nordlys"
        return row | {"Properties": row["Properties"] | {"halted": "PRICES_READ_SHORT"}} if is_run else row

    lately = changed(recording.tables, halted)
    assert ask(ALERTS["prices_failed"], lately) == []
    before = changed(lately, lambda row: earlier(row, minutes=35))
    assert [found["Store"] for found in ask(ALERTS["prices_failed"], before)] == ["nordlys"]
    compared = {name: before[name] + recording.tables[name] for name in before}
    assert ask(ALERTS["prices_failed"], compared) == []


def test_messages_that_wait_because_calls_are_denied_are_reported_and_others_are_not(recording: Recording) -> None:
    assert ask(ALERTS["denied"], recording.tables) == []

    def denied(row: Row) -> Row:
        waits = row["Name"] in {"message.waiting", "stock.failed", "products.failed", "prices.failed"}
        return row | {"Properties": row["Properties"] | {"reason": "DeniedError"}} if waits else row

    found = {(row["Store"], row["Flow"]) for row in ask(ALERTS["denied"], changed(recording.tables, denied))}
    assert ("nordlys", "orders") in found
    assert {flow for _, flow in found} == {"orders", "stock", "products", "prices"}


def test_a_timer_that_has_not_run_is_missed(recording: Recording) -> None:
    late = ask(ALERTS["timer_missing"], changed(recording.tables, lambda row: earlier(row, hours=28)))
    assert {missed["Timer"] for missed in late} == set(TIMERS)
    never = changed(recording.tables, lambda row: None if row["Name"] == "timer.succeeded" else row)
    assert len(ask(ALERTS["timer_missing"], never)) == len(TIMERS)


def test_every_timer_of_the_app_is_awaited(functions: list[Function]) -> None:
    timers = {
        function.name
        for function in functions
        if any(binding["type"] == "timerTrigger" for binding in function.bindings)
    }
    rows = re.findall(r'"(\w+)", \d+[,\]]', ALERTS["timer_missing"])
    assert sorted(rows) == sorted(timers)


def test_ten_wrong_signatures_are_a_spike_and_one_is_not(recording: Recording) -> None:
    assert ask(ALERTS["signature_failures"], recording.tables) == []
    (spike,) = ask(ALERTS["signature_failures"], {name: rows * 10 for name, rows in recording.tables.items()})
    assert (spike["Store"], spike["Code"], spike["Failures"]) == ("nordlys", "SIGNATURE_WRONG", 10)


def test_webhooks_that_service_bus_did_not_confirm_are_counted_as_5xx(recording: Recording) -> None:
    (found,) = ask(ALERTS["webhook_5xx"], {name: rows * 3 for name, rows in recording.tables.items()})
    assert (found["Store"], found["ResultCode"], found["Failures"]) == ("nordlys", "503", 3)


def test_a_store_that_fell_silent_may_have_lost_its_subscription(recording: Recording) -> None:
    yesterday = changed(recording.tables, lambda row: earlier(row, hours=25))
    busy = {name: rows * 4 for name, rows in yesterday.items()}
    (silent,) = ask(ALERTS["subscription_lost"], busy)
    assert (silent["Store"], silent["Topic"]) == ("nordlys", "")
    today = changed(recording.tables, lambda row: row if row["Name"] == "webhooks.accepted" else None)
    both = {name: busy[name] + today[name] for name in busy}
    assert ask(ALERTS["subscription_lost"], both) == []
    of_metrics = {name: rows if name == "AppMetrics" else [] for name, rows in yesterday.items()}
    named = ("webhooks.accepted", "webhooks.ignored")
    counted = sum(row["Sum"] for row in of_metrics["AppMetrics"] if row["Name"] in named)
    assert counted >= 10
    few = changed(of_metrics, lambda row: row | {"Sum": row["Sum"] * 9 / counted})
    assert ask(ALERTS["subscription_lost"], few) == []


def test_the_backlog_is_what_was_taken_in_and_has_no_end(recording: Recording) -> None:
    backlog = WORKBOOK["backlog"]

    def unhandled(row: Row) -> Row | None:
        is_end = row["Name"] == "sync orders" and row["Properties"]["topic"] == "orders/create"
        return None if is_end else row

    taken = sum(
        row["Sum"]
        for row in recording.tables["AppMetrics"]
        if row["Name"] == "webhooks.accepted" and row["Properties"]["topic"] == "orders/create"
    )
    found = ask(backlog, changed(recording.tables, unhandled))
    (new,) = [row for row in found if row["Topic"] == "orders/create"]
    assert (new["Store"], new["TakenIn"], new["Waiting"]) == ("nordlys", taken, taken)


def test_a_topic_that_a_shop_dropped_is_lost(recording: Recording) -> None:
    found = {(row["Store"], row["Topic"]) for row in ask(ALERTS["subscription_lost"], recording.tables)}
    sent = {"orders/risk_assessment_changed"}
    assert found == {("nordlys", topic) for topics in TOPICS.values() for topic in topics - sent}


def test_webhooks_and_answers_in_another_version_are_told_of(recording: Recording) -> None:
    (found,) = ask(ALERTS["other_version"], recording.tables)
    assert (found["Store"], found["Traffic"], found["Version"], found["Expected"]) == (
        "nordlys",
        "webhooks",
        "2026-07",
        "2026-10",
    )


def test_an_order_that_staff_changed_in_fo_differs(recording: Recording) -> None:
    (found,) = ask(ALERTS["reconciliation"], recording.tables)
    order = recording.retried
    assert (found["Code"], found["Order"]) == ("SALES_ORDER_DIFFERS", order["name"])
    assert found["FoNumber"] == f"SN{order['id']}"


def test_a_change_without_a_webhook_is_one_trace_too(recording: Recording) -> None:
    handled = [row for row in recording.tables["AppRequests"] if row["Properties"].get("topic") == "sweep/order"]
    assert {row["Properties"]["entity_id"] for row in handled} == {str(recording.good["id"]), str(recording.late["id"])}
    for row in handled:
        assert row["Properties"]["outcome"] == "done"
        calls = [call for call in recording.tables["AppDependencies"] if call["OperationId"] == row["OperationId"]]
        assert {"F&O", "Shopify"} <= {call["Target"] for call in calls}


def test_every_alert_has_a_section_in_the_runbook_and_every_section_an_alert() -> None:
    sections = re.findall(r"^## ([a-z0-9-]+)$", RUNBOOK, re.MULTILINE)
    alerts = [alert["anchor"] for alert in json.loads((ROOT / "infra/alerts.json").read_text())]
    by_azure = ["dead-letters", "unreachable"]  # alerts on what Azure itself counts
    assert sorted(sections) == sorted([*alerts, *by_azure])


# ---- what is sent


def test_an_order_is_one_trace_from_the_webhook_to_fo(recording: Recording) -> None:
    order = recording.good
    (booked,) = [
        row
        for row in recording.tables["AppRequests"]
        if row["Properties"].get("entity_id") == str(order["id"]) and "order.booked" in row["Properties"]
    ]
    spans = {
        row["Id"]: row
        for rows in recording.tables.values()
        for row in rows
        if row["OperationId"] == booked["OperationId"] and "Id" in row
    }
    names = {row["Name"]: row for row in spans.values()}
    assert "webhook" not in names
    request = spans[booked["ParentId"]]
    assert (request["Name"], request["ResultCode"], request["Success"]) == (REQUEST, "200", True)
    assert request["Properties"]["faas.name"] == "orders_webhook"
    assert request["Properties"].items() >= SOURCE.items()
    assert spans[names["POST /$batch"]["ParentId"]] is booked
    assert spans[names["POST /CustomerPaymentJournalHeaders"]["ParentId"]] is booked
    assert names["POST /$batch"]["Target"] == "F&O"
    done = booked["Properties"]
    assert (done["order"], done["document"], done["outcome"]) == (order["name"], f"SN{order['id']}", "done")
    assert done["payment.booked"] == "True"


def test_every_message_is_one_trace_over_all_its_attempts(recording: Recording) -> None:
    """The trace of a request of the host: of the first, where Shopify sent an event again."""
    of_topics = frozenset().union(*TOPICS.values())
    handled = [
        row
        for row in recording.tables["AppRequests"]
        if row["Name"] == "sync orders" and row["Properties"]["topic"] in of_topics
    ]
    requests = {
        row["OperationId"] for row in recording.tables["AppRequests"] if row["Properties"].items() >= SOURCE.items()
    }
    traces = {(row["Properties"]["event_id"], row["OperationId"]) for row in handled}
    assert len(traces) == len(dict(traces)) == len({trace for _, trace in traces})
    assert {trace for _, trace in traces} <= requests
    assert "2" in {row["Properties"]["attempt"] for row in handled}


def test_webhooks_that_go_well_are_counted_by_store_and_topic(recording: Recording) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for row in recording.tables["AppMetrics"]:
        if row["Name"] == "webhooks.accepted":
            counts[row["Properties"]["store"], row["Properties"]["topic"]] += row["Sum"]
    requests = Counter(
        row["Properties"]["faas.name"]
        for row in recording.tables["AppRequests"]
        if row["Properties"].items() >= SOURCE.items() and row["ResultCode"] == "200"
    )
    of_orders = sum(count for (_, topic), count in counts.items() if topic.startswith("orders/"))
    ignored = sum(1 for row in recording.tables["AppEvents"] if row["Name"] == "webhook.ignored")
    assert requests["orders_webhook"] == of_orders + ignored
    assert counts["nordlys", "order_transactions/create"] == requests["transactions_webhook"]


def test_what_was_booked_is_counted(recording: Recording) -> None:
    counts: Counter[str] = Counter()
    for row in recording.tables["AppMetrics"]:
        counts[row["Name"]] += row["Sum"]
    booked = {name: counts[name] for name in ("orders.booked", "payments.booked", "refunds.booked")}
    assert booked == {"orders.booked": 4, "payments.booked": 5, "refunds.booked": 1}
    assert counts["write_back.numbers"] == 2


def test_nothing_personal_and_no_secret_leaves_the_app(recording: Recording) -> None:
    told = json.dumps(recording.tables, default=str).lower()
    assert [word for word in PERSONAL if word in told] == []


def test_what_others_wrote_stays_in_the_journal(recording: Recording) -> None:
    told = json.dumps(recording.tables, default=str).lower()
    assert [words for words in WRITTEN_BY_OTHERS if words in told] == []
