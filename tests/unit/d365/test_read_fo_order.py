"""A sales order read from F&O: header, lines, and what remains of each line, which F&O has in a view of its own."""

from decimal import Decimal

import pytest

from shared.d365.order_changes import (
    HEADER_FIELDS,
    LINE_FIELDS,
    not_held,
    read_fo_order,
    read_header,
    read_headers,
    read_in_warehouse,
)
from shared.d365.sold_lines import read_sold_lines
from shared.errors import DeniedError, ErrorCode, RefusedError
from shared.model import FoStatus
from tests.builders.refunds import MemoryFo

COMPANY = "nleu"
HELD_FIELDS = ("SalesOrderNumber", "IsSalesProcessingStopped", "SalesOrderProcessingStatus")


class Fo(MemoryFo):
    def header(self, number, status="Active", *, held="No", reference="shopify-nordlys-1"):
        self.tables["SalesOrderHeadersV4"].append(
            dict.fromkeys(HEADER_FIELDS, "")
            | {
                "dataAreaId": COMPANY,
                "SalesOrderNumber": number,
                "CustomersOrderReference": reference,
                "SalesOrderProcessingStatus": status,
                "IsSalesProcessingStopped": held,
                "SalesOrderStatus": "Backorder",
            }
        )

    def line(self, number, at=1, quantity=3):
        self.tables["SalesOrderLinesV3"].append(
            dict.fromkeys(LINE_FIELDS, "")
            | dict.fromkeys(("ProductColorId", "ProductConfigurationId", "ProductSizeId"), "")
            | dict.fromkeys(("ProductStyleId", "ProductVersionId"), "")
            | {
                "dataAreaId": COMPANY,
                "SalesOrderNumber": number,
                "InventoryLotId": f"{number}-{at}",
                "LineNumber": Decimal(at),
                "ItemNumber": "TENT-2P",
                "ShippingSiteId": "EU",
                "ShippingWarehouseId": "HAM",
                "OrderedSalesQuantity": Decimal(quantity),
            }
        )

    def warehouse(self, number, at=1, *, released=0, wave=0, packed=0, on_wave="No"):
        self.tables["WHSSalesLineBiEntities"].append(
            {
                "dataAreaId": COMPANY,
                "InventTransId": f"{number}-{at}",
                "ReleasedQty": Decimal(released),
                "OnWave": on_wave,
                "OnWaveQty": Decimal(wave),
                "PackingQty": Decimal(packed),
            }
        )

    def progress(self, number, at=1, *, remaining=3, to_invoice=0, status="Backorder"):
        self.tables["SalesLineBiEntities"].append(
            {
                "dataAreaId": COMPANY,
                "SalesId": number,
                "InventTransId": f"{number}-{at}",
                "SalesStatus": status,
                "SalesQty": Decimal(remaining) + Decimal(to_invoice),
                "RemainSalesPhysical": Decimal(remaining),
                "RemainSalesFinancial": Decimal(to_invoice),
                "SysModifiedDateTime": "2026-11-27T12:00:00Z",
            }
        )


@pytest.fixture
def fo():
    built = Fo()
    built.header("SN1", "PartiallyDelivered")
    return built


async def line_of(fo):
    order = await read_fo_order(fo, COMPANY, ["SN1"])
    (line,) = order.lines
    return line


@pytest.mark.parametrize(
    ("remaining", "to_invoice", "status", "expected"),
    [
        (3, 0, "Backorder", (3, 0, FoStatus.PARTLY_DELIVERED)),
        (1, 2, "Backorder", (1, 2, FoStatus.PARTLY_DELIVERED)),
        (1, 0, "Delivered", (1, 0, FoStatus.PARTLY_DELIVERED)),
        (0, 3, "Delivered", (0, 3, FoStatus.DELIVERED)),
        (0, 0, "Invoiced", (0, 0, FoStatus.INVOICED)),
        (0, 0, "Canceled", (0, 0, FoStatus.CANCELLED)),
        (0, 0, "Backorder", (0, 0, FoStatus.PARTLY_DELIVERED)),
    ],
)
async def test_a_line_has_what_remains_of_it_and_its_own_status_once_nothing_does(
    fo, remaining, to_invoice, status, expected
):
    fo.line("SN1")
    fo.progress("SN1", remaining=remaining, to_invoice=to_invoice, status=status)
    line = await line_of(fo)
    assert (line.remaining, line.to_invoice, line.status) == expected
    assert (line.is_open, line.done) == (remaining != 0, 3 - remaining)


async def test_header_and_lines_cost_one_call_and_what_remains_another(fo):
    fo.line("SN1", 2)
    fo.line("SN1", 1)
    fo.calls.clear()
    order = await read_fo_order(fo, COMPANY, ["sn1"])
    assert sorted(fo.calls) == ["GET SalesLineBiEntities", "GET SalesOrderHeadersV2"]
    assert [line.lot for line in order.lines] == ["SN1-1", "SN1-2"]
    assert order.header("sn1").fields["SalesOrderProcessingStatus"] == "PartiallyDelivered"


def denied(_rows):
    raise DeniedError(ErrorCode.FO_DENIED, status=403, infolog="no rights")


def unknown(_rows):
    raise RefusedError(ErrorCode.FO_SET_MISSING, entity_set="SalesOrderHeadersV2")


def without_lines(rows):
    return [{**row, "SalesOrderLines": []} for row in rows]


def without_the_first(rows):
    return [{**row, "SalesOrderLines": row["SalesOrderLines"][1:]} for row in rows]


@pytest.mark.parametrize(
    ("shown", "has_progress"),
    [
        (denied, True),
        (unknown, True),
        (without_lines, True),
        (without_lines, False),
        (without_the_first, True),
        (lambda _: [], True),
    ],
)
async def test_where_f_and_o_does_not_show_all_lines_beside_their_header_they_are_read_apart(fo, shown, has_progress):
    for at in (1, 2):
        fo.line("SN1", at)
        if has_progress:
            fo.progress("SN1", at)
    plain = fo.query

    async def query(entity_set, **asked):
        rows = await plain(entity_set, **asked)
        return shown(rows) if "expand" in asked else rows

    fo.query = query
    order = await read_fo_order(fo, COMPANY, ["SN1"])
    assert [line.lot for line in order.lines] == ["SN1-1", "SN1-2"]
    assert order.header("SN1").status is FoStatus.PARTLY_DELIVERED


async def test_an_order_that_is_gone_is_looked_up_in_the_set_that_it_was_written_to(fo):
    assert await read_fo_order(fo, COMPANY, ["SN9"]) is None
    assert "GET SalesOrderHeadersV4" in fo.calls


async def test_a_line_without_a_row_about_what_remains_is_open_as_a_whole(fo):
    """F&O's view does not have a line that was written a moment ago."""
    fo.line("SN1")
    fo.line("SN1", 2)
    fo.progress("SN1", 2, remaining=0, status="Invoiced")
    first, second = (await read_fo_order(fo, COMPANY, ["SN1"])).lines
    assert (first.remaining, first.to_invoice, first.status) == (3, 0, FoStatus.PARTLY_DELIVERED)
    assert (first.is_open, first.is_invoiced, first.done) == (True, False, 0)
    assert (second.lot, second.is_open, second.is_invoiced) == ("SN1-2", False, True)


async def test_of_a_line_without_a_row_about_what_remains_nothing_can_be_returned(fo):
    fo.line("SN1")
    fo.line("SN1", 2)
    fo.progress("SN1", 2, remaining=1, to_invoice=1)
    (line,) = await read_sold_lines(fo, COMPANY, "SN1")
    assert (line.lot, line.ordered, line.invoiced) == ("SN1-2", 3, 1)


async def test_of_a_cancelled_line_nothing_can_be_returned(fo):
    fo.line("SN1")
    fo.progress("SN1", remaining=0, status="Canceled")
    (line,) = await read_sold_lines(fo, COMPANY, "SN1")
    assert (line.ordered, line.invoiced) == (3, 0)


async def test_a_further_order_that_staff_deleted_is_left_out(fo):
    fo.line("SN1")
    fo.header("SN1C")
    fo.line("SN1C")
    order = await read_fo_order(fo, COMPANY, ["SN1", "SN1B", "SN1C"])
    assert [header.number for header in order.headers] == ["SN1", "SN1C"]
    assert [line.order for line in order.lines] == ["SN1", "SN1C"]


async def test_without_the_main_order_there_is_none_even_if_a_further_one_is_left(fo):
    fo.tables["SalesOrderHeadersV4"].clear()
    fo.header("SN1B")
    assert await read_fo_order(fo, COMPANY, ["SN1", "SN1B"]) is None


@pytest.mark.parametrize(
    ("stage", "status"),
    [
        ("Active", FoStatus.OPEN),
        ("Confirmed", FoStatus.CONFIRMED),
        ("Picked", FoStatus.PICKED),
        ("PartiallyDelivered", FoStatus.PARTLY_DELIVERED),
        ("PartiallyInvoiced", FoStatus.PARTLY_DELIVERED),
        ("Delivered", FoStatus.DELIVERED),
        ("DeliveredPartiallyInvoiced", FoStatus.DELIVERED),
        ("Invoiced", FoStatus.INVOICED),
        ("Canceled", FoStatus.CANCELLED),
    ],
)
@pytest.mark.parametrize("held", ["Yes", "No"])
async def test_a_header_has_its_status_and_whether_it_is_held(stage, status, held):
    fo = Fo()
    fo.header("SN1", stage, held=held)
    header = await read_header(fo, COMPANY, "SN1")
    assert (header.number, header.status, header.is_held) == ("SN1", status, held == "Yes")


async def test_a_status_that_is_not_known_is_refused():
    fo = Fo()
    fo.header("SN1", "Dreaming")
    with pytest.raises(RefusedError) as refused:
        await read_header(fo, COMPANY, "SN1")
    assert refused.value.code == "FO_STATUS_UNKNOWN"


async def test_all_orders_with_a_reference_are_read_by_number(fo):
    fo.header("SN0")
    fo.header("SN2", reference="shopify-nordlys-2")
    assert [header.number for header in await read_headers(fo, COMPANY, "shopify-nordlys-1")] == ["SN0", "SN1"]
    assert await read_header(fo, COMPANY, "SN9") is None


async def test_the_orders_that_fo_does_not_hold_are_found_in_a_few_reads_of_exactly_their_numbers():
    asked = []
    rows = {
        "SN1": ("No", "Active"),
        "SN2": ("Yes", "Active"),
        "SN3": ("No", "Invoiced"),
        "SN40": ("No", "PartiallyDelivered"),
        "sn1": ("No", "Active"),  # F&O ignores case
    }

    class Searched:
        async def query(self, entity_set, *, company, where, select):
            asked.append((entity_set, company))
            return [
                dict(zip(HELD_FIELDS, (number, *row), strict=True))
                for number, row in rows.items()
                if f"'{number.upper()}'" in where
            ]

    numbers = ["SN1", "SN2", "SN3", *(f"SN{each}" for each in range(10, 41))]
    assert await not_held(Searched(), COMPANY, numbers) == {"SN1", "SN40"}
    assert asked == [("SalesOrderHeadersV4", COMPANY)] * 2


async def in_warehouse(fo):
    order = await read_fo_order(fo, COMPANY, ["SN1"])
    return await read_in_warehouse(fo, COMPANY, order)


@pytest.mark.parametrize(
    ("left", "shown", "has_work"),
    [
        (0, {}, False),
        (0, {"released": 1}, True),
        (0, {"wave": 1}, True),
        (0, {"packed": 1}, True),
        (0, {"on_wave": "Yes"}, True),
        (2, {"released": 2, "wave": 2, "packed": 2, "on_wave": "Yes"}, False),  # all of it left
        (2, {"released": 2}, False),
        (2, {"released": 3, "wave": 2}, True),
        (2, {"released": 2, "packed": 3}, True),
        (2, {"released": 1}, True),  # F&O counts only what is left of it
    ],
)
async def test_what_was_released_and_has_not_left_is_in_the_warehouse(fo, left, shown, has_work):
    fo.line("SN1")
    fo.progress("SN1", remaining=3 - left)
    fo.warehouse("SN1", **shown)
    assert await in_warehouse(fo) == ({"SN1-1"} if has_work else set())


async def test_only_open_lines_are_looked_for_in_the_warehouse(fo):
    for at in (1, 2, 3):
        fo.line("SN1", at)
    fo.progress("SN1", 2, remaining=0, to_invoice=3, status="Delivered")
    for at in (1, 2, 4):  # the third has no row, the fourth is of another order
        fo.warehouse("SN1", at, released=1)
    assert await in_warehouse(fo) == {"SN1-1"}


@pytest.mark.parametrize("status", ["Picked", "Delivered", "Invoiced", "Canceled"])
async def test_what_f_and_os_status_shows_is_not_asked_again(status):
    fo = Fo()
    fo.header("SN1", status)
    fo.line("SN1")
    fo.warehouse("SN1", released=1)
    assert await in_warehouse(fo) == set()
