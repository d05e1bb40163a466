import pytest
from pydantic import ValidationError

from shared.errors import RefusedError
from shared.mapping.customers import customer_identity, customer_record
from tests.builders.sales import EU, US, address, buyer, line, order, with_rules


def sale(**other):
    return order(line(), **other)


def test_a_known_customer_has_shopifys_id_behind_our_prefix():
    assert customer_identity(sale(), EU) == "C7001001001001"


def test_an_account_of_the_longest_id_fits():
    account = customer_identity(
        sale(buyer=buyer(id=820_982_911_946_154_508)), with_rules(EU, customers={"account_prefix": "NL"})
    )
    assert len(account) == 20


def test_a_guest_is_identified_by_the_email_address_in_any_spelling():
    first = customer_identity(sale(buyer=buyer(id=None, email="Ada@Example.com ")), EU)
    second = customer_identity(sale(buyer=buyer(id=None, email="ada@example.com", first_name="A.")), EU)
    other = customer_identity(sale(buyer=buyer(id=None, email="eda@example.com")), EU)
    assert first == second != other


def test_a_guests_account_fits_and_has_letters_and_digits_only():
    account = customer_identity(sale(buyer=buyer(id=None)), EU)
    assert account.startswith("CG")
    assert len(account) == 20
    assert account.isalnum()


def test_a_guest_without_email_address_is_identified_by_phone():
    by_phone = customer_identity(sale(buyer=buyer(id=None, email="")), EU)
    assert by_phone == customer_identity(sale(buyer=buyer(id=None, email="", first_name="")), EU)
    assert by_phone != customer_identity(sale(buyer=buyer(id=None)), EU)


@pytest.mark.parametrize("nobody", [None, buyer(id=None, email="", phone="")])
def test_an_order_without_buyer_is_refused_or_goes_to_the_shared_account(nobody):
    with pytest.raises(RefusedError) as refused:
        customer_identity(sale(buyer=nobody), EU)
    assert refused.value.code == "NO_BUYER"
    rules = with_rules(EU, customers={"anonymous": "shared", "shared_account": "WALK-IN"})
    assert customer_identity(sale(buyer=nobody), rules) == "WALK-IN"


def test_one_account_for_all_by_rule():
    assert customer_identity(sale(), US) == "WEB-US"
    assert customer_identity(sale(buyer=None), US) == "WEB-US"


def test_all_buyers_of_a_company_share_its_account():
    by_ada = customer_identity(sale(buyer=buyer(id=1, company="Acme", company_id=77)), EU)
    by_bob = customer_identity(sale(buyer=buyer(id=2, company="Acme", company_id=77)), EU)
    assert by_ada == by_bob == "CB77"


def test_a_person_with_everything_that_is_known():
    assert customer_record(sale(), EU, "C7001001001001") == {
        "dataAreaId": "nleu",
        "CustomerAccount": "C7001001001001",
        "KnownAs": "C7001001001001",
        "PartyType": "Person",
        "PersonFirstName": "Ada",
        "PersonLastName": "Lovelace",
        "CustomerGroupId": "WEB",
        "SalesCurrencyCode": "EUR",
        "LanguageId": "en-GB",
        "PrimaryContactEmail": "ada@example.com",
        "PrimaryContactEmailDescription": "E-mail",
        "PrimaryContactPhone": "+31201234567",
        "PrimaryContactPhoneDescription": "Phone",
        "AddressDescription": "Shopify",
        "AddressStreet": "Damrak 1\n2 hoog",
        "AddressCity": "Amsterdam",
        "AddressZipCode": "1012 LG",
        "AddressCountryRegionId": "NLD",
    }


def test_no_tax_group_is_fixed_on_a_customer():
    assert not [field for field in customer_record(sale(), EU, "C1") if "Tax" in field]


def test_a_company_is_an_organisation_unless_the_rules_want_persons():
    acme = sale(buyer=buyer(company="Acme BV"))
    assert customer_record(acme, EU, "C1")["OrganizationName"] == "Acme BV"
    persons = with_rules(EU, customers={"organization_when_company": False})
    assert customer_record(acme, persons, "C1")["PartyType"] == "Person"


def test_a_single_name_is_not_given_an_invented_second_one():
    record = customer_record(sale(buyer=buyer(first_name="Björk", last_name="")), EU, "C1")
    assert (record["PartyType"], record["OrganizationName"]) == ("Organization", "Björk")


def test_a_buyer_without_a_name_is_named_by_the_email_address():
    record = customer_record(
        sale(buyer=buyer(first_name="", last_name=""), shipping_address=None, billing_address=None), EU, "C1"
    )
    assert record["OrganizationName"] == "ada@example.com"
    assert "AddressStreet" not in record


def test_many_given_names_flow_into_the_middle_name():
    record = customer_record(sale(buyer=buyer(first_name="Maria Fernanda Guadalupe Eulalia")), EU, "C1")
    assert (record["PersonFirstName"], record["PersonMiddleName"]) == ("Maria Fernanda Guadalupe", "Eulalia")


def test_long_names_meet_in_the_middle_name_in_their_order():
    record = customer_record(
        sale(buyer=buyer(first_name="Maria", last_name="de la Vega Fernández Montenegro")), EU, "C1"
    )
    assert (record["PersonMiddleName"], record["PersonLastName"]) == ("de la", "Vega Fernández Montenegro")
    both = buyer(first_name="Maria Fernanda Guadalupe Eulalia", last_name="de Vega Fernández y Montenegro")
    record = customer_record(sale(buyer=both), EU, "C1")
    assert record["PersonMiddleName"] == "Eulalia de Vega"
    assert " ".join(record[f"Person{name}Name"] for name in ("First", "Middle", "Last")) == both.name


@pytest.mark.parametrize("name", [{"first_name": "x" * 26}, {"last_name": "x" * 26}, {"last_name": "\U0001f600" * 13}])
def test_a_name_that_a_persons_fields_cannot_hold_stays_whole_as_an_organisations(name):
    someone = buyer(**name)
    record = customer_record(sale(buyer=someone), EU, "C1")
    assert (record["PartyType"], record["OrganizationName"]) == ("Organization", someone.name)


def test_a_company_name_beyond_its_field_goes_on_above_the_street():
    name = "Gesellschaft zur Förderung " * 4 + "des Zeltens"
    record = customer_record(sale(buyer=buyer(company=name)), EU, "C1")
    assert record["AddressStreet"] == "Förderung des Zeltens\nDamrak 1\n2 hoog"
    assert f"{record['OrganizationName']} Förderung des Zeltens" == name


def test_a_company_name_beyond_its_field_and_without_an_address_is_refused_not_cut():
    nowhere = sale(buyer=buyer(company="x" * 101), billing_address=None, shipping_address=None)
    with pytest.raises(RefusedError) as refused:
        customer_record(nowhere, EU, "C1")
    assert refused.value.code == "FIELD_TOO_LONG"
    assert refused.value.details["limit"] == "100"


def test_states_go_only_to_countries_whose_states_fo_knows():
    american = sale(billing_address=address("US", "CO"))
    assert customer_record(american, EU, "C1")["AddressState"] == "CO"
    assert "AddressState" not in customer_record(sale(billing_address=address("NL", "NH")), EU, "C1")


NAMELESS = buyer(first_name="", last_name="", email="", phone="")
WITHHELD = address(name="", street="", city="", postal_code="")


def test_a_buyer_of_whom_only_an_id_is_known_is_withheld():
    erased = sale(buyer=NAMELESS, shipping_address=WITHHELD, billing_address=WITHHELD)
    with pytest.raises(RefusedError) as refused:
        customer_record(erased, EU, customer_identity(erased, EU))
    assert refused.value.code == "PERSONAL_DATA_WITHHELD"
    assert "name, e-mail address and phone number" in refused.value.cause


def test_an_order_of_nobody_with_a_withheld_address_is_no_anonymous_sale():
    rules = with_rules(EU, customers={"anonymous": "shared", "shared_account": "WALK-IN"})
    with pytest.raises(RefusedError) as refused:
        customer_identity(sale(buyer=None, shipping_address=WITHHELD), rules)
    assert refused.value.code == "PERSONAL_DATA_WITHHELD"


def test_a_customer_gets_the_address_that_is_not_withheld():
    record = customer_record(sale(billing_address=WITHHELD), EU, "C1")
    assert record["AddressStreet"] == "Damrak 1\n2 hoog"
    assert "AddressStreet" not in customer_record(sale(billing_address=None, shipping_address=WITHHELD), EU, "C1")


@pytest.mark.parametrize("behaviour", ["replaced", "refused", "unknown"])
def test_an_account_is_given_only_where_fo_keeps_it(behaviour: str):
    record = customer_record(sale(), with_rules(EU, tenant={"customer_account": behaviour}), "C7001001001001")
    assert ("CustomerAccount" in record, record["KnownAs"]) == (False, "C7001001001001")


def test_the_field_of_the_identity_is_none_that_has_other_data_of_the_buyer():
    plain = with_rules(EU, customers={"id_field": None})
    written = {
        field
        for person in (buyer(), buyer(company="Acme"))
        for field in customer_record(sale(buyer=person), plain, "C1")
    }
    for field in written | {"PersonMiddleName"}:
        with pytest.raises(ValidationError, match="id_field: the app writes other data of the buyer"):
            with_rules(EU, customers={"id_field": field})
