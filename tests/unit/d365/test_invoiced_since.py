"""Which sales orders were invoiced since a moment."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.d365.sales_invoices import invoiced_since

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


class Client:
    def __init__(self, *rows):
        self.rows = list(rows)

    async def query(self, entity_set, *, company, where, select):
        assert (entity_set, company) == ("CustInvoiceJourBiEntities", "nleu")
        return self.rows


def invoice(order, second, *, kind="Sales"):
    return {
        "SalesId": order,
        "SalesType": kind,
        "InvoiceId": f"I{second}",
        "InvoiceAmount": 10,
        "SysModifiedDateTime": f"2026-11-27T12:00:0{second}Z",
    }


async def test_an_invoice_moves_its_sales_order_and_any_other_the_watermark_alone():
    found = await invoiced_since(
        Client(invoice("S1", 1), invoice("S1", 2), invoice("", 3), invoice("S2", 4, kind="ReturnItem")), "nleu", NOON
    )
    assert found.keys() == {"S1", ""}
    assert (found["S1"].at.second, found["S1"].rows) == (2, {"I1/10", "I2/10"})
    assert (found[""].at.second, found[""].rows) == (4, set())


async def test_nothing_invoiced_is_nothing():
    assert await invoiced_since(Client(), "nleu", NOON) == {}
