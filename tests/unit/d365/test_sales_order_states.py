"""What is read of the table of sales orders."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.d365.sales_order_states import states_since
from shared.model import FoStatus

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


class Client:
    def __init__(self, *rows):
        self.rows, self.asked = list(rows), []

    async def query(self, entity_set, *, company, where, select):
        assert (entity_set, company) == ("SalesTableBiEntities", "nleu")
        self.asked.append((where, select))
        return self.rows


def order(number="S1", **fields):
    return {
        "SalesId": number,
        "CustomerRef": "shopify-nordlys-1",
        "SalesType": "Sales",
        "SalesStatus": "Backorder",
        "DlvMode": "Pick",
        "DocumentStatus": "None",
        "MCROrderStopped": "No",
        "CredManInCreditControl": "No",
        "SysModifiedDateTime": "2026-11-27T12:00:05Z",
        **fields,
    }


async def test_sales_orders_that_changed_are_one_call_and_returns_are_left_out():
    client = Client(order(), order("S2", SalesType="ReturnItem"), order("S3", SalesType="Journal"))
    (found,) = await states_since(client, "nleu", NOON)
    assert (found.number, found.reference, found.delivery_mode) == ("S1", "shopify-nordlys-1", "Pick")
    assert found.modified_at == datetime(2026, 11, 27, 12, 0, 5, tzinfo=UTC)
    assert [where for where, _ in client.asked] == ["SysModifiedDateTime ge 2026-11-27T12:00:00Z"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, FoStatus.OPEN),
        ({"DocumentStatus": "PickingList"}, FoStatus.OPEN),
        ({"DocumentStatus": "PackingSlip"}, FoStatus.PARTLY_DELIVERED),
        ({"DocumentStatus": "Invoice"}, FoStatus.PARTLY_DELIVERED),
        ({"SalesStatus": "Delivered", "DocumentStatus": "PackingSlip"}, FoStatus.DELIVERED),
        ({"SalesStatus": "Invoiced"}, FoStatus.INVOICED),
        ({"SalesStatus": "Canceled"}, FoStatus.CANCELLED),
    ],
)
async def test_how_far_a_sales_order_is(fields, status):
    (found,) = await states_since(Client(order(**fields)), "nleu", NOON)
    assert found.status is status
    assert found.is_picked is (fields.get("DocumentStatus") == "PickingList")


@pytest.mark.parametrize(("stopped", "controlled"), [("No", "No"), ("Yes", "No"), ("No", "Yes")])
async def test_what_holds_a_sales_order(stopped, controlled):
    (found,) = await states_since(
        Client(order(MCROrderStopped=stopped, CredManInCreditControl=controlled)), "nleu", NOON
    )
    assert (found.is_stopped, found.is_in_credit_control) == (stopped == "Yes", controlled == "Yes")
    assert found.is_held is ("Yes" in {stopped, controlled})
