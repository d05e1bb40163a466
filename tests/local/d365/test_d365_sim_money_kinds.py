"""Companies whose F&O behaves in another way: prices of returns, tax groups by the address, an external tax engine."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures.d365_sim import Client, running_f_and_o

pytestmark = pytest.mark.wire
ODD = {"OrderedSalesQuantity": 3, "SalesPrice": 10, "LineDiscountAmount": 3.33, "FixedPriceCharges": -0.01}
"""20.00, by a discount for each piece and a charge for the rest."""
OF_THREE = {"OrderedSalesQuantity": 3, "SalesPrice": 30, "LineDiscountAmount": 10, "SalesPriceQuantity": 3}
"""20.00 for three pieces."""


async def invoiced(d365: Client, *lines: dict[str, Any], **header: Any) -> tuple[list[str], dict[str, Any]]:
    """The lots of an order that is delivered and invoiced, and its invoice."""
    number = await d365.order(*lines, **header)
    for action in ("pack", "invoice"):
        answer = await d365.admin("POST", f"orders/web/{number}/{action}")
        assert answer.status == 200, answer.text
    (invoice,) = await d365.rows(f"SalesInvoiceHeadersV4?$filter=SalesOrderNumber eq '{number}'")
    return [line["lot"] for line in answer.json["lines"]], invoice


async def returned(d365: Client, lot: str, quantity: int, price: float) -> dict[str, Any]:
    """The line of a return order, as F&O keeps it."""
    header = {"dataAreaId": "web", "CustomerAccountNumber": "DAT-000004", "DefaultReturnSiteId": "1"}
    created = await d365.data("POST", "ReturnOrderHeadersV2", header | {"DefaultReturnWarehouseId": "12"})
    body = {
        "dataAreaId": "web",
        "ReturnOrderNumber": created.json["ReturnOrderNumber"],
        "ReturningInventoryLotId": lot,
        "ReturnSalesQuantity": quantity,
        "SalesPrice": price,
    }
    answer = await d365.data("POST", "ReturnOrderLinesV2", body)
    assert answer.status == 201, answer.text
    return answer.json


@pytest.mark.parametrize(
    ("kind", "line", "price", "amount"),
    [
        ("given", ODD, 6.67, -13.34),
        ("given", OF_THREE, 6.67, -13.34),
        ("copied", ODD, 10, -13.34),
        ("copied", OF_THREE, 30, -13.33),
        ("copied_with_charges", ODD, 10, -13.33),
    ],
)
async def test_two_of_three_pieces_come_back_at_the_price_of_the_kind(
    kind: str, line: dict[str, Any], price: float, amount: float
) -> None:
    async with running_f_and_o(kind={"return_price": kind}) as d365:
        (lot,), _ = await invoiced(d365, line)
        back = await returned(d365, lot, -2, 6.67)
        assert (float(back["SalesPrice"]), float(back["LineAmount"])) == (price, amount)


async def test_a_charge_is_for_the_line_and_fixed_once_it_is_invoiced() -> None:
    async with running_f_and_o() as d365:
        number = await d365.order(ODD)
        (line,) = await d365.rows(f"SalesOrderLinesV3?$filter=SalesOrderNumber eq '{number}'")
        assert float(line["LineAmount"]) == 20.00
        key = f"SalesOrderLinesV3(dataAreaId='web',InventoryLotId='{line['InventoryLotId']}')"
        await d365.data("PATCH", key, {"OrderedSalesQuantity": 2})
        assert float((await d365.data("GET", key)).json["LineAmount"]) == 13.33
        await d365.admin(
            "POST", f"orders/web/{number}/pack", {"lines": [{"lot": line["InventoryLotId"], "quantity": 1}]}
        )
        await d365.admin("POST", f"orders/web/{number}/invoice")
        for change in ({"FixedPriceCharges": 0}, {"SalesPriceQuantity": 2}):
            assert "price cannot be changed" in (await d365.data("PATCH", key, change)).infolog


async def test_tax_groups_follow_the_address_at_creation_and_take_a_later_change() -> None:
    async with running_f_and_o(kind={"address_tax_group": "VAT"}) as d365:
        number = await d365.order({"SalesTaxGroupCode": ""}, SalesTaxGroupCode="")
        (line,) = await d365.rows(f"SalesOrderLinesV3?$filter=SalesOrderNumber eq '{number}'")
        assert (line["SalesTaxGroupCode"], (await d365.header(number))["SalesTaxGroupCode"]) == ("VAT", "VAT")
        key = f"SalesOrderLinesV3(dataAreaId='web',InventoryLotId='{line['InventoryLotId']}')"
        await d365.data("PATCH", key, {"SalesTaxGroupCode": ""})
        assert (await d365.data("GET", key)).json["SalesTaxGroupCode"] == ""


@pytest.mark.parametrize(("included", "tax"), [("No", 1.60), ("Yes", 1.48)])
async def test_an_engine_taxes_without_sales_tax_groups(included: str, tax: float) -> None:
    async with running_f_and_o(kind={"external_tax": "8"}) as d365:
        exempt = {"SalesPrice": 5, "SalesTaxItemGroupCode": ""}
        _, invoice = await invoiced(d365, ODD, exempt, ArePricesIncludingSalesTax=included)
        assert float(invoice["TotalTaxAmount"]) == tax
