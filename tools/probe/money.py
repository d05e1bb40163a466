"""What F&O does with customers, payment journals, returns and free text invoices."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Final

from shared.d365.entities import (
    CUSTOMERS,
    INVOICE_LINES,
    INVOICES,
    PAYMENT_JOURNALS,
    PAYMENT_LINES,
    RETURN_LINES,
    RETURN_ORDERS,
)
from shared.d365.odata.batch import Operation
from shared.d365.odata.filters import eq
from shared.errors import RefusedError
from shared.mapping.payments.plan import escaped
from shared.model.fo_order import FoRow
from shared.rules import PaymentRules
from shared.rules.sections.refunds import RefundAccount
from tools.probe.sandbox import Sandbox, Task

_RETURN_PRICE: Final = Decimal(20)


async def own_account(sandbox: Sandbox) -> None:
    """Call 4: a customer under an account of ours; without it, if that is refused."""
    account = f"PROBE{sandbox.run}"
    record: FoRow = {
        "dataAreaId": sandbox.company,
        "PartyType": "Person",
        "PersonFirstName": "Probe",
        "PersonLastName": sandbox.run,
        "CustomerGroupId": sandbox.rules.customers.group,
        "SalesCurrencyCode": sandbox.rules.currencies[0],
        "LanguageId": sandbox.rules.customers.language,
    }
    if sandbox.rules.customers.group is None:
        sandbox.unanswered("customer_account", "the store creates no customers (customers.group)")
        return
    created = await sandbox.attempt(sandbox.fo.create(CUSTOMERS, record | {"CustomerAccount": account}))
    if not isinstance(created, RefusedError):
        drawn = created["CustomerAccount"]
        sandbox.keep(CUSTOMERS, CustomerAccount=drawn)
        value = "kept" if drawn == account else "replaced"
        sandbox.answer("customer_account", value, f"the customer sent as {account} is {drawn}")
        return
    control = await sandbox.attempt(sandbox.fo.create(CUSTOMERS, record))
    if isinstance(control, RefusedError):
        sandbox.unanswered("customer_account", f"F&O takes no customer of this group at all: {control}")
        return
    sandbox.keep(CUSTOMERS, CustomerAccount=control["CustomerAccount"])
    sandbox.answer("customer_account", "refused", str(created))


async def journal(sandbox: Sandbox) -> None:
    """Call 12: lines into a journal that a user has open; then the batch job."""
    payments = sandbox.rules.payments
    if payments is None:
        sandbox.unanswered("journal_lines", "the store books no payments ([payments])")
        return
    header = await sandbox.attempt(
        sandbox.fo.create(
            PAYMENT_JOURNALS,
            {"dataAreaId": sandbox.company, "JournalName": payments.journal, "Description": f"probe {sandbox.run}"},
        )
    )
    if isinstance(header, RefusedError):
        sandbox.unanswered("journal_lines", f"F&O takes no journal {payments.journal}: {header}")
        return
    number: str = header["JournalBatchNumber"]
    sandbox.keep(PAYMENT_JOURNALS, JournalBatchNumber=number)
    written = await sandbox.attempt(
        sandbox.fo.change_set([_payment(sandbox, payments, number, line) for line in (1, 2)])
    )
    if isinstance(written, RefusedError):
        sandbox.unanswered("journal_lines", f"F&O takes no lines: {written}")
        return
    if not await sandbox.person.does(Task.OPEN_JOURNAL, number):
        sandbox.unanswered("journal_lines", "nobody opened the journal")
    else:
        third = await sandbox.attempt(sandbox.fo.change_set([_payment(sandbox, payments, number, 3)]))
        if isinstance(third, RefusedError):
            sandbox.answer("journal_lines", "in_use", str(third))
        else:
            sandbox.answer("journal_lines", "taken", f"journal {number} took a line while it was open")
    if await sandbox.person.does(Task.POST_JOURNAL, number):
        row = await sandbox.read(PAYMENT_JOURNALS, sandbox.key(JournalBatchNumber=number))
        did = "posted" if row["IsPosted"] == "Yes" else "did NOT post"
        sandbox.say(f"  the batch job Post journals {did} {number}")


def _payment(sandbox: Sandbox, payments: PaymentRules, journal_number: str, line: int) -> Operation:
    method, delimiter = payments.methods[0], sandbox.rules.tenant.account_delimiter
    bank = method.offset_type == "bank"
    return Operation(
        "POST",
        PAYMENT_LINES,
        body={
            "dataAreaId": sandbox.company,
            "JournalBatchNumber": journal_number,
            "LineNumber": Decimal(line),
            "AccountType": "Cust",
            "AccountDisplayValue": escaped(sandbox.customer, delimiter),
            "CurrencyCode": sandbox.rules.currencies[0],
            "CreditAmount": Decimal(1),
            "PaymentMethodName": method.method,
            "PaymentId": f"probe-{sandbox.run}-{line}",
            "OffsetAccountType": "Bank" if bank else "Ledger",
            "OffsetAccountDisplayValue": escaped(method.offset_account, delimiter) if bank else method.offset_account,
        },
    )


async def payment_search(sandbox: Sandbox) -> None:
    """Call 13: seconds of a search that no index helps."""
    started = time.monotonic()
    await sandbox.fo.query(
        PAYMENT_LINES,
        company=sandbox.company,
        where=eq("PaymentId", f"probe-{sandbox.run}-none"),
        select=("PaymentId",),
    )
    seconds = round(time.monotonic() - started)
    sandbox.answer("payment_search_seconds", seconds, "means something only on a copy of production's data")


async def returned(sandbox: Sandbox, lot: str) -> None:
    """Call 14: a return of a line that was sold at 30.00, at another price."""
    refunds = sandbox.rules.refunds
    if refunds is None or refunds.reason_code is None:
        sandbox.unanswered("return_price", "the store books no return orders ([refunds])")
        return
    warehouse = sandbox.rules.warehouses[0]
    header = await sandbox.attempt(
        sandbox.fo.create(
            RETURN_ORDERS,
            {
                "dataAreaId": sandbox.company,
                "CustomerAccountNumber": sandbox.customer,
                "InvoiceCustomerAccountNumber": sandbox.customer,
                "CurrencyCode": sandbox.rules.currencies[0],
                "CustomersOrderReference": f"probe-{sandbox.run}-return",
                "CustomerReturnReasonCode": refunds.reason_code,
                "DefaultReturnSiteId": warehouse.site,
                "DefaultReturnWarehouseId": warehouse.id,
            },
        )
    )
    if isinstance(header, RefusedError):
        sandbox.unanswered("return_price", f"F&O takes no return order: {header}")
        return
    number: str = header["ReturnOrderNumber"]
    sandbox.keep(RETURN_ORDERS, ReturnOrderNumber=number)
    sandbox.say(f"  return order {number} has the RMA number “{header.get('RMANumber', '')}”")
    line = await sandbox.attempt(
        sandbox.fo.create(
            RETURN_LINES,
            {
                "dataAreaId": sandbox.company,
                "ReturnOrderNumber": number,
                **sandbox.product,
                "ReturnSalesQuantity": Decimal(-1),
                "SalesPrice": _RETURN_PRICE,
                "ReturningInventoryLotId": lot,
                "ReturnSiteId": warehouse.site,
                "ReturnWarehouseId": warehouse.id,
            },
        )
    )
    if isinstance(line, RefusedError):
        sandbox.unanswered("return_price", f"F&O takes no return line: {line}")
        return
    value = "given" if line["LineAmount"] == -_RETURN_PRICE else "copied"
    sandbox.answer("return_price", value, f"sold at 30.00, sent at 20.00, the line is worth {line['LineAmount']}")


async def invoice_account(sandbox: Sandbox) -> None:
    """Call 15: a main account combined with dimensions on a free text invoice."""
    combined = _combined(sandbox)
    if combined is None:
        sandbox.unanswered("invoice_account", "no account of [refunds.accounts] has dimensions")
        return
    header = await sandbox.attempt(
        sandbox.fo.create(
            INVOICES,
            {
                "dataAreaId": sandbox.company,
                "CustomerAccount": sandbox.customer,
                "CurrencyCode": sandbox.rules.currencies[0],
                "CustomerReference": f"probe-{sandbox.run}",
            },
        )
    )
    if isinstance(header, RefusedError):
        sandbox.unanswered("invoice_account", f"F&O takes no free text invoice: {header}")
        return
    identifier: int = header["InvoiceIdentifier"]
    sandbox.keep(INVOICES, InvoiceIdentifier=identifier)
    refusals = []
    main_account = combined.partition(sandbox.rules.tenant.account_delimiter)[0]
    for line, (value, account) in enumerate((("combined", combined), ("main_only", main_account)), 1):
        written = await sandbox.attempt(_credit(sandbox, identifier, line, account))
        if not isinstance(written, RefusedError):
            sandbox.answer("invoice_account", value, f"free text invoice {identifier} took {account}")
            return
        refusals.append(str(written))
    sandbox.unanswered("invoice_account", " ".join(refusals))


async def _credit(sandbox: Sandbox, identifier: int, line: int, account: str) -> FoRow:
    return await sandbox.fo.create(
        INVOICE_LINES,
        {
            "dataAreaId": sandbox.company,
            "ParentRecId": identifier,
            "LineNumber": Decimal(line),
            "Description": "Probe",
            "MainAccountDisplayValue": account,
            "Quantity": Decimal(1),
            "UnitPrice": Decimal(-1),
            "TransactionCurrencyAmount": Decimal(-1),
        },
    )


def _combined(sandbox: Sandbox) -> str | None:
    if sandbox.rules.refunds is None:
        return None
    accounts = sandbox.rules.refunds.accounts
    values = (getattr(accounts, name) for name in type(accounts).model_fields)
    found = (value.main_account for value in values if isinstance(value, RefundAccount))
    return next((account for account in found if sandbox.rules.tenant.account_delimiter in account), None)
