"""docs/permissions.md is what the code needs, and the code needs no more than is meant."""

import pytest
from builders.root import ROOT

from shared.flows import SWITCHES
from tools.permissions import as_markdown, entity_access


def test_the_page_for_people_is_what_the_code_needs() -> None:
    page = (ROOT / "docs/permissions.md").read_text(encoding="utf-8")
    assert page == as_markdown(), "run: python -m tools.permissions > docs/permissions.md"


def test_stock_only_reads_in_fo() -> None:
    assert {kind for access in entity_access("stock").values() for kind in access} == {"read"}


def test_orders_are_created_and_held_but_products_and_stock_are_left_alone() -> None:
    access = entity_access("orders")
    assert {"create", "update"} <= set(access["SalesOrderHeadersV4"])
    assert access["SalesOrderLinesV3"][:2] == ["read", "create"]
    assert access["WarehousesOnHandV2"] == access["ReleasedProductsV2"] == ["read"]


def test_payments_and_returns_are_written_and_never_taken_away() -> None:
    access = entity_access("orders")
    for entity_set in ("CustomerPaymentJournalLines", "FreeTextInvoiceHeaders", "ReturnOrderLinesV2"):
        assert access[entity_set] == ["read", "create"]


@pytest.mark.parametrize("flow", SWITCHES)
def test_nothing_but_sales_orders_and_their_lines_is_ever_deleted_in_fo(flow: str) -> None:
    """Those that Shopify gave up: OData cannot cancel."""
    deleted = {entity_set for entity_set, access in entity_access(flow).items() if "delete" in access}
    assert deleted == ({"SalesOrderHeadersV4", "SalesOrderLinesV3"} if flow == "orders" else set())
