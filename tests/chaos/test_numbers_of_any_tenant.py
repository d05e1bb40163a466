"""Each way of numbering, in an F&O that keeps, replaces or refuses a given number.

Interrupted at any write, an order of a new buyer ends as one sales order on one customer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, get_args

import pytest
from chaos_app import Installation, differences, installed
from chaos_wire import How
from order_scenarios import Scenario, prepared
from test_order_killed_anywhere import orders, positions

from local.d365.sequences import Kind
from shared.bus.envelope import OPERATOR, Envelope
from shared.rules import StoreRules
from shared.rules.tenant import GivenNumber
from tests.builders.sales import EU, with_rules

PLACED: Final = Scenario(("orders/create",), ("done",))
OWN: Final[dict[str, Any]] = {"number": "own"}
GROUP: Final[dict[str, Any]] = {"number": "group", "number_group": "WEB"}
SEQUENCE: Final[dict[str, Any]] = {"number": "sequence"}
REAL: Final[dict[str, Kind]] = {"kept": "kept", "replaced": "replaced", "refused": "refused", "unknown": "replaced"}
"""What F&O does, by what the tenant's file says."""
OURS, OF_GROUP, OF_COMPANY = "SN6100100100015", "WEB-000001", "NLEU-000001"
NUMBERS: Final = {
    **{
        (number, known): OF_GROUP if number == "group" else OF_COMPANY
        for number in ("group", "sequence")
        for known in REAL
    },
    ("own", "kept"): OURS,
    ("own", "unknown"): OF_COMPANY,
}
"""The sales order's number, by rule and by what the tenant's file says. `own` is refused with the others."""
RULES: Final = {"own": OWN, "group": GROUP, "sequence": SEQUENCE}


@pytest.fixture(scope="module")
async def app(wire: None) -> AsyncIterator[Installation]:
    async with installed(EU) as installation:
        yield installation


def rules_for(number: str, known: str) -> StoreRules:
    return with_rules(EU, orders=RULES[number], tenant={"order_number": known, "customer_account": known})


async def placed(app: Installation, rules: StoreRules, real: Kind) -> Envelope:
    """An order of a buyer whom F&O does not know."""
    (event,) = await prepared(app, PLACED)
    app.rules = rules
    for purpose in ("sales order", "customer"):
        app.fo.books.numbers.set_kind("nleu", purpose, real)  # type: ignore[arg-type]  # both are purposes
    return event


def buyers(app: Installation) -> list[dict[str, Any]]:
    return [dict(row.values) for row in app.fo.books.rows("CustomersV3") if row.values["KnownAs"] == "C6100100100013"]


def facts(app: Installation) -> dict[str, Any]:
    """What was booked of the order, apart from its money, and the app's rows about it."""
    state = app.state()
    return {name: state[name] for name in ("customers", "SalesOrderHeadersV4", "SalesOrderLinesV3", "links", "ends")}


def test_every_kind_of_tenant_is_here() -> None:
    assert set(REAL) == set(get_args(GivenNumber.__value__))
    assert {known for _, known in NUMBERS} == set(REAL)


@pytest.mark.parametrize("how", [How.KILLED, How.ANSWER_LOST])
@pytest.mark.parametrize(("number", "known"), NUMBERS)
async def test_a_new_buyers_order_is_one_order_on_one_customer(
    app: Installation, number: str, known: str, how: How
) -> None:
    event = await placed(app, rules_for(number, known), REAL[known])
    before = app.remember()
    clean = await app.deliver([event])
    (order,), (buyer,) = orders(app), buyers(app)
    assert (order["SalesOrderNumber"], order["IsSalesProcessingStopped"]) == (NUMBERS[number, known], "No")
    account = buyer["CustomerAccount"]
    assert account == ("C6100100100013" if known == "kept" else OF_COMPANY)
    assert {order["OrderingCustomerAccountNumber"], order["InvoiceCustomerAccountNumber"]} == {account}
    link = app.tables["links"].rows["nordlys", f"order-{6100100100015:020d}"]
    assert (link["sales_order"], link["customer_account"]) == (order["SalesOrderNumber"], account)
    wanted = facts(app)
    for position in positions(clean, how):
        app.go_back(before)
        await app.deliver([event], (position, how))
        assert differences(facts(app), wanted) == {}, clean[position]


@pytest.mark.parametrize("how", [How.KILLED, How.ANSWER_LOST])
@pytest.mark.parametrize("real", ["replaced", "refused"])
async def test_a_tenants_file_that_is_wrong_about_numbers_books_nothing_until_it_is_corrected(
    app: Installation, real: Kind, how: How
) -> None:
    event = await placed(app, rules_for("own", "kept"), real)
    app.fo.books.numbers.set_kind("nleu", "customer", "replaced")
    app.rules = with_rules(app.rules, tenant={"customer_account": "replaced"})
    before = app.remember()
    clean = await app.deliver([event])
    for position in positions(clean, how):
        app.rules = with_rules(rules_for("own", "kept"), tenant={"customer_account": "replaced"})
        app.go_back(before)
        await app.deliver([event], (position, how))
        assert (orders(app), len(buyers(app))) == ([], 1), clean[position]
        (parked,) = await app.parking().open()
        assert parked.code == ("FO_NUMBER_REPLACED" if real == "replaced" else "FO_REJECTED"), clean[position]
        app.rules = rules_for("sequence", real)
        await app.deliver([Envelope(**{**as_fields(event), "event_id": "again", "source": OPERATOR})])
        (order,), (buyer,) = orders(app), buyers(app)
        assert order["SalesOrderNumber"].startswith("NLEU-"), clean[position]
        assert order["OrderingCustomerAccountNumber"] == buyer["CustomerAccount"], clean[position]


async def test_an_order_whose_answer_was_lost_before_the_upgrade_is_found_after_it(app: Installation) -> None:
    """It was booked under the number that an earlier release gave it; its rules and sequences were changed then."""
    event = await placed(app, rules_for("own", "kept"), "kept")
    await app.deliver([event])
    app.tables["links"].rows.clear()
    app.rules = rules_for("sequence", "replaced")
    for purpose in ("sales order", "customer"):
        app.fo.books.numbers.set_kind("nleu", purpose, "replaced")  # type: ignore[arg-type]  # both are purposes
    await app.deliver([Envelope(**{**as_fields(event), "event_id": "after the upgrade"})])
    (order,), (buyer,) = orders(app), buyers(app)
    assert (order["SalesOrderNumber"], buyer["CustomerAccount"]) == (OURS, "C6100100100013")
    assert app.ends()["after the upgrade"] == ("done", OURS)


def as_fields(event: Envelope) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}
