"""The example stores name journals, accounts, tax groups and codes: the example F&O has every one of them."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from azure.identity.aio import ManagedIdentityCredential
from builders.sales import LOCAL

from local.d365 import Simulator, load_world, run_d365
from shared.d365.odata.client import ODataClient
from shared.d365.tax import TaxSetups
from shared.mapping.taxes.fo_tax import FoTax, Taxed
from shared.model import Money
from shared.rules import StoreRules, load_stores
from tests.builders.local_slots import LocalSlots

STORES = load_stores(Path("config/stores"), LOCAL)


class NoBreaker:
    async def before(self) -> None:
        pass

    async def success(self) -> None:
        pass

    async def failure(self, wait: object = None) -> None:
        pass


@pytest.fixture
async def fo(wire: None) -> AsyncIterator[Simulator]:
    async with run_d365(load_world(Path("local/world.toml"))) as simulator:
        yield simulator


@pytest.fixture
async def client(fo: Simulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ODataClient]:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{fo.base_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", fo.options.identity_header)
    async with ManagedIdentityCredential(client_id=fo.options.client_id) as identity:
        found = ODataClient(
            fo.base_url, identity, slots=LocalSlots(4), timeout=5, breaker=NoBreaker(), on_call=lambda call: None
        )
        yield found
        await found.aclose()


@pytest.mark.parametrize("store", STORES)
async def test_f_and_os_tax_codes_come_to_the_rates_that_a_stores_rules_claim(client: ODataClient, store: str) -> None:
    rules = STORES[store]
    setup = await TaxSetups(client).of(rules.company)
    currency = rules.currencies[0]
    tax = FoTax(setup, day=date(2026, 7, 30), currency=currency, method="line", store=store)
    claimed = {(rule.sales_tax_group, rule.item_tax_group): set(rule.rates) for rule in rules.taxes}
    for (group, item_group), rates in claimed.items():
        (codes,) = tax.of([Taxed(Money(Decimal(10_000), currency), group, item_group)], included=False)
        assert {sum((code.rate for code in codes), Decimal(0))} == rates, (group, item_group)


@pytest.mark.parametrize("store", STORES)
async def test_every_way_to_pay_can_be_written_into_a_journal(client: ODataClient, store: str) -> None:
    rules = STORES[store]
    assert rules.payments is not None
    account = await _buyer(client, rules)
    journal = await client.create(
        "CustomerPaymentJournalHeaders", {"dataAreaId": rules.company, "JournalName": rules.payments.journal}
    )
    offsets = [
        {
            "PaymentMethodName": method.method,
            "OffsetAccountType": method.offset_type.capitalize(),
            "OffsetAccountDisplayValue": method.offset_account.replace("-", r"\-")
            if method.offset_type == "bank"
            else method.offset_account,
            "PostingProfile": method.posting_profile or "GEN",
        }
        for method in rules.payments.methods
    ] + [
        {"OffsetAccountType": "Ledger", "OffsetAccountDisplayValue": other}
        for other in (rules.payments.exchange_account, rules.payments.rounding_account)
        if other is not None
    ]
    for number, offset in enumerate(offsets, start=1):
        written = await client.create(
            "CustomerPaymentJournalLines",
            {
                "dataAreaId": rules.company,
                "JournalBatchNumber": journal["JournalBatchNumber"],
                "LineNumber": Decimal(number),
                "AccountType": "Cust",
                "AccountDisplayValue": account.replace("-", r"\-"),
                "CreditAmount": Decimal(1),
                "CurrencyCode": rules.currencies[0],
                **offset,
            },
        )
        assert written["Voucher"]


@pytest.mark.parametrize("store", STORES)
async def test_every_way_to_credit_can_be_written_into_a_document(client: ODataClient, store: str) -> None:
    rules = STORES[store]
    refunds = rules.refunds
    assert refunds is not None
    account = await _buyer(client, rules)
    await client.create(
        "ReturnOrderHeadersV2",
        {
            "dataAreaId": rules.company,
            "CustomerAccountNumber": account,
            "CustomerReturnReasonCode": refunds.reason_code or "",
        },
    )
    disposition = {"dataAreaId": rules.company, "DispositionCode": refunds.disposition or ""}
    assert refunds.disposition is None or await client.get("ReturnDispositionCodes", disposition) is not None
    invoice = await client.create("FreeTextInvoiceHeaders", {"dataAreaId": rules.company, "CustomerAccount": account})
    accounts = [each for _, each in refunds.accounts if each is not None]
    for number, each in enumerate(accounts, start=1):
        written = await client.create(
            "FreeTextInvoiceLines",
            {
                "dataAreaId": rules.company,
                "ParentRecId": invoice["InvoiceIdentifier"],
                "LineNumber": Decimal(number),
                "MainAccountDisplayValue": each.main_account,
                "SalesTaxGroupId": each.sales_tax_group or "",
                "SalesTaxItemGroupId": each.item_tax_group or "",
                "TransactionCurrencyAmount": Decimal(-1),
            },
        )
        assert written["MainAccountDisplayValue"] == each.main_account


async def _buyer(client: ODataClient, rules: StoreRules) -> str:
    """The account that the store's orders are on."""
    if rules.customers.shared_account is not None:
        return rules.customers.shared_account
    created = await client.create(
        "CustomersV3",
        {
            "dataAreaId": rules.company,
            "CustomerAccount": "C1",
            "OrganizationName": "Buyer",
            "CustomerGroupId": rules.customers.group,
            "SalesCurrencyCode": rules.currencies[0],
        },
    )
    return str(created["CustomerAccount"])
