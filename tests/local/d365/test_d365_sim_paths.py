"""Addresses and keys under /data."""

from datetime import UTC, datetime
from typing import Any

import pytest

from local.d365.csdl import Schema, read_schema
from local.d365.errors import ODataError
from local.d365.paths import parse_resource
from local.d365.simulator import METADATA


@pytest.fixture(scope="module")
def schema() -> Schema:
    return read_schema(METADATA)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("SalesOrderHeadersV4(dataAreaId='usmf',SalesOrderNumber='000002')", ("usmf", "000002")),
        ("SalesOrderHeadersV4(SalesOrderNumber='000002',dataAreaId='usmf')", ("usmf", "000002")),
        ("ReleasedProductsV2(dataAreaId='dat',ItemNumber='%20RFI-TEST-001')", ("dat", " RFI-TEST-001")),
        ("SalesOrderHeadersV4(dataAreaId='usmf',SalesOrderNumber='a%2Fb%27%27c,d=e')", ("usmf", "a/b'c,d=e")),
        ("SalesLineBiEntities(dataAreaId='a',SalesId='b',LineCreationSequenceNumber=2)", ("a", "b", 2)),
        ("CustPackingSlipJourBiEntities(dataAreaId='a',SourceDocumentHeader=5637144576)", ("a", 5637144576)),
        (
            (
                "PackingSlipTrackingInformation(dataAreaId='a',SalesOrderNumber='b',PackingSlipNumber='c',"
                "DeliveryDate=2026-07-14T00:00:00Z,TrackingNumber='d')"
            ),
            ("a", "b", "c", datetime(2026, 7, 14, 12, tzinfo=UTC), "d"),
        ),
        ("Currencies('EUR')", ("EUR",)),
        ("Currencies(CurrencyCode='EUR')", ("EUR",)),
    ],
)
def test_a_key_is_read_in_the_sets_order_and_decoded(schema: Schema, path: str, key: tuple[Any, ...]) -> None:
    assert parse_resource(path, schema, "url").key == key


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("salesorderheadersv4", 404),
        ("SalesOrderHeadersV9", 404),
        ("SalesOrderHeadersV4/SalesOrderLines", 404),
        ("SalesOrderHeadersV4(dataAreaId='a',SalesOrderNumber='a/b')", 404),
        ("SalesOrderHeadersV4(dataAreaId='usmf')", 400),
        ("SalesOrderHeadersV4(dataAreaId='usmf',SalesOrderNumber='1',Extra='2')", 400),
        ("SalesOrderHeadersV4(dataAreaId='usmf',dataAreaId='usmf')", 400),
        ("SalesOrderHeadersV4(dataAreaId='usmf',SalesOrderNumber='1',)", 400),
        ("SalesOrderHeadersV4('usmf','1')", 400),
        ("SalesOrderHeadersV4(dataAreaId=usmf,SalesOrderNumber='1')", 400),
        ("SalesOrderHeadersV4(dataAreaId='usmf',SalesOrderNumber=1)", 400),
        ("SalesOrderHeadersV4()", 400),
        ("SalesLineBiEntities(dataAreaId='a',SalesId='b',LineCreationSequenceNumber='2')", 400),
        ("SalesLineBiEntities(dataAreaId='a',SalesId='b',LineCreationSequenceNumber=2.5)", 400),
    ],
)
def test_a_wrong_address_is_refused(schema: Schema, path: str, status: int) -> None:
    with pytest.raises(ODataError) as refused:
        parse_resource(path, schema, "url")
    assert refused.value.status == status


def test_a_count_is_asked_of_a_set(schema: Schema) -> None:
    assert parse_resource("Currencies/$count", schema, "url").count_only
