"""The simulator's schema comes from a metadata document alone."""

from pathlib import Path

import pytest

from local.d365.csdl import read_schema
from local.d365.simulator import METADATA

TENANT = """<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="N" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <EnumType Name="NoYes"><Member Name="No" Value="0"/><Member Name="Yes" Value="1"/></EnumType>
  <ComplexType Name="Point"/>
  <EntityType Name="Order">
    <Key><PropertyRef Name="Id"/></Key>
    <Property Name="Id" Type="Edm.String" Nullable="false"/>
    <Property Name="CustomExtension" Type="Edm.Decimal"/>
    <Property Name="Held" Type="N.NoYes"/>
    <Property Name="Where" Type="N.Point"/>
    <Property Name="Picture" Type="Edm.Stream"/>
    <NavigationProperty Name="Lines" Type="Collection(N.Line)" Partner="Order"/>
    <NavigationProperty Name="Elsewhere" Type="N.Line"/>
  </EntityType>
  <EntityType Name="Line">
    <Key><PropertyRef Name="OrderId"/><PropertyRef Name="Number"/></Key>
    <Property Name="OrderId" Type="Edm.String" Nullable="false"/>
    <Property Name="Number" Type="Edm.Int32" Nullable="false"/>
    <NavigationProperty Name="Order" Type="N.Order" Partner="Lines">
      <ReferentialConstraint Property="OrderId" ReferencedProperty="Id"/>
    </NavigationProperty>
  </EntityType>
  <EntityContainer Name="Resources">
    <EntitySet Name="Orders" EntityType="N.Order"><NavigationPropertyBinding Path="Lines" Target="Lines"/></EntitySet>
    <EntitySet Name="Lines" EntityType="N.Line"><NavigationPropertyBinding Path="Order" Target="Orders"/></EntitySet>
  </EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"""


def test_a_tenants_own_fields_enumerations_and_navigations_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "metadata.xml"
    path.write_text(TENANT)
    schema = read_schema(path)
    orders, lines = schema.sets["Orders"], schema.sets["Lines"]
    assert list(orders.properties) == ["Id", "CustomExtension", "Held"]
    held = orders.properties["Held"].enum
    assert held is not None
    assert dict(held.members) == {"No": 0, "Yes": 1}
    assert not orders.properties["Id"].nullable
    assert lines.keys == ("OrderId", "Number")
    assert lines.navigations["Order"].join == (("OrderId", "Id"),)
    assert orders.navigations["Lines"].join == (("Id", "OrderId"),)
    assert orders.navigations["Lines"].collection
    assert "Elsewhere" not in orders.navigations


def test_a_file_without_entity_sets_is_no_schema(tmp_path: Path) -> None:
    path = tmp_path / "metadata.xml"
    path.write_text("<edmx/>")
    with pytest.raises(ValueError, match="declares no entity set"):
        read_schema(path)


def test_the_shipped_metadata_holds_the_sets_of_the_product_with_all_their_fields() -> None:
    sets = read_schema(METADATA).sets
    sizes = {name: len(entity_set.properties) for name, entity_set in sets.items()}
    assert sizes["SalesOrderHeadersV4"] == 164
    assert sizes["SalesOrderHeadersV2"] == 168
    assert sizes["SalesOrderLinesV3"] == 141
    assert sizes["CustomersV3"] == 305
    assert sizes["ReleasedProductsV2"] == 266
    assert sizes["WarehousesOnHandV2"] == 19
    assert sizes["InventTableBiEntities"] == 144
    assert sizes["SalesPriceAgreements"] == 27
    assert "QuantityUnitySymbol" in sets["SalesPriceAgreements"].properties  # as F&O spells it
    assert len(sets["ProductBarcodesV3"].keys) == 10
    assert len(sets["ItemCoverageSettingsV2"].keys) == 13
    assert sets["SalesOrderLinesV3"].keys == ("dataAreaId", "InventoryLotId")
    assert sets["SalesOrderHeadersV2"].navigations["SalesOrderLines"].target == "SalesOrderLines"
    # V4 has no way to its lines.
    assert "SalesOrderLines" not in sets["SalesOrderHeadersV4"].navigations
    assert all(set(entity_set.keys) <= entity_set.properties.keys() for entity_set in sets.values())
