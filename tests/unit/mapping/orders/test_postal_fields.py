"""Over-long names, companies and streets flow over into the next field of the label; nothing is lost or cut."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from shared.errors import RefusedError
from shared.mapping.orders.plan import SalesOrderPlan
from tests.builders.sales import EU, US, address, buyer, order, plan, with_rules
from tests.builders.sales import line as sold

LABEL = ("DeliveryAddressName", "DeliveryAddressStreet", "DeliveryBuildingCompliment")
LIMITS = {"DeliveryAddressName": 100, "DeliveryAddressStreet": 250, "DeliveryBuildingCompliment": 60}


def header(place, **other) -> dict:
    made: SalesOrderPlan = plan(order(sold(), shipping_address=place, **other), EU)
    return made.header


def label(place) -> tuple[str, str, str]:
    made = header(place)
    name, street, complement = (made.get(field, "") for field in LABEL)
    return name, street, complement


def test_a_company_that_fits_stands_in_the_building_complement():
    assert label(address(company="Acme BV")) == ("Ada Lovelace", "Damrak 1\n2 hoog", "Acme BV")


def test_a_company_beyond_it_stands_whole_above_the_street():
    company = "Stichting tot Instandhouding van de Oude Vuurtorens van Nederland"
    assert label(address(company=company)) == ("Ada Lovelace", f"{company}\nDamrak 1\n2 hoog", "")


def test_a_name_beyond_its_field_goes_on_above_the_company_and_the_street():
    name = "Maximiliana " * 9
    place = address(name=name.strip(), company="x" * 61)
    assert label(place) == ("Maximiliana " * 7 + "Maximiliana", f"Maximiliana\n{'x' * 61}\nDamrak 1\n2 hoog", "")


def test_a_street_beyond_its_field_gives_its_last_line_to_the_complement():
    first, second = "Lange straat " * 19 + "12", "third door on the left"
    name, street, complement = label(address(street=f"{first}\n{second}"))
    assert (name, complement) == ("Ada Lovelace", second)
    assert street.replace("\n", " ") == first


def test_a_street_that_has_room_nowhere_is_refused_whole():
    street = "x" * 251
    with pytest.raises(RefusedError) as refused:
        label(address(company="Acme BV", street=street))
    assert refused.value.code == "FIELD_TOO_LONG"
    assert refused.value.details["what"] == "street of the address"
    assert street not in str(refused.value)


WORDS = st.lists(st.text("aé漢😀", min_size=1, max_size=30), min_size=1, max_size=12).map(" ".join)


@given(name=WORDS, company=WORDS, street=WORDS)
def test_every_label_is_whole_within_its_limits_or_refused(*, name: str, company: str, street: str):
    try:
        made = dict(zip(LABEL, label(address(name=name, company=company, street=street)), strict=True))
    except RefusedError:
        event("refused")
        return
    assert all(len(text.encode("utf-16-le")) // 2 <= LIMITS[field] for field, text in made.items())
    written = sorted("".join(made.values()).replace("\n", "").replace(" ", ""))
    given_texts = name + street + (company if company != name else "")
    assert written == sorted(given_texts.replace(" ", ""))


def test_what_fits_the_customer_may_be_missing_on_the_order_with_a_note():
    someone = buyer(email="a" * 80 + "@example.com", first_name="Ada " * 20, last_name="Lovelace " * 6)
    made = plan(order(sold(), buyer=someone), EU)
    assert "Email" not in made.header
    assert made.header["SalesOrderName"] == "#1001"
    assert [note for note in made.left_behind if "only the customer" in note] == [
        "the e-mail address, which only the customer has room for",
        "the buyer's name, which only the customer has room for",
    ]


@pytest.mark.parametrize("long", [{"email": "a" * 80 + "@example.com"}, {"last_name": "x" * 120}])
def test_what_a_shared_customer_cannot_keep_is_refused(long):
    shared = with_rules(EU, customers=US.customers.model_dump())
    with pytest.raises(RefusedError) as refused:
        plan(order(sold(), buyer=buyer(**long)), shared)
    assert refused.value.code == "FIELD_TOO_LONG"


def test_a_long_order_name_is_no_reason_to_refuse_an_order():
    made = plan(order(sold(), name="#NORDLYS-OUTDOOR-EUROPE-100001"), EU)
    assert "CustomerRequisitionNumber" not in made.header
    assert "the order's name #NORDLYS-OUTDOOR-EUROPE-100001" in made.left_behind
