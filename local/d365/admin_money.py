"""`/_sim`: what F&O's bookkeepers do with journals, returns and free text invoices, and what customers owe."""

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from local.d365 import edm
from local.d365.admin_http import bad_request, body_of, json_answer, number_of
from local.d365.books import folded
from local.d365.edm import Value
from local.d365.free_text import HEADERS as FREE_TEXT
from local.d365.free_text_posting import post_free_text
from local.d365.journal_posting import post_journal
from local.d365.journals import JOURNALS, journal_lines
from local.d365.ledger import TRANSACTIONS, PostingError, open_amount
from local.d365.return_posting import Arrival, ReturnPosting
from local.d365.return_tables import HEADERS as RETURNS
from local.d365.return_tables import return_lines
from local.d365.settlement import settle_order, transactions_of
from local.d365.simulator import Simulator
from local.d365.tables import Row


class MoneyAdmin:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_sim/journals", self.journals),
            web.post("/_sim/journals/{company}/{number}/post", self.post_journal),
            web.post("/_sim/journals/{company}/{number}/use", self.use_journal),
            web.delete("/_sim/journals/{company}/{number}/use", self.use_journal),
            web.post("/_sim/returns/{company}/{number}/{action}", self.post_return),
            web.post("/_sim/free-text-invoices/{company}/{identifier}/post", self.post_free_text),
            web.get("/_sim/transactions", self.transactions),
            web.post("/_sim/orders/{company}/{number}/settle", self.settle),
        ]

    async def journals(self, request: web.Request) -> web.Response:
        """`?company=`: the customer payment journals with their lines."""
        company, books = request.query.get("company"), self._simulator.books
        return json_answer(
            [
                {
                    **_picked(journal, _JOURNAL_FIELDS),
                    "lines": [_picked(line, _LINE_FIELDS) for line in journal_lines(books, journal.values)],
                }
                for journal in books.rows(JOURNALS)
                if company in (None, journal.values["dataAreaId"])
            ],
        )

    async def post_journal(self, request: web.Request) -> web.Response:
        company, number = request.match_info["company"], request.match_info["number"]
        books = self._simulator.books
        journal = books.find(JOURNALS, company, number)
        if journal is None:
            return _missing(company, f"payment journal {number}")
        try:
            return json_answer({"transactions": _shown(post_journal(books, journal))})
        except PostingError as error:
            return json_answer({"error": str(error)}, 409)

    async def use_journal(self, request: web.Request) -> web.Response:
        """POST: a user opens its lines, or its posting begins; DELETE: it is free again."""
        company, number = request.match_info["company"], request.match_info["number"]
        books = self._simulator.books
        if books.find(JOURNALS, company, number) is None:
            return _missing(company, f"payment journal {number}")
        change = books.journals_in_use.add if request.method == "POST" else books.journals_in_use.discard
        change(folded((company, number)))
        return json_answer({})

    async def post_return(self, request: web.Request) -> web.Response:
        """
        `receive` (`{"lines"?: [{"lot", "quantity", "disposition"?}]}`; without lines, all that is awaited), `invoice`
        or `cancel`. Lots are those of the return's own lines.
        """
        company, number, action = (request.match_info[name] for name in ("company", "number", "action"))
        books, answer = self._simulator.books, dict[str, Any]()
        order = books.find(RETURNS, company, number)
        if order is None:
            return _missing(company, f"return order {number}")
        raw, posting = await body_of(request), ReturnPosting(books)
        try:
            match action:
                case "receive":
                    posting.receive(order, _arrivals(raw))
                case "invoice":
                    answer["invoice"] = posting.invoice(order)
                case "cancel":
                    posting.cancel(order)
                case _:
                    return json_answer({"error": f"there is no action {action}"}, 404)
        except PostingError as error:
            return json_answer({"error": str(error)}, 409)
        now = books.find(RETURNS, company, number)
        assert now is not None
        lines = [_picked(line, _RETURN_LINE_FIELDS) for line in return_lines(books, now)]
        return json_answer(answer | _picked(now, _RETURN_FIELDS) | {"lines": lines})

    async def post_free_text(self, request: web.Request) -> web.Response:
        company, identifier = request.match_info["company"], request.match_info["identifier"]
        books = self._simulator.books
        invoice = books.find(FREE_TEXT, company, int(number_of(identifier)))
        if invoice is None:
            return _missing(company, f"free text invoice {identifier}")
        try:
            (transaction,) = _shown([post_free_text(books, invoice)])
        except PostingError as error:
            return json_answer({"error": str(error)}, 409)
        return json_answer({"invoice": transaction["invoice"], "transaction": transaction})

    async def transactions(self, request: web.Request) -> web.Response:
        """`?company=`, `&order=` for those of one sales order: what stands on customers' accounts."""
        company, order = request.query.get("company"), request.query.get("order")
        books = self._simulator.books
        if order is None:
            found = [row for row in books.rows(TRANSACTIONS) if company in (None, row.values["dataAreaId"])]
            return json_answer(_shown(found))
        if company is None:
            raise bad_request("an order is looked for in a company")
        return json_answer(_shown(transactions_of(books, company, order)))

    async def settle(self, request: web.Request) -> web.Response:
        company, number = request.match_info["company"], request.match_info["number"]
        books = self._simulator.books
        settled = settle_order(books, company, number)
        return json_answer({"settled": settled, "transactions": _shown(transactions_of(books, company, number))})


_JOURNAL_FIELDS = {
    "company": "dataAreaId",
    "number": "JournalBatchNumber",
    "name": "JournalName",
    "description": "Description",
    "posted": "IsPosted",
}
_LINE_FIELDS = {
    "line": "LineNumber",
    "account": "AccountDisplayValue",
    "debit": "DebitAmount",
    "credit": "CreditAmount",
    "currency": "CurrencyCode",
    "method": "PaymentMethodName",
    "offset_type": "OffsetAccountType",
    "offset_account": "OffsetAccountDisplayValue",
    "reference": "PaymentReference",
    "payment_id": "PaymentId",
    "date": "TransactionDate",
}
_RETURN_FIELDS = {
    "company": "dataAreaId",
    "number": "ReturnOrderNumber",
    "rma": "RMANumber",
    "status": "ReturnStatus",
    "sales_status": "ReturnOrderStatus",
}
_RETURN_LINE_FIELDS = {
    "lot": "ReturnInventoryLotId",
    "returned_lot": "ReturningInventoryLotId",
    "item": "ItemNumber",
    "quantity": "ReturnSalesQuantity",
    "received": "ReturnedSalesQuantity",
    "disposition": "ReturnDispositionCode",
    "amount": "LineAmount",
    "status": "ReturnStatus",
}
_TRANSACTION_FIELDS = {
    "company": "dataAreaId",
    "account": "AccountNum",
    "type": "TransType",
    "invoice": "Invoice",
    "voucher": "Voucher",
    "reference": "PaymReference",
    "payment_id": "PaymId",
    "amount": "AmountCur",
    "currency": "CurrencyCode",
    "date": "TransDate",
}


def _picked(row: Row, fields: dict[str, str]) -> dict[str, Value]:
    return {name: row.values[field] for name, field in fields.items()}


def _shown(transactions: Iterable[Row]) -> list[dict[str, Any]]:
    return [
        _picked(row, _TRANSACTION_FIELDS) | {"open": open_amount(row), "closed": row.values["Closed"] != edm.NO_DATE}
        for row in transactions
    ]


def _arrivals(raw: dict[str, Any]) -> dict[str, Arrival]:
    lines = raw.get("lines", [])
    if not isinstance(lines, list) or not all(isinstance(line, dict) and "lot" in line for line in lines):
        raise bad_request('lines is a list of {"lot", "quantity"}')
    return {
        str(line["lot"]): Arrival(number_of(line.get("quantity")), str(line.get("disposition", ""))) for line in lines
    }


def _missing(company: str, what: str) -> web.Response:
    return json_answer({"error": f"company {company} has no {what}"}, 404)
