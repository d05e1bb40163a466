"""Customers in the F&O simulator."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fixtures.d365_sim import Client, running_f_and_o


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o() as client:
        yield client


async def create(d365: Client, **fields: Any) -> Any:
    body = {
        "dataAreaId": "web",
        "PartyType": "Person",
        "PersonFirstName": "Ada",
        "PersonLastName": "Lovelace",
        "CustomerGroupId": "30",
        "SalesCurrencyCode": "USD",
        **fields,
    }
    return await d365.data("POST", "CustomersV3", body)


async def test_a_person_is_created_under_our_account_and_orders_carry_the_name(d365: Client) -> None:
    customer = (await create(d365, CustomerAccount="SHP-7654321")).json
    assert (customer["CustomerAccount"], customer["NameAlias"]) == ("SHP-7654321", "Ada Lovelace")
    assert customer["PartyNumber"].isdecimal()
    number = await d365.order(OrderingCustomerAccountNumber="SHP-7654321")
    header = await d365.header(number)
    assert (header["SalesOrderName"], header["DeliveryAddressName"]) == ("Ada Lovelace", "Ada Lovelace")


async def test_the_address_brings_its_iso_code(d365: Client) -> None:
    customer = (await create(d365, AddressDescription="Home", AddressCountryRegionId="USA", AddressState="WA")).json
    assert customer["AddressCountryRegionISOCode"] == "US"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"SalesCurrencyCode": ""}, "Field 'Currency' must be filled in."),
        ({"CustomerGroupId": ""}, "Field 'Customer group' must be filled in."),
        ({"PersonLastName": ""}, "Field 'Last name' must be filled in."),
        ({"PartyType": "Organization"}, "Field 'Name' must be filled in."),
        ({"PartyType": "Robot"}, "'Robot' is no party type"),
        ({"AddressDescription": "Home"}, "Field 'Country/region' must be filled in."),
        ({"AddressCountryRegionId": "US"}, "'US' in field 'Country/region' is not found"),
        ({"AddressCountryRegionId": "USA", "AddressState": "XX"}, "'XX' in field 'State' is not found"),
        ({"SalesTaxGroup": "X"}, "'X' in field 'Sales tax group' is not found"),
        ({"InvoiceAccount": "X"}, "'X' in field 'Invoice account' is not found"),
        ({"PersonFirstName": "x" * 26}, "25 are allowed"),
        ({"dataAreaId": "dat", "CustomerAccount": "MINE"}, "does not allow manual numbers"),
    ],
)
async def test_a_customer_that_breaks_a_rule_is_refused_with_the_reason(
    d365: Client,
    fields: dict[str, Any],
    reason: str,
) -> None:
    refused = await create(d365, **fields)
    assert refused.status == 400
    assert reason in refused.infolog


async def test_an_account_is_given_once(d365: Client) -> None:
    await create(d365, CustomerAccount="SHP-1")
    refused = await create(d365, CustomerAccount="SHP-1")
    assert refused.infolog.endswith("The record already exists..")


async def test_an_account_that_the_sequence_replaces_is_not_that_of_the_customer(d365: Client) -> None:
    changed = {"company": "web", "sequence": "customers", "kind": "replaced", "next": 53}
    assert (await d365.admin("POST", "number-sequences", changed)).status == 200
    assert (await create(d365, CustomerAccount="SHP-1")).json["CustomerAccount"] == "WEB-000053"
