from typing import Any

import pytest

from shared.errors import RefusedError
from shared.mapping.countries import find_country, find_province
from shared.mapping.shopify.addresses import normal_phone, normal_postal_code, read_address
from shared.model import Address
from tests.builders.orders import address

EMPTY = dict.fromkeys(address())


def read(**fields: Any) -> Address:
    found = read_address(EMPTY | {"country_code": "NL"} | fields)
    assert found is not None
    return found


def test_an_address_is_read_field_by_field():
    found = read_address(address(address2="2. Etage", company=" Anne\u00a0BV ", province="Noord-Holland"))
    assert found == Address(
        name="Sanne de Vries",
        company="Anne BV",
        street="Prinsengracht 263\n2. Etage",
        city="Amsterdam",
        postal_code="1016 GV",
        province="NH",
        country="NL",
        country_alpha3="NLD",
        phone="+31205567100",
        latitude=52.3752,
        longitude=4.884,
    )


@pytest.mark.parametrize("block", [None, {}, EMPTY, {"name": "Sanne", "phone": "020 556 7100"}, {"city": " \u200b"}])
def test_a_block_without_a_place_is_no_address(block: dict[str, Any] | None):
    assert read_address(block) is None


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "Ada King", "company": "Mill"}, "Ada King"),
        ({"first_name": "Ada", "last_name": "King"}, "Ada King"),
        ({"last_name": "King"}, "King"),
        ({"company": "Mill"}, "Mill"),
        ({}, ""),
    ],
)
def test_the_recipient_is_a_person_or_else_a_company(fields: dict[str, str], name: str):
    assert read(**fields).name == name


@pytest.mark.parametrize("text", ["Main\x00 St\ud800 1", "\ufeffMain\t St  1 ", "Main St\u200b 1"])
def test_what_cannot_be_seen_or_stored_is_taken_out(text: str):
    assert read(address1=text).street == "Main St 1"


def test_each_street_line_stays_a_line():
    assert read(address1="A 1\r\nB\n\n", address2="C\u2028D").street == "A 1\nB\nC\nD"


def test_letters_are_composed_and_stay_in_their_script():
    found = read(city="Zu\u0308rich", address1="ул. Ленина, 1", name="می\u200cرود")
    assert (found.city, found.street, found.name) == ("Zürich", "ул. Ленина, 1", "می\u200cرود")


def test_nothing_is_cut():
    assert read(address1="x" * 2000).street == "x" * 2000


@pytest.mark.parametrize(
    ("code", "name", "expected"),
    [
        ("NL", "", ("NL", "NLD")),
        ("nl", "", ("NL", "NLD")),
        ("NLD", "", ("NL", "NLD")),
        ("", "The Netherlands", ("NL", "NLD")),
        ("", "CÔTE D\u2019IVOIRE", ("CI", "CIV")),
        ("", "Cote d'Ivoire", ("CI", "CIV")),
        ("", "Turkey", ("TR", "TUR")),
        ("", "Türkiye", ("TR", "TUR")),
        ("", "South Korea", ("KR", "KOR")),
        ("", "Bosnia & Herzegovina", ("BA", "BIH")),
        ("", "Myanmar (Burma)", ("MM", "MMR")),
        ("", "Congo - Kinshasa", ("CD", "COD")),
        ("", "U.S.A.", ("US", "USA")),
        ("XK", "Kosovo", ("XK", "XKX")),
        ("", "kosovo", ("XK", "XKX")),
        ("AN", "Netherlands Antilles", ("AN", "ANT")),
        ("TA", "Tristan da Cunha", ("SH", "SHN")),
        ("IC", "Canary Islands", ("ES", "ESP")),
        ("UK", "", ("GB", "GBR")),
        ("??", "Norway", ("NO", "NOR")),
    ],
)
def test_a_country_is_found_by_code_or_name(code: str, name: str, expected: tuple[str, str]):
    assert find_country(code, name) == expected


@pytest.mark.parametrize("fields", [{"country": "Atlantis"}, {"country_code": "QZ"}, {"city": "Oslo"}])
def test_a_place_in_no_country_is_refused(fields: dict[str, str]):
    with pytest.raises(RefusedError) as caught:
        read_address(EMPTY | fields)
    assert caught.value.code == "UNKNOWN_COUNTRY"
    assert caught.value.details["country"] in {*fields.values(), ""}


@pytest.mark.parametrize(
    ("country", "code", "name", "expected"),
    [
        ("US", "CO", "Colorado", "CO"),
        ("US", "", "colorado", "CO"),
        ("CA", "QC", "Quebec", "QC"),
        ("CA", "", "Québec", "QC"),
        ("JP", "JP-13", "Tōkyō", "13"),
        ("MX", "AGS", "Aguascalientes", "AGU"),
        ("MX", "VER", "Veracruz", "VER"),
        ("MX", "COAH", "Coahuila", "COA"),
        ("GB", "ENG", "England", "ENG"),
        ("IT", "RM", "Roma", "RM"),
        ("GB", "", "West", "West"),
        ("ES", "MAD", "Rioja", "Rioja"),
        ("NL", "", "Middle Earth", "Middle Earth"),
        ("NL", "ZZ", "", "ZZ"),
        ("XK", "", "Pristina", "Pristina"),
        ("NL", "", "", ""),
    ],
)
def test_a_province_becomes_its_iso_code(country: str, code: str, name: str, expected: str):
    assert find_province(country, code, name) == expected


@pytest.mark.parametrize(
    ("country", "code", "expected"),
    [
        ("US", "80202", "80202"),
        ("US", "802021234", "80202-1234"),
        ("US", "80202 1234", "80202-1234"),
        ("CA", "k2h7a8", "K2H 7A8"),
        ("CA", "K2H-7A8", "K2H 7A8"),
        ("NL", "1016gv", "1016 GV"),
        ("NL", "1016  GV", "1016 GV"),
        ("GB", "sw1a1aa", "SW1A 1AA"),
        ("GB", "M11AE", "M1 1AE"),
        ("SE", "11455", "114 55"),
        ("PL", "00950", "00-950"),
        ("JP", "\uff11\uff15\uff10\uff10\uff10\uff14\uff11", "150-0041"),
        ("IE", "d6wxt21", "D6W XT21"),
        ("DK", " 2100 ", "2100"),
        ("NL", "postbus 5", "POSTBUS 5"),
        ("AR", "c1425", "C1425"),
        ("NL", "", ""),
    ],
)
def test_a_postal_code_is_written_as_in_its_country(country: str, code: str, expected: str):
    assert normal_postal_code(code, country) == expected


@pytest.mark.parametrize(
    ("number", "country", "expected"),
    [
        ("020 556 7100", "NL", "+31205567100"),
        ("0031 20 5567100", "NL", "+31205567100"),
        ("+1 (303) 623-1234", "NL", "+13036231234"),
        ("303-623-1234", "US", "+13036231234"),
        ("555-555-SHIP", "US", "555-555-SHIP"),
        ("303-623-1234 ext. 5", "US", "303-623-1234 ext. 5"),
        ("call me", "NL", "call me"),
        ("020 556 7100", "AN", "020 556 7100"),
        ("020 556 7100", None, "020 556 7100"),
        ("+31205567100", None, "+31205567100"),
        ("", "NL", ""),
    ],
)
def test_a_phone_number_that_is_understood_becomes_e164(number: str, country: str | None, expected: str):
    assert normal_phone(number, country) == expected


def test_a_wrong_type_is_named_with_its_path():
    with pytest.raises(RefusedError, match=r"shipping_address\.zip is a number, not text"):
        read_address(address(zip=1016), "shipping_address")
