"""F&O's tax set-up as OData shows it becomes the set-up that we compute with, and is read seldom."""

import asyncio
from datetime import date
from decimal import Decimal

import pytest

from shared.d365.entities import READ
from shared.d365.tax import TaxSetups, read_tax_setup
from shared.errors import TransientError
from shared.model import RoundingBy, RoundOff, TaxCode, TaxGroup, TaxRate

NEVER = "1900-01-01T12:00:00Z"
LIMITS = {"MinimumLimit": Decimal(0), "MaximumLimit": Decimal(0)}
TABLES = {
    "TaxCodes": [
        {
            "TaxCode": "NL21",
            "TaxBase": "PctPerNet",
            "TaxLimitBase": "LineWithoutVAT",
            "TaxRoundOff": Decimal("0.01"),
            "TaxRoundOffType": "RoundUp",
            "TaxCurrencyCodeId": "EUR",
        },
        {
            "TaxCode": "UNUSED",
            "TaxBase": "AmountByUnit",
            "TaxLimitBase": "UnitWithoutVAT",
            "TaxRoundOff": Decimal(0),
            "TaxRoundOffType": "Ordinary",
            "TaxCurrencyCodeId": "",
        },
    ],
    "TaxCodeValuesV2": [
        {"TaxCodeId": "NL21", "FromDate": NEVER, "ToDate": "2012-09-30T12:00:00Z", "Value": Decimal(19), **LIMITS},
        {"TaxCodeId": "nl21", "FromDate": "2012-10-01T12:00:00Z", "ToDate": NEVER, "Value": Decimal(21), **LIMITS},
    ],
    "TaxGroups": [
        {"TaxGroupCode": "NL-VAT", "RoundingBy": "TaxCodeSet"},
        {"TaxGroupCode": "EXPORT", "RoundingBy": "TaxCode"},
        {"TaxGroupCode": "EU-B2B", "RoundingBy": "TaxCode"},
    ],
    "TaxGroupDatas": [
        {"TaxGroupId": "NL-VAT", "TaxCodeId": "NL21", "ExemptTax": "No", "ReverseCharge": "No"},
        {"TaxGroupId": "EU-B2B", "TaxCodeId": "NL21", "ExemptTax": "No", "ReverseCharge": "Yes"},
    ],
    "TaxItemGroupHeadings": [{"TaxItemGroup": "FULL"}, {"TaxItemGroup": "NONE"}, {"TaxItemGroup": "FREE"}],
    "TaxItemGroups": [
        {"TaxItemGroupCode": "FULL", "TaxCodeId": "NL21", "ExemptTax": "No"},
        {"TaxItemGroupCode": "FREE", "TaxCodeId": "NL21", "ExemptTax": "Yes"},
    ],
}


class Fo:
    """F&O's rows, with the fields that are asked for and no others."""

    def __init__(self):
        self.queries = []
        self.broken = False

    async def query(self, entity_set, *, company, where, select):
        assert (company, where) == ("nleu", None)
        self.queries.append(entity_set)
        await asyncio.sleep(0)
        if self.broken:
            raise TransientError("F&O is away")
        return [{field: row[field] for field in select} for row in TABLES[entity_set]]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


async def test_the_rows_of_six_entity_sets_are_the_set_up():
    fo = Fo()
    setup = await read_tax_setup(fo, "nleu")
    assert setup.codes["nl21"] == TaxCode(
        id="NL21",
        origin="PctPerNet",
        marginal_base="LineWithoutVAT",
        precision=Decimal("0.01"),
        round_off=RoundOff.UP,
        currency="EUR",
        rates=(
            TaxRate(None, date(2012, 9, 30), Decimal(0), Decimal(0), Decimal(19)),
            TaxRate(date(2012, 10, 1), None, Decimal(0), Decimal(0), Decimal(21)),
        ),
    )
    assert setup.codes["unused"].rates == ()
    assert setup.groups == {
        "nl-vat": TaxGroup(RoundingBy.COMBINATION, {"nl21": True}),
        "export": TaxGroup(RoundingBy.CODE, {}),
        "eu-b2b": TaxGroup(RoundingBy.CODE, {"nl21": False}),
    }
    assert setup.item_groups == {"full": {"nl21": True}, "none": {}, "free": {"nl21": False}}
    assert sorted(fo.queries) == sorted(TABLES)
    assert all(set(READ[name]) == set(rows[0]) for name, rows in TABLES.items())


async def test_a_set_up_is_read_once_for_hours_however_many_ask():
    fo, clock = Fo(), Clock()
    setups = TaxSetups(fo, seconds=100, clock=clock)
    first, *others = await asyncio.gather(*(setups.of("nleu") for _ in range(5)))
    assert all(other is first for other in others)
    assert len(fo.queries) == 6
    clock.now = 99
    assert await setups.of("nleu") is first
    clock.now = 100
    assert await setups.of("nleu") is not first
    assert len(fo.queries) == 12


async def test_a_dropped_set_up_is_read_again():
    fo = Fo()
    setups = TaxSetups(fo)
    await setups.of("nleu")
    setups.forget("nleu")
    setups.forget("never seen")
    await setups.of("nleu")
    assert len(fo.queries) == 12


async def test_a_reading_that_failed_is_not_kept():
    fo = Fo()
    setups = TaxSetups(fo)
    fo.broken = True
    with pytest.raises(TransientError, match="F&O is away"):
        await setups.of("nleu")
    fo.broken = False
    assert (await setups.of("nleu")).company == "nleu"
