"""Refunds reach F&O once, whatever happens on the way."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.errors import NotYetError, OutcomeUnknownError, RefusedError, TransientError
from shared.model import Restock, TransactionKind, TransactionStatus
from shared.store.refunds import BookedRefund, Refunds
from shared.sync.refunds import RefundsReport, converge_refunds
from tests.builders.memory_table import MemoryTable
from tests.builders.payments import transaction
from tests.builders.refunds import Books, back, beside, link, refund, rules, state
from tests.builders.sales import euros, line, order

SALE = order(line(1, euros("249.00"), 2, requires_shipping=True), line(2, euros("16.95"), sku="MAP-NORDIC"))
TENT_BACK = refund(back(1, 1, "249.00"), adjustments=[beside("-20.00", "restock")])
BOTH_BACK = refund(back(1, 2, "498.00"), adjustments=[beside("-20.00", "restock")])
RULES = rules()
LINKED = link(SALE)


async def converge(books: Books, *refunds, applied=RULES, to=LINKED, sale=SALE) -> RefundsReport:
    return await converge_refunds(state(sale, *refunds), link=to, rules=applied, ports=books.ports, now=books.now)


def sold_books(**how) -> Books:
    books = Books()
    books.fo.sell(SALE, **how)
    return books


def totals(report) -> dict[str, str]:
    return {row["name"]: row["shopify"] for row in report.evidence["801"]["totals"]}


async def test_a_refund_becomes_its_documents_once():
    books = sold_books()
    report = await converge(books, TENT_BACK)
    (header,) = books.fo.tables["ReturnOrderHeadersV2"]
    (invoice,) = books.fo.tables["FreeTextInvoiceHeaders"]
    number = header["ReturnOrderNumber"]
    assert number.startswith("RMA-")
    assert header["IsReturnProcessingStopped"] == "No"
    assert {header["CustomersOrderReference"], invoice["CustomerReference"]} == {"shopify-nordlys-r801"}
    assert report.documents == (f"return order {number}", f"free text invoice {invoice['InvoiceIdentifier']}")
    assert report.note == f"1 of 1 refunds credited: {', '.join(report.documents)}"
    assert totals(report)["worth"] == "229.00 EUR"
    assert books.credited() == euros("229.00")

    books.fo.calls.clear()
    again = await converge(books, TENT_BACK)
    assert (again.note, again.documents, books.fo.calls) == ("F&O has all refunds", (), [])


@pytest.mark.parametrize(("paid", "told"), [("30.00", True), ("249.00", False)])
async def test_a_payout_that_differs_from_the_credit_is_told_with_both_sums(paid, told):
    given = transaction(901, paid, kind=TransactionKind.REFUND)
    report = await converge(sold_books(), refund(back(1, 1, "249.00"), transactions=[given]))
    assert ("REFUND_SUM_DIFFERS" in report.note) is told
    if told:
        assert "The parts of refund 801 sum to 249.00 EUR, but 30.00 EUR was given back" in report.note


async def test_a_return_order_is_held_until_it_has_its_lines():
    books = sold_books()
    await converge(books, refund(back(1, 1, "249.00")))
    assert books.writes == ["POST ReturnOrderHeadersV2", "change set", "PATCH ReturnOrderHeadersV2"]


async def test_an_exchange_credits_the_goods_whatever_money_moved():
    books = sold_books()
    given = transaction(9, "32.00", kind=TransactionKind.REFUND)
    report = await converge(books, refund(back(1, 1, "249.00"), transactions=[given]))
    assert books.credited() == euros("249.00")
    assert (totals(report)["worth"], totals(report)["given back"]) == ("249.00 EUR", "32.00 EUR")


@pytest.mark.parametrize("status", TransactionStatus)
async def test_a_credit_does_not_wait_for_its_money(status):
    books = sold_books()
    given = transaction(9, "249.00", kind=TransactionKind.REFUND, status=status)
    await converge(books, refund(back(1, 1, "249.00"), transactions=[given]))
    assert books.credited() == euros("249.00")


async def test_goods_of_a_further_sales_order_come_back_too():
    books = sold_books()
    later = order(line(3, euros("54.95"), sku="STOVE-GAS"))
    books.fo.sell(later, number="SN5551234567890-2")
    sale = replace(SALE, lines=(*SALE.lines, *later.lines))
    await converge(
        books, refund(back(3, 1, "54.95")), sale=sale, to=replace(link(sale), further=("SN5551234567890-2",))
    )
    assert books.credited() == euros("54.95")


async def test_a_cancelled_line_of_f_and_o_is_nothing_to_return():
    books = sold_books()
    for row in books.fo.tables["SalesLineBiEntities"]:
        row["SalesStatus"] = "Canceled"
    with pytest.raises(TransientError, match="waits until F&O has invoiced"):
        await converge(books, TENT_BACK)


async def test_several_refunds_take_back_different_units():
    books = sold_books()
    first, second = refund(back(1, 1, "249.00")), refund(back(1, 1, "249.00"), number=802)
    await converge(books, first)
    await converge(books, first, second)
    third = refund(back(1, 1, "249.00"), number=803)
    with pytest.raises(RefusedError) as refused:
        await converge(books, first, second, third)
    assert refused.value.code == "RETURN_BEYOND_ORDER"
    assert books.credited() == euros("498.00")


async def test_a_refund_that_cannot_be_booked_does_not_keep_the_others_from_it():
    books = sold_books()
    strange = refund(adjustments=[beside("5.00", "karma")])
    with pytest.raises(RefusedError, match="karma"):
        await converge(books, strange, refund(adjustments=[beside("7.00")], number=802))
    assert books.credited() == euros("7.00")


async def test_what_may_be_tried_again_is_raised_before_what_a_person_must_decide():
    books = sold_books(invoiced=False)
    strange = refund(adjustments=[beside("5.00", "karma")])
    with pytest.raises(TransientError, match=f"waits until F&O has invoiced 1 x TENT-2P on {LINKED.sales_order}$"):
        await converge(books, strange, refund(back(1, 1, "249.00"), number=802))


async def test_goods_wait_for_their_invoice_and_then_are_parked():
    books = sold_books(invoiced=False)
    for _ in range(2):
        with pytest.raises(TransientError) as waiting:
            await converge(books, TENT_BACK)
        assert waiting.value.retry_after is not None
        books.pass_by(hours=10)
    with pytest.raises(RefusedError) as refused:
        await converge(books, TENT_BACK)
    assert refused.value.code == "REFUND_NOT_INVOICED"
    assert refused.value.details["hours"] == "20"
    assert books.writes == []

    books.fo.invoice()
    await converge(books, TENT_BACK)
    assert books.credited() == euros("229.00")


async def test_goods_that_are_only_delivered_wait_too():
    books = sold_books()
    for row in books.fo.tables["SalesLineBiEntities"]:
        row["RemainSalesFinancial"] = Decimal(2)
    with pytest.raises(TransientError, match="until F&O has invoiced"):
        await converge(books, TENT_BACK)


async def test_a_document_that_is_remembered_is_not_written_again_whatever_became_of_it():
    books = sold_books()
    row = BookedRefund(
        SALE.store, SALE.id, 801, books.now, return_order="RN801", invoice=5, returned={"NLEU-000001": 1}
    )
    await Refunds(books.table).put(row)  # type: ignore[arg-type]  # a table in memory
    report = await converge(books, TENT_BACK)
    assert report.documents == ("return order RN801", "free text invoice 5")
    assert books.writes == []


async def test_amounts_do_not_wait_for_an_invoice():
    books = sold_books(invoiced=False)
    await converge(books, refund(back(1, 1, "249.00", restock=Restock.NO_RESTOCK)))
    assert books.credited() == euros("249.00")


@pytest.mark.parametrize("to", [None, replace(LINKED, sales_order="")], ids=["no link", "parked"])
async def test_refunds_wait_for_their_sales_order(to):
    books = Books()
    for one in (TENT_BACK, refund(adjustments=[beside("5.00")])):
        with pytest.raises(TransientError, match="until F&O has its sales order"):
            await converge(books, one, to=to)
    assert (books.fo.calls, books.table.rows) == ([], {})


async def test_an_order_that_was_cancelled_before_f_and_o_had_it_needs_no_credit():
    books = Books()
    gone = replace(SALE, cancelled_at=SALE.created_at)
    whole = refund(back(1, 2, "498.00", restock=Restock.CANCEL))
    report = await converge(books, whole, to=None, sale=gone)
    assert report.note == "1 of 1 refunds credited, all of it off the sales order already"
    with pytest.raises(RefusedError) as refused:
        await converge(books, refund(adjustments=[beside("-5.00", "restock")], number=802), to=None, sale=gone)
    assert refused.value.code == "REFUND_WITHOUT_ORDER"
    assert books.writes == []


async def test_an_order_that_was_given_back_whole_before_f_and_o_had_it_never_gets_there():
    gone = replace(SALE, lines=(), total=euros("0.00"))
    with pytest.raises(RefusedError) as refused:
        await converge(Books(), refund(adjustments=[beside("-5.00", "restock")]), to=None, sale=gone)
    assert refused.value.code == "REFUND_WITHOUT_ORDER"


async def test_a_shipping_charge_with_the_id_of_a_line_is_not_the_line():
    books = sold_books()
    sources = {"NLEU-000001": "shipping:2", "NLEU-000002": "products:2"}
    await converge(books, refund(back(2, 1, "16.95")), to=replace(LINKED, sources=sources))
    (returned,) = books.fo.tables["ReturnOrderLinesV2"]
    assert returned["ReturningInventoryLotId"] == "NLEU-000002"


async def test_goods_off_the_order_are_remembered_without_a_document():
    books = sold_books()
    off = refund(back(1, 1, "249.00", restock=Restock.CANCEL))
    report = await converge(books, off)
    assert report.note == "1 of 1 refunds credited, all of it off the sales order already"
    assert (await converge(books, off)).note == "F&O has all refunds"
    assert books.fo.calls == []


async def test_f_and_o_as_master_of_refunds_is_not_written_to():
    books = sold_books()
    report = await converge(books, TENT_BACK, applied=rules(masters={"refunds": "fo"}))
    assert report.note == "1 refunds not booked: F&O decides about refunds of this store"
    assert (books.fo.calls, books.table.rows) == ([], {})


async def test_nothing_is_asked_where_there_is_nothing_to_do():
    books = Books()
    assert (await converge(books)).note == "no refunds"
    off = RULES.model_copy(update={"refunds": None})
    assert (await converge(books, TENT_BACK, applied=off)).note == "refunds are not booked for this store"
    assert books.fo.calls == []


async def test_a_test_order_is_not_credited():
    with pytest.raises(RefusedError, match="TEST_ORDER"):
        await converge(sold_books(), TENT_BACK, sale=replace(SALE, is_test=True))


async def test_a_refund_that_is_worth_less_later_is_a_persons_matter_once():
    books = sold_books()
    await converge(books, TENT_BACK)
    failed = replace(TENT_BACK, adjustments=(*TENT_BACK.adjustments, beside("-229.00")))
    with pytest.raises(RefusedError) as refused:
        await converge(books, failed)
    assert refused.value.code == "REFUND_CHANGED"
    assert refused.value.details["documents"].startswith("return order RMA-")
    assert (await converge(books, failed)).note == "F&O has all refunds"
    assert books.credited() == euros("229.00")


async def test_another_workers_refund_is_left_to_it():
    books = sold_books()
    mine, theirs = Refunds(books.table), Refunds(books.table)  # type: ignore[arg-type]  # a table in memory
    await converge(books, TENT_BACK)
    (seen,) = (await mine.of_order(SALE.store, SALE.id)).values()
    await theirs.put(replace(seen, parked_worth="1.00 EUR"))
    with pytest.raises(TransientError, match="another worker"):
        await mine.put(seen)


async def test_rows_come_back_as_they_were_written_and_only_those_of_the_order():
    books = sold_books()
    table = Refunds(books.table)  # type: ignore[arg-type]  # a table in memory
    await converge(books, TENT_BACK)
    (row,) = (await table.of_order(SALE.store, SALE.id)).values()
    (header,) = books.fo.tables["ReturnOrderHeadersV2"]
    assert (row.worth, row.return_order) == (euros("229.00"), header["ReturnOrderNumber"])
    assert (row.returned, row.claimed_until) == ({"NLEU-000001": 1}, None)
    assert row.since == books.now
    assert await table.of_order(SALE.store, SALE.id + 1) == {}
    assert await table.of_order(SALE.store, SALE.id - 1) == {}


# ---- broken off
STEPS = ("POST FreeTextInvoiceHeaders", "POST ReturnOrderHeadersV2", "PATCH ReturnOrderHeadersV2", "change set")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("losses", [[True], [False], [True, True], [False, True, False], [None, True], [None, False]])
async def test_a_lost_answer_leads_to_no_second_document(step, losses):
    books = sold_books()
    books.fo.losses = {step: list(losses)}
    for _ in range(6):
        try:
            await converge(books, TENT_BACK)
        except OutcomeUnknownError:
            with pytest.raises(TransientError, match="another worker books refund 801"):
                await converge(books, TENT_BACK)  # F&O may still be writing
            books.pass_by(minutes=4)
            continue
        break
    assert len(books.fo.tables["ReturnOrderHeadersV2"]) == 1
    assert len(books.fo.tables["FreeTextInvoiceHeaders"]) == 1
    assert books.fo.tables["ReturnOrderHeadersV2"][0]["IsReturnProcessingStopped"] == "No"
    assert books.credited() == euros("229.00")
    assert (await converge(books, TENT_BACK)).note == "F&O has all refunds"


@pytest.mark.parametrize("losses", [[], [True], [False], [None, True], [None, False], [True, False]])
async def test_a_large_return_is_completed_request_by_request(losses):
    many = order(*(line(number, euros("10.00"), sku="TENT-2P") for number in range(1, 6)))
    books = Books()
    books.fo.sell(many)
    books.fo.losses = {"change set": list(losses)}
    given_back = refund(*(back(number, 1, "10.00") for number in range(1, 6)))
    few = rules(orders={"lines_per_request": 2})
    for _ in range(4):
        try:
            await converge(books, given_back, applied=few, to=link(many), sale=many)
        except OutcomeUnknownError:
            (header,) = books.fo.tables["ReturnOrderHeadersV2"]
            assert header["IsReturnProcessingStopped"] == "Yes"
            books.pass_by(minutes=4)
            continue
        break
    lots = [row["ReturningInventoryLotId"] for row in books.fo.tables["ReturnOrderLinesV2"]]
    assert lots == [f"NLEU-{number:06d}" for number in range(1, 6)]
    assert books.fo.tables["ReturnOrderHeadersV2"][0]["IsReturnProcessingStopped"] == "No"
    assert books.writes.count("change set") == 3 + losses.count(False)
    assert books.credited() == euros("50.00")


def healed(table: MemoryTable) -> MemoryTable:
    """The same rows, and no more cuts."""
    whole = MemoryTable()
    whole.rows = table.rows
    return whole


class PowerCutError(BaseException):
    pass


async def test_a_crash_at_any_write_of_the_table_is_made_good():
    survived = crashes = 0
    while not survived:
        books = sold_books()
        left = iter(range(crashes))

        def step(left=left) -> None:
            if next(left, None) is None:
                raise PowerCutError

        books.table = MemoryTable(step)
        try:
            await converge(books, BOTH_BACK)
            survived = 1
        except PowerCutError:
            crashes += 1
        books.table = healed(books.table)
        books.pass_by(minutes=8)
        await converge(books, BOTH_BACK)
        assert books.credited() == euros("478.00")
        assert len(books.fo.tables["ReturnOrderHeadersV2"]) == len(books.fo.tables["FreeTextInvoiceHeaders"]) == 1
    assert crashes == 10  # before and after: begun, claimed, invoice, return order, done


# ---- what F&O has is not ours, or not what was sent
async def test_a_return_order_that_an_earlier_release_numbered_is_found():
    books = sold_books()
    books.fo.dearer_by = Decimal(-1)
    header = {"dataAreaId": "nleu", "ReturnOrderNumber": "RN801", "CustomersOrderReference": "shopify-nordlys-r801"}
    await books.fo.create("ReturnOrderHeadersV2", header)
    lot = {
        "ReturningInventoryLotId": "NLEU-000001",
        "SalesPrice": Decimal("249.00"),
        "ReturnSalesQuantity": Decimal(-1),
    }
    await books.fo.create("ReturnOrderLinesV2", {"dataAreaId": "nleu", "ReturnOrderNumber": "RN801", **lot})
    with pytest.raises(RefusedError, match="FO_REFUND_DIFFERS"):
        await converge(books, refund(back(1, 1, "249.00")))
    (found,) = books.fo.tables["ReturnOrderHeadersV2"]
    assert found["IsReturnProcessingStopped"] == "Yes"
    books.fo.tables["ReturnOrderLinesV2"][0]["LineAmount"] = Decimal("-249.00")
    await converge(books, refund(back(1, 1, "249.00")))
    assert (found["IsReturnProcessingStopped"], len(books.fo.tables["ReturnOrderHeadersV2"])) == ("No", 1)


async def test_two_workers_at_one_refund_create_one_return_order():
    books = sold_books()
    create = books.fo.create

    async def meanwhile(entity_set, record):
        books.fo.create = create
        with pytest.raises(TransientError, match="another worker books refund 801"):
            await converge(books, refund(back(1, 1, "249.00")))
        return await create(entity_set, record)

    books.fo.create = meanwhile  # type: ignore[method-assign]  # the other one comes in between
    await converge(books, refund(back(1, 1, "249.00")))
    assert len(books.fo.tables["ReturnOrderHeadersV2"]) == 1


@pytest.mark.parametrize(
    ("entity_set", "reference"),
    [("ReturnOrderHeadersV2", "CustomersOrderReference"), ("FreeTextInvoiceHeaders", "CustomerReference")],
)
async def test_two_documents_with_our_reference_are_refused(entity_set, reference):
    books = sold_books()
    for _ in range(2):
        await books.fo.create(entity_set, {"dataAreaId": "nleu", reference: "shopify-nordlys-r801"})
    with pytest.raises(RefusedError) as refused:
        await converge(books, TENT_BACK)
    assert refused.value.code == "FO_REFUND_TWICE"


@pytest.mark.parametrize(
    ("entity_set", "reference"),
    [("ReturnOrderHeadersV2", "CustomersOrderReference"), ("FreeTextInvoiceHeaders", "CustomerReference")],
)
async def test_a_reference_in_other_letters_is_not_ours(entity_set, reference):
    books = sold_books()
    await books.fo.create(entity_set, {"dataAreaId": "nleu", reference: "SHOPIFY-NORDLYS-R801"})
    await converge(books, TENT_BACK)
    assert len(books.fo.tables[entity_set]) == 2


async def test_a_return_order_that_f_and_o_prices_otherwise_is_held():
    books = sold_books()
    books.fo.dearer_by = Decimal(-1)
    for _ in range(2):
        with pytest.raises(RefusedError) as refused:
            await converge(books, refund(back(1, 1, "249.00")))
        assert refused.value.code == "FO_REFUND_DIFFERS"
        (header,) = books.fo.tables["ReturnOrderHeadersV2"]
        assert header["IsReturnProcessingStopped"] == "Yes"
        assert refused.value.proof["lines"][0]["shopify"] == "249.00 EUR"
        assert refused.value.proof["lines"][0]["difference"] == "1.00 EUR"


async def test_an_invoice_that_f_and_o_changed_is_refused():
    books = sold_books()
    books.fo.dearer_by = Decimal(-1)
    with pytest.raises(RefusedError) as refused:
        await converge(books, refund(adjustments=[beside("5.00")]))
    assert refused.value.code == "FO_REFUND_DIFFERS"
    (line,) = refused.value.proof["lines"]
    assert (line["name"], line["shopify"], line["fo"]) == ("goodwill: Goodwill", "5.00 EUR", "6.00 EUR")


async def test_an_invoice_that_was_posted_is_left_as_it_is():
    books = sold_books()
    one = refund(adjustments=[beside("5.00")])
    await converge(books, one)
    books.table.rows.clear()
    books.fo.tables["FreeTextInvoiceHeaders"][0]["IsPosted"] = "Yes"
    books.fo.tables["FreeTextInvoiceLines"].clear()
    report = await converge(books, one)
    assert books.fo.tables["FreeTextInvoiceLines"] == []
    assert len(report.documents) == 1


async def test_a_refusal_of_f_and_o_leaves_nothing_half_way():
    books = sold_books()
    (progress,) = (row for row in books.fo.tables["SalesLineBiEntities"] if row["InventTransId"] == "NLEU-000001")
    sale_read = books.fo.query

    async def invoiced_as_it_looks(*arguments, **keys):
        rows = await sale_read(*arguments, **keys)
        progress["RemainSalesPhysical"] = Decimal(2)  # F&O itself knows better
        return rows

    books.fo.query = invoiced_as_it_looks  # type: ignore[method-assign]  # something happens in between
    with pytest.raises(NotYetError, match="waits until F&O has invoiced 1 x TENT-2P"):
        await converge(books, refund(back(1, 1, "249.00")))
    assert books.fo.tables["ReturnOrderHeadersV2"] == []
