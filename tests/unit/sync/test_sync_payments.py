"""Each transaction of an order is in F&O once: whatever is repeated, simultaneous, lost or cut off."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from shared.errors import OutcomeUnknownError, RefusedError, TransientError
from shared.model import Part, Rate, TransactionKind, TransactionStatus
from shared.sync.payments import converge_payments
from tests.builders.payments import NOON, Books, CutOff, link, rules, state, transaction
from tests.builders.sales import EU, dollars, euros, line, order

LOOK, LINES = "GET CustomerPaymentJournalHeaders", "GET CustomerPaymentJournalLines"
OPEN, WRITE = "POST CustomerPaymentJournalHeaders", "change set"
TWO_GATEWAYS = state(transaction(1, "30.00", gateway="gift_card"), transaction(2, "70.00"))
REFUND = TransactionKind.REFUND


@pytest.fixture
def books() -> Books:
    return Books()


async def converge(books: Books, one=TWO_GATEWAYS, applied=None, **changes):
    target = changes.pop("link", link(one))
    return await converge_payments(one, link=target, rules=applied or rules(), ports=books.instance(), **changes)


async def test_every_payment_is_booked_and_logged(books):
    report = await converge(books)
    assert (report.note, report.written, report.adopted) == ("2 of 2 transactions booked", 2, 0)
    assert report.evidence["fo"] == {
        "settled": "100.00 EUR",
        "transactions": {"1": "30.00 EUR in journal 00001, lines 1", "2": "70.00 EUR in journal 00001, lines 2"},
    }
    assert report.evidence["shopify"]["totals"][-1]["shopify"] == "0.00 EUR"
    assert books.fo.balance() == euros("100.00")


async def test_the_first_payment_of_a_day_costs_four_calls_and_a_later_one_two(books):
    await converge(books)
    assert books.fo.calls == [LOOK, LOOK, OPEN, WRITE]
    books.fo.calls.clear()
    other = state(transaction(3), sale=order(line(price=euros("100.00")), id=7))
    await converge(books, other)
    assert books.fo.calls == [LINES, WRITE]
    assert books.fo.scans == 0


async def test_nothing_is_looked_up_of_a_payment_that_no_attempt_was_made_at(books):
    await converge(books)
    books.clock.pass_by(minutes=5)
    books.fo.calls.clear()
    later = state(transaction(3, processed_at=books.clock()), sale=order(line(price=euros("100.00")), id=7))
    assert (await converge(books, later)).written == 1
    assert books.fo.calls == [WRITE]


@pytest.mark.parametrize("seconds", [10, 11])
async def test_a_payment_of_the_moment_at_which_the_table_was_lost_is_looked_up(books, seconds):
    """Shopify's clock may be ahead by ten seconds."""
    await converge(books)
    at = books.clock() + timedelta(seconds=seconds)
    books.clock.pass_by(minutes=5)
    young = state(transaction(3, processed_at=at), sale=order(line(price=euros("100.00")), id=7))
    books.fo.calls.clear()
    await converge(books, young)
    assert books.fo.calls == ([LINES, WRITE] if seconds == 10 else [WRITE])


async def test_payments_of_before_a_loss_of_the_table_are_found_whenever_it_happened(books):
    await converge(books)
    books.clock.pass_by(days=1)
    young = state(transaction(3, processed_at=books.clock()), sale=order(line(price=euros("100.00")), id=7))
    await converge(books, young)
    books.clock.pass_by(hours=1)
    books.table.rows.clear()
    for one in (TWO_GATEWAYS, young):
        assert (await converge(books, one)).written == 0
    assert books.ids() == ["1", "2", "3"]


async def test_a_payment_of_a_time_to_come_is_looked_up(books):
    await converge(books)
    books.clock.pass_by(minutes=5)
    coming = state(
        transaction(3, processed_at=books.clock() + timedelta(seconds=11)),
        sale=order(line(price=euros("100.00")), id=7),
    )
    books.fo.calls.clear()
    await converge(books, coming)
    assert books.fo.calls == [LINES, WRITE]


async def test_a_young_payment_is_looked_up_once_an_attempt_at_it_was_cut_off(books):
    await converge(books)
    books.clock.pass_by(minutes=5)
    young = state(transaction(3, processed_at=books.clock()), sale=order(line(price=euros("100.00")), id=7))
    books.fo.losses = {WRITE: [True]}
    with pytest.raises(OutcomeUnknownError):
        await converge(books, young)
    books.clock.pass_by(minutes=5)
    assert (await converge(books, young)).adopted == 1
    assert books.ids() == ["1", "2", "3"]


async def test_a_second_delivery_costs_no_call_and_books_nothing(books):
    await converge(books)
    books.fo.calls.clear()
    report = await converge(books)
    assert (report.note, report.written) == ("F&O has all money that moved", 0)
    assert books.fo.calls == []


async def test_what_came_later_is_booked_beside_what_is_there(books):
    await converge(books, state(transaction(1, "30.00")))
    back = transaction(3, "20.00", kind=REFUND)
    report = await converge(books, state(transaction(1, "30.00"), transaction(2, "70.00"), back))
    assert report.written == 2
    assert (books.ids(), books.fo.balance()) == (["1", "2", "3"], euros("80.00"))


async def test_a_pending_refund_is_booked_when_it_succeeds(books):
    pending = transaction(2, "20.00", kind=REFUND, status=TransactionStatus.PENDING)
    await converge(books, state(transaction(1), pending))
    assert books.ids() == ["1"]
    await converge(books, state(transaction(1), replace(pending, status=TransactionStatus.SUCCESS)))
    assert (books.ids(), books.fo.balance()) == (["1", "2"], euros("80.00"))


async def test_an_older_state_takes_nothing_back(books):
    await converge(books)
    report = await converge(books, state(transaction(1, "30.00", gateway="gift_card")))
    assert (report.written, books.ids()) == (0, ["1", "2"])


async def test_payments_of_two_days_and_journals_are_booked_apart(books):
    methods = rules().payments.model_dump()["methods"]
    special = tuple({**method, "journal": "CASH"} if method["gateway"] == "paypal" else method for method in methods)
    one = state(
        transaction(1, "30.00"),
        transaction(2, "30.00", processed_at=NOON + timedelta(days=1)),
        transaction(3, "40.00", gateway="paypal"),
    )
    report = await converge(books, one, rules(methods=special))
    assert report.written == 3
    assert sorted((row["JournalName"], row["Description"][-14:]) for row in books.fo.headers.values()) == [
        ("CASH", "2026-11-23 EUR"),
        ("SHOPPAY", "2026-11-23 EUR"),
        ("SHOPPAY", "2026-11-24 EUR"),
    ]


async def test_lines_of_one_transaction_are_written_together(books):
    rate = Rate(booked=euros("13.50"), paid=dollars("9.00"))
    one = state(transaction(1, "12.77", paid=dollars("9.00")), total="13.50", rate=rate)
    await converge(books, one)
    assert (books.ids(), books.fo.balance()) == (["1", "1-X"], euros("13.50"))
    assert books.fo.calls.count(WRITE) == 1


async def test_cash_that_was_rounded_to_nothing_is_done_without_a_line(books):
    one = state(transaction(1, "0.02", rounding="-0.02", gateway="cash"), total="0.02")
    applied = rules(orders={"rounding_item": "ROUNDING"}, rounding_account=None)
    await converge(books, one, applied)
    books.fo.calls.clear()
    report = await converge(books, one, applied)
    assert (books.ids(), books.fo.calls) == ([], [])
    assert report.evidence["fo"] == {"settled": "0.00 EUR", "transactions": {}}


# ---- nothing to book, or not yet


async def test_a_store_without_payment_rules_books_none(books):
    report = await converge(books, applied=EU.model_copy(update={"payments": None}))
    assert "not booked" in report.note
    assert books.fo.calls == []


async def test_terms_and_authorizations_move_no_money(books):
    authorized = transaction(1, kind=TransactionKind.AUTHORIZATION)
    void = transaction(2, kind=TransactionKind.VOID)
    for one in (state(), state(authorized), state(authorized, void)):
        assert (await converge(books, one, link=None)).note == "no money has moved"
    assert books.fo.calls == []


@pytest.mark.parametrize("missing", [None, link(TWO_GATEWAYS, sales_order="")])
async def test_payments_wait_for_the_sales_order(books, missing):
    with pytest.raises(TransientError, match="wait until F&O has its sales order"):
        await converge(books, link=missing)
    assert (await converge(books)).written == 2


async def test_money_of_an_order_that_never_reached_f_and_o_came_and_went(books):
    gone = order(line(price=euros("100.00")), cancelled_at=NOON)
    all_back = state(transaction(1), transaction(2, kind=REFUND), sale=gone)
    assert "nothing to book" in (await converge(books, all_back, link=None)).note
    with pytest.raises(RefusedError) as refused:
        await converge(books, state(transaction(1), transaction(2, "99.99", kind=REFUND), sale=gone), link=None)
    assert refused.value.code == "PAYMENT_WITHOUT_ORDER"


# ---- what a person must decide


async def test_a_refused_payment_is_free_for_the_next_attempt(books):
    none_fits = rules(methods=({"gateway": "paypal", "method": "M", "offset_type": "bank", "offset_account": "B"},))
    with pytest.raises(RefusedError) as refused:
        await converge(books, applied=none_fits)
    assert refused.value.code == "PAYMENT_WITHOUT_RULE"
    assert (await converge(books)).written == 2


async def test_a_line_with_our_id_for_another_order_is_not_adopted(books):
    await converge(books)
    books.table.rows.clear()
    with pytest.raises(RefusedError) as refused:
        await converge(books, link=link(TWO_GATEWAYS, sales_order="SN999"))
    assert refused.value.code == "FO_FOREIGN_PAYMENT"


async def test_a_line_in_another_currency_is_not_adopted(books):
    await converge(books)
    books.table.rows.clear()
    for row in books.fo.lines.values():
        row["CurrencyCode"] = "USD"
    with pytest.raises(RefusedError, match="in USD") as refused:
        await converge(books)
    assert refused.value.code == "FO_FOREIGN_PAYMENT"


async def test_a_payment_that_f_and_o_has_twice_is_refused_until_a_person_replays_it(books):
    await converge(books)
    books.table.rows.clear()
    first = next(iter(books.fo.lines.values()))
    books.fo.lines["nleu", "00001", Decimal(77)] = {**first, "LineNumber": Decimal(77)}
    for _ in range(2):
        with pytest.raises(RefusedError) as refused:
            await converge(books)
        assert (refused.value.code, refused.value.details["journals"]) == ("FO_PAYMENT_TWICE", "00001, 00001")
    report = await converge(books, is_replay=True)
    assert report.evidence["fo"]["settled"] == "100.00 EUR"
    assert books.ids() == ["1", "1", "2"]


async def test_a_payment_that_f_and_o_has_twice_does_not_keep_the_others_out(books):
    await converge(books)
    books.table.rows.clear()
    first, *others = books.fo.lines.items()
    books.fo.lines["nleu", "00001", Decimal(77)] = {**first[1], "LineNumber": Decimal(77)}
    for key, _ in others:
        del books.fo.lines[key]
    with pytest.raises(RefusedError, match="FO_PAYMENT_TWICE"):
        await converge(books)
    assert books.ids() == ["1", "1", "2"]


# ---- never twice, never lost


async def test_lines_of_a_former_attempt_are_adopted_as_they_stand(books):
    await converge(books)
    books.table.rows.clear()
    report = await converge(books)
    assert (report.written, report.adopted) == (0, 2)
    assert "2 found in F&O" in report.note
    assert report.evidence["fo"]["settled"] == "100.00 EUR"
    assert books.ids() == ["1", "2"]


@pytest.mark.parametrize("after_commit", [True, False])
async def test_a_lost_answer_is_looked_up_when_f_and_o_has_finished(books, after_commit):
    books.fo.losses = {WRITE: [after_commit]}
    with pytest.raises(OutcomeUnknownError):
        await converge(books)
    with pytest.raises(TransientError) as waiting:
        await converge(books)
    assert waiting.value.retry_after == timedelta(minutes=4)
    books.clock.pass_by(minutes=4)
    report = await converge(books)
    assert (report.adopted, report.written) == ((2, 0) if after_commit else (0, 2))
    assert (books.ids(), books.fo.balance()) == (["1", "2"], euros("100.00"))


@pytest.mark.parametrize("after_commit", [True, False])
async def test_a_line_that_may_be_in_another_journal_is_searched_only_after_an_unknown_outcome(books, after_commit):
    """The rules name another journal when the next attempt begins."""
    books.fo.losses = {WRITE: [after_commit]}
    with pytest.raises(OutcomeUnknownError):
        await converge(books)
    books.clock.pass_by(minutes=4)
    assert books.fo.scans == 0
    report = await converge(books, applied=rules(journal="OTHER"))
    assert (report.adopted, report.written) == ((2, 0) if after_commit else (0, 2))
    assert (books.ids(), books.fo.scans) == (["1", "2"], 1)


async def test_a_payment_that_was_refused_may_have_been_booked_by_hand(books):
    sale = link(TWO_GATEWAYS, parked_parts=frozenset({Part.PAYMENTS}))
    await converge(books)
    for number in ("1", "2"):
        (key,) = (key for key, row in books.fo.lines.items() if row["PaymentId"] == number)
        books.fo.lines["nleu", f"HAND{number}", Decimal(1)] = {
            **books.fo.lines.pop(key),
            "JournalBatchNumber": f"HAND{number}",
            "LineNumber": Decimal(1),
        }
    books.table.rows.clear()
    report = await converge(books, link=sale)
    assert (report.adopted, report.written, books.ids()) == (2, 0, ["1", "2"])


async def test_what_f_and_o_did_not_take_was_not_written(books):
    none_fits = rules(methods=({"gateway": "paypal", "method": "M", "offset_type": "bank", "offset_account": "B"},))
    with pytest.raises(RefusedError, match="PAYMENT_WITHOUT_RULE"):
        await converge(books, applied=none_fits)
    await converge(books)
    assert books.fo.scans == 0


async def test_payments_wait_for_a_journal_that_a_user_has_open(books):
    await converge(books, state(transaction(1, "30.00")))
    books.fo.in_use = {"00001"}
    both = state(transaction(1, "30.00"), transaction(2, "70.00"))
    for _ in range(2):
        with pytest.raises(TransientError, match="journal 00001 is in use"):
            await converge(books, both)
    books.fo.in_use.clear()
    assert (await converge(books, both)).written == 1
    assert (books.ids(), books.fo.scans) == (["1", "2"], 0)


async def test_an_attempt_cut_off_anywhere_is_finished_by_the_next():
    methods = rules().payments.model_dump()["methods"]
    special = rules(methods=({**methods[0], "gateway": "manual", "journal": "CASH"}, *methods))
    one = state(transaction(1, "30.00", gateway="manual"), transaction(2, "50.00"), transaction(3, "20.00"))
    for steps in range(100):
        books = Books()
        books.fuse.left = steps
        try:
            await converge(books, one, special)
        except CutOff:
            books.fuse.left = None
            with suppress(TransientError):  # the claims are still there, unless nothing was begun or all was done
                await converge(books, one, special)
            books.clock.pass_by(minutes=8)
            await converge(books, one, special)
            assert (books.ids(), books.fo.balance()) == (["1", "2", "3"], euros("100.00")), steps
        else:
            break
    assert steps == 34  # before and after each write: the table's own row, 3 claims, 2 journals with 5 each, 3 rows


async def test_of_two_workers_on_one_order_one_books_and_the_other_waits(books):
    results = await asyncio.gather(*(converge(books) for _ in range(4)), return_exceptions=True)
    waiting = [each for each in results if isinstance(each, TransientError)]
    assert len(waiting) == 3
    assert all(type(each) is TransientError for each in waiting)
    assert (books.ids(), books.fo.balance()) == (["1", "2"], euros("100.00"))
    assert (await converge(books)).note == "F&O has all money that moved"


async def test_two_workers_with_different_states_book_every_transaction_once(books):
    early = state(transaction(1, "30.00"))
    for _ in range(3):
        await asyncio.gather(converge(books, early), converge(books), return_exceptions=True)
    assert (books.ids(), books.fo.balance()) == (["1", "2"], euros("100.00"))


async def test_many_orders_share_a_days_journal(books):
    orders = [
        state(transaction(100 + at), sale=order(line(price=euros("100.00")), id=7000 + at), total="100.00")
        for at in range(20)
    ]
    await converge(books)
    results = await asyncio.gather(*(converge(books, one) for one in orders), return_exceptions=True)
    assert [each for each in results if isinstance(each, BaseException)] == []
    assert {journal for _, journal, _ in books.fo.lines} == {"00001"}
    assert books.fo.balance() == euros("2100.00")


async def test_payments_go_on_in_the_next_journal_when_one_is_posted_meanwhile(books):
    await converge(books, state(transaction(1, "30.00")))
    books.fo.before_write = lambda: books.fo.post("00001")
    report = await converge(books, state(transaction(1, "30.00"), transaction(2, "70.00")))
    assert report.evidence["fo"]["transactions"]["2"] == "70.00 EUR in journal 00002, lines 1"
    assert books.ids() == ["1", "2"]
