"""A tenant's own metadata in place of the shipped one."""

from pathlib import Path

import pytest
from fixtures.d365_sim import running_f_and_o, small_world

from local.d365 import Options, Simulator
from local.d365.simulator import METADATA

V4 = '<EntityType Name="SalesOrderHeaderV4">'
CUSTOM_FIELD = '<Property Name="ShopifyOrderId" Type="Edm.String" />'


@pytest.mark.wire
async def test_a_custom_field_of_the_tenant_is_kept_typed_and_found(tmp_path: Path) -> None:
    text = METADATA.read_text()
    start = text.index("<Property ", text.index(V4))
    own = tmp_path / "metadata.xml"
    own.write_text(text[:start] + CUSTOM_FIELD + text[start:])
    async with running_f_and_o(Options(metadata=own)) as d365:
        number = await d365.order(ShopifyOrderId="gid-1")
        (found,) = await d365.rows("SalesOrderHeadersV4?$filter=ShopifyOrderId eq 'gid-1'")
        assert found["SalesOrderNumber"] == number
        refused = await d365.data(
            "PATCH", f"SalesOrderHeadersV4(dataAreaId='web',SalesOrderNumber='{number}')", {"ShopifyOrderId": 5}
        )
        assert refused.status == 400
        assert "ShopifyOrderId" in (await d365.call("GET", "/data/$metadata")).text


def test_metadata_without_the_order_sets_is_refused_at_the_start(tmp_path: Path) -> None:
    own = tmp_path / "metadata.xml"
    own.write_text(METADATA.read_text().replace('EntitySet Name="SalesOrderLinesV3"', 'EntitySet Name="Other"'))
    with pytest.raises(ValueError, match="lacks SalesOrderLinesV3"):
        Simulator(small_world(), Options(metadata=own))
