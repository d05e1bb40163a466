"""Fields are asked for once for each set, and left out or missed by what F&O tells."""

import asyncio

import pytest

from shared.d365.entities import (
    KEYS,
    PRODUCTS,
    PUBLIC_NAMES,
    READ,
    READ_IF_THERE,
    SALES_ORDERS,
    TAX_CODES,
    WRITTEN_IF_THERE,
)
from shared.d365.odata.known_fields import KnownFields
from shared.errors import DeniedError, TransientError
from tests.builders.fo_metadata import read_entity_sets, read_public_names

ORDER_FIELDS = ("SalesOrderNumber", "URL", "Email")


class Metadata:
    """F&O's metadata, and how often they were asked."""

    def __init__(self, *fields, entity_set=SALES_ORDERS, failure=None):
        self.fields, self.entity_set, self.failure = fields, entity_set, failure
        self.asked = []
        self.seconds = 0.0
        self.known = KnownFields(self.read, clock=lambda: self.seconds)

    async def read(self, name):
        self.asked.append(name)
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return {"EntitySetName": self.entity_set, "Properties": [{"Name": field} for field in self.fields]}

    async def absent(self, *fields):
        return await self.known.absent(SALES_ORDERS, fields, WRITTEN_IF_THERE)


async def test_a_set_is_asked_for_once_by_any_number_of_workers():
    fo = Metadata(*ORDER_FIELDS)
    assert await asyncio.gather(*(fo.absent("URL", "Email") for _ in range(20))) == [frozenset()] * 20
    fo.seconds = 10.0**9
    assert await fo.absent("Email") == frozenset()
    assert fo.asked == ["SalesOrderHeaderV4"]


async def test_what_the_app_can_do_without_is_left_out():
    fo = Metadata("SalesOrderNumber", "Email")
    assert await fo.absent("SalesOrderNumber", "URL") == {"URL"}


async def test_what_it_needs_is_named_and_looked_for_again():
    fo = Metadata("SalesOrderNumber")
    with pytest.raises(DeniedError) as denied:
        await fo.absent("SalesOrderNumber", "URL", "Email", "CurrencyCode")
    assert denied.value.code == "FO_FIELD_MISSING"
    assert denied.value.refusal.details == {"entity_set": SALES_ORDERS, "fields": "CurrencyCode, Email"}
    fo.fields = ("SalesOrderNumber", "CurrencyCode", "Email")
    assert await fo.absent("SalesOrderNumber", "URL", "Email", "CurrencyCode") == {"URL"}
    assert len(fo.asked) == 2


@pytest.mark.parametrize(
    "fo",
    [
        Metadata(failure=TransientError("F&O cannot be reached")),
        Metadata(failure=DeniedError("FO_DENIED", status=403, infolog="no")),
        Metadata("Email", entity_set="SalesOrderHeadersV3"),
        Metadata(),
    ],
    ids=["away", "denied", "another entity", "no fields"],
)
async def test_without_an_answer_nothing_is_missing_and_nothing_is_asked_for_an_hour(fo):
    for _ in range(5):
        assert await fo.absent("URL", "Anything") == frozenset()
    assert len(fo.asked) == 1
    fo.seconds = 3600.0
    fo.failure, fo.entity_set, fo.fields = None, SALES_ORDERS, ("Email",)
    assert await fo.absent("URL", "Email") == {"URL"}
    assert len(fo.asked) == 2


def test_each_set_that_the_app_uses_has_the_name_of_its_entity():
    assert PUBLIC_NAMES.keys() == KEYS.keys()
    names = read_public_names()
    assert {entity_set: names[entity_set] for entity_set in PUBLIC_NAMES} == PUBLIC_NAMES


def test_what_may_be_missing_is_known_to_the_full_metadata():
    sets = read_entity_sets()
    for table in (READ_IF_THERE, WRITTEN_IF_THERE):
        assert {name: fields - sets[name].fields for name, fields in table.items()} == dict.fromkeys(table, frozenset())
    assert "ItemNumber" in READ[PRODUCTS]
    assert TAX_CODES not in READ_IF_THERE
