"""Lines find their open journal and a line number of their own, whoever else is at it and wherever it breaks off."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from shared.d365.payment_journals import JournalDraft
from shared.errors import OutcomeUnknownError, RefusedError, TransientError
from tests.builders.payments import Books, CutOff

DRAFT = JournalDraft(company="nleu", name="SHOPPAY", description="shopify nordlys 2026-11-23 EUR")
LOOK, OPEN, WRITE = "GET CustomerPaymentJournalHeaders", "POST CustomerPaymentJournalHeaders", "change set"
LINES = "GET CustomerPaymentJournalLines"


@pytest.fixture
def books() -> Books:
    return Books()


def a_line(number: int = 1, **changes):
    return {
        "AccountType": "Cust",
        "AccountDisplayValue": "C1",
        "CreditAmount": Decimal("10.00"),
        "CurrencyCode": "EUR",
        "TransactionDate": "2026-11-23T12:00:00Z",
        "OffsetAccountType": "Bank",
        "OffsetAccountDisplayValue": "B",
        "PaymentMethodName": "M",
        "PaymentReference": "SN1",
        "PaymentId": str(number),
    } | changes


def journals_of(books: Books) -> dict[str, str]:
    return {number: row["Description"] for (_, number), row in books.fo.headers.items()}


def numbers_of(books: Books, journal: str) -> list[int]:
    return sorted(int(number) for _, batch, number in books.fo.lines if batch == journal)


async def test_the_first_line_of_a_day_opens_its_journal_and_later_ones_cost_one_call(books):
    journals = books.journals()
    slot = await journals.book(DRAFT, [a_line(1), a_line(2)])
    assert (slot.journal, slot.lines) == ("00001", (1, 2))
    assert books.fo.calls == [LOOK, OPEN, WRITE]
    books.fo.calls.clear()
    assert (await journals.book(DRAFT, [a_line(3)])).lines == (3,)
    assert (await books.journals().book(DRAFT, [a_line(4)])).lines == (4,)
    assert books.fo.calls == [WRITE, WRITE]
    assert journals_of(books) == {"00001": DRAFT.description}


async def test_each_company_name_and_description_has_a_journal_of_its_own(books):
    journals = books.journals()
    drafts = [
        DRAFT,
        JournalDraft(company="nldk", name=DRAFT.name, description=DRAFT.description),
        JournalDraft(company="nleu", name="CASH", description=DRAFT.description),
        JournalDraft(company="nleu", name=DRAFT.name, description="shopify nordlys 2026-11-24 EUR"),
    ]
    slots = [await journals.book(draft, [a_line(at)]) for at, draft in enumerate(drafts)]
    assert len({slot.journal for slot in slots}) == 4
    assert [slot.lines for slot in slots] == [(1,)] * 4


async def test_a_posted_journal_is_followed_by_a_next_one(books):
    journals = books.journals()
    await journals.book(DRAFT, [a_line(1)])
    books.fo.post("00001")
    slot = await journals.book(DRAFT, [a_line(2)])
    assert (slot.journal, slot.lines) == ("00002", (1,))
    assert journals_of(books)["00002"] == f"{DRAFT.description} 2"
    books.fo.post("00002")
    assert (await journals.book(DRAFT, [a_line(3)])).journal == "00003"


async def test_a_journal_posted_between_reserving_and_writing_is_followed_by_a_next_one(books):
    journals = books.journals()
    await journals.book(DRAFT, [a_line(1)])
    books.fo.before_write = lambda: books.fo.post("00001")
    assert (await journals.book(DRAFT, [a_line(2)])).journal == "00002"
    assert books.ids() == ["1", "2"]


async def test_a_deleted_journal_is_opened_again_under_its_description(books):
    journals = books.journals()
    await journals.book(DRAFT, [a_line(1)])
    books.fo.headers.clear()
    books.fo.headers["nleu", "09999"] = {"Description": "", "JournalName": "", "dataAreaId": "nleu", "IsPosted": "No"}
    slot = await journals.book(DRAFT, [a_line(2)])
    assert journals_of(books)[slot.journal] == DRAFT.description


async def test_a_journal_that_is_open_in_f_and_o_is_used_when_ours_forgot_it(books):
    await books.journals().book(DRAFT, [a_line(1), a_line(2)])
    books.table.rows.clear()
    books.fo.calls.clear()
    assert (await books.journals().book(DRAFT, [a_line(3)])).lines == (3,)
    assert books.fo.calls == [LOOK, LINES, WRITE]


async def test_posted_journals_of_the_day_are_passed_over_when_ours_forgot_them(books):
    journals = books.journals()
    for number in (1, 2):
        slot = await journals.book(DRAFT, [a_line(number)])
        books.fo.post(slot.journal)
    books.table.rows.clear()
    books.fo.calls.clear()
    slot = await journals.book(DRAFT, [a_line(3)])
    assert journals_of(books)[slot.journal] == f"{DRAFT.description} 3"
    assert books.fo.calls == [LOOK, LOOK, LOOK, OPEN, WRITE]


async def test_a_journal_whose_description_only_resembles_ours_is_not_used(books):
    theirs = {"dataAreaId": "nleu", "JournalBatchNumber": "00001", "JournalName": "SHOPPAY", "IsPosted": "No"}
    books.fo.headers["nleu", "00001"] = theirs | {"Description": DRAFT.description.upper()}
    assert (await books.journals().book(DRAFT, [a_line(1)])).journal == "00002"


async def test_line_numbers_that_a_person_used_are_passed_over(books):
    journals = books.journals()
    await journals.book(DRAFT, [a_line(1)])
    by_hand = a_line(99) | {"dataAreaId": "nleu", "JournalBatchNumber": "00001", "DebitAmount": Decimal(0)}
    for number in (3, 7):
        books.fo.lines["nleu", "00001", Decimal(number)] = by_hand | {"LineNumber": Decimal(number)}
    books.fo.calls.clear()
    slot = await journals.book(DRAFT, [a_line(2), a_line(3)])
    assert slot.lines == (8, 9)
    assert numbers_of(books, "00001") == [1, 3, 7, 8, 9]
    assert books.fo.calls.count(WRITE) == 2, "the numbers after the last used one are tried at once"


async def test_lines_are_written_all_or_none(books):
    with pytest.raises(RefusedError, match="Method of payment"):
        await books.journals().book(DRAFT, [a_line(1), a_line(2, PaymentMethodName="UNKNOWN")])
    assert books.fo.lines == {}


async def test_a_refusal_that_the_journal_does_not_explain_is_raised_at_once(books):
    journals = books.journals()
    await journals.book(DRAFT, [a_line(1)])

    async def another_worker_writes_later_lines():
        await journals.book(DRAFT, [a_line(5)])

    books.fo.calls.clear()
    with pytest.raises(RefusedError, match="Method of payment"):
        await asyncio.gather(
            journals.book(DRAFT, [a_line(2, PaymentMethodName="UNKNOWN")]), another_worker_writes_later_lines()
        )
    assert books.fo.calls.count(WRITE) == 2
    assert books.ids() == ["1", "5"]


async def test_a_refused_journal_is_raised_and_tried_again_by_the_next_call(books):
    refused = RefusedError("FO_REJECTED", what="POST", infolog="Journal name SHOPPAY is not found.")

    async def refuse(entity_set, record):
        raise refused

    journals = books.journals()
    create, books.fo.create = books.fo.create, refuse
    with pytest.raises(RefusedError, match="SHOPPAY is not found"):
        await journals.book(DRAFT, [a_line(1)])
    books.fo.create = create
    assert (await books.journals().book(DRAFT, [a_line(1)])).lines == (1,)


@pytest.mark.parametrize("after_commit", [True, False])
async def test_a_lost_answer_to_opening_leaves_one_journal(books, after_commit):
    books.fo.losses = {OPEN: [after_commit]}
    with pytest.raises(OutcomeUnknownError):
        await books.journals().book(DRAFT, [a_line(1)])
    if not after_commit:
        with pytest.raises(TransientError, match="another instance opens") as waiting:
            await books.journals().book(DRAFT, [a_line(1)])
        assert waiting.value.retry_after == timedelta(seconds=2)
        books.clock.pass_by(minutes=3, seconds=59)
        with pytest.raises(TransientError, match="another instance opens") as waiting:
            await books.journals().book(DRAFT, [a_line(1)])
        assert waiting.value.retry_after == timedelta(seconds=1)
    books.clock.pass_by(seconds=30)
    assert (await books.journals().book(DRAFT, [a_line(1)])).lines == (1,)
    assert list(journals_of(books).values()) == [DRAFT.description]


async def test_a_lost_answer_to_the_lines_is_an_unknown_outcome_for_the_caller(books):
    books.fo.losses = {WRITE: [True]}
    with pytest.raises(OutcomeUnknownError):
        await books.journals().book(DRAFT, [a_line(1)])
    (row,) = await books.journals().find("nleu", ["1", "1-X"], ["00001"])
    assert row["PaymentId"] == "1"


async def test_an_attempt_interrupted_anywhere_leaves_one_journal_for_the_next(books):
    for steps in range(100):
        books = Books()
        books.fuse.left = steps
        try:
            await books.journals().book(DRAFT, [a_line(1)])
        except CutOff:
            books.fuse.left = None
            books.clock.pass_by(minutes=5)
            await books.journals().book(DRAFT, [a_line(2)])
            assert "2" in books.ids(), steps
            assert list(journals_of(books).values()) == [DRAFT.description], steps
        else:
            break
    assert steps == 10  # before and after each of: claim to open, create, remember, reserve, write


async def test_two_instances_that_open_the_same_journal_end_up_in_one(books):
    instances = [books.journals() for _ in range(4)]
    results = await asyncio.gather(
        *(journals.book(DRAFT, [a_line(at)]) for at, journals in enumerate(instances)), return_exceptions=True
    )
    late = [at for at, result in enumerate(results) if isinstance(result, TransientError)]
    assert len(late) < len(instances)
    for at in late:
        await instances[at].book(DRAFT, [a_line(at)])
    assert list(journals_of(books)) == ["00001"]
    assert (books.ids(), numbers_of(books, "00001")) == (["0", "1", "2", "3"], [1, 2, 3, 4])


async def test_many_workers_of_several_instances_each_have_lines_of_their_own(books):
    instances = [books.journals() for _ in range(3)]
    await instances[0].book(DRAFT, [a_line(100)])
    slots = await asyncio.gather(
        *(instances[at % 3].book(DRAFT, [a_line(2 * at), a_line(2 * at + 1)]) for at in range(12))
    )
    taken = [number for slot in slots for number in slot.lines]
    assert len(set(taken)) == 24
    assert len(books.fo.lines) == 25


async def test_a_payment_id_is_found_exactly(books):
    await books.journals().book(DRAFT, [a_line(1, PaymentId="7-x"), a_line(2, PaymentId="7-X"), a_line(77)])
    for found in (
        await books.journals().find("nleu", ["7-X", "7"], ["00001", "00002"]),
        await books.journals().search("nleu", ["7-X", "7"]),
    ):
        assert [row["PaymentId"] for row in found] == ["7-X"]
    assert await books.journals().find("nleu", ["77"], ["00002"]) == []
    assert await books.journals().search("usmf", ["77"]) == []


async def test_an_orders_lines_are_found_also_if_staff_wrote_them(books):
    await books.journals().book(
        DRAFT, [a_line(1), a_line(2, PaymentReference="SN2"), a_line(3, PaymentReference="sn1")]
    )
    journals = books.journals()
    assert [row["PaymentId"] for row in await journals.of_order("nleu", "SN1", ["00001"])] == ["1"]
    assert books.fo.scans == 0
    assert [row["PaymentId"] for row in await journals.search_order("nleu", "SN1")] == ["1"]
    assert await journals.of_order("nleu", "SN1", ["00002"]) == []


async def test_the_journals_of_a_day_are_known_also_when_ours_forgot_them(books):
    journals = books.journals()
    assert await journals.numbers(DRAFT) == []
    for number in (1, 2, 3):
        slot = await journals.book(DRAFT, [a_line(number)])
        assert await journals.numbers(DRAFT) == ["00001", "00002", "00003"][:number]
        if number < 3:
            books.fo.post(slot.journal)
    books.fo.calls.clear()
    assert await journals.numbers(DRAFT) == ["00001", "00002", "00003"]
    assert books.fo.calls == [LOOK]
    books.table.rows.clear()
    assert await journals.numbers(DRAFT) == ["00001", "00002", "00003"]


async def test_a_journal_in_use_takes_lines_later(books):
    journals = books.journals()
    await journals.book(DRAFT, [a_line(1)])
    books.fo.in_use = {"00001"}
    with pytest.raises(TransientError, match="payment journal 00001 is in use in F&O") as waiting:
        await journals.book(DRAFT, [a_line(2)])
    assert type(waiting.value) is TransientError
    books.fo.in_use.clear()
    assert (await journals.book(DRAFT, [a_line(2)])).journal == "00001"
    assert books.ids() == ["1", "2"]
