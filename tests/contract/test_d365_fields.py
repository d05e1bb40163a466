"""Every entity set and field that we use exists in F&O's metadata, with the keys that we believe in."""

import ast
import re
from pathlib import Path

import pytest
from builders.source import nodes_of

from shared.d365 import entities
from shared.d365.order_changes import HEADER_FIELDS, LINE_FIELDS
from shared.mapping.orders import header
from shared.mapping.orders.differences import FOLLOWING
from tests.builders.fo_metadata import read_entity_sets
from tools.probe.fields import WRITTEN, used_fields

# The mapping's files that build records of F&O, whose keys are fields of these entity sets.
RECORDS = {
    Path("shared/mapping/orders/plan.py"): {entities.SALES_ORDERS, entities.SALES_ORDER_LINES},
    Path("shared/mapping/orders/lines.py"): {entities.SALES_ORDER_LINES},
    Path("shared/mapping/orders/header.py"): {entities.SALES_ORDERS},
    Path("shared/mapping/orders/differences.py"): {entities.SALES_ORDER_LINES},
    Path("shared/mapping/orders/changes.py"): {entities.SALES_ORDERS, entities.SALES_ORDER_LINES},
    Path("shared/mapping/customers.py"): {entities.CUSTOMERS},
    Path("shared/d365/sales_orders.py"): {entities.SALES_ORDERS, entities.SALES_ORDER_LINES},
    Path("shared/d365/customers.py"): {entities.CUSTOMERS},
    Path("shared/d365/on_hand.py"): {entities.ON_HAND, entities.ON_HAND_BY_STATUS, entities.COVERAGE},
    Path("shared/d365/items.py"): {entities.PRODUCTS, entities.VARIANTS},
    Path("shared/mapping/payments/plan.py"): {entities.PAYMENT_LINES},
    Path("shared/d365/payment_journals.py"): {entities.PAYMENT_JOURNALS, entities.PAYMENT_LINES},
    Path("shared/mapping/dimensions.py"): {
        entities.SALES_ORDERS,
        entities.CUSTOMERS,
        entities.PAYMENT_LINES,
        entities.INVOICES,
        entities.INVOICE_LINES,
    },
    Path("shared/mapping/refunds/plan.py"): {
        entities.RETURN_ORDERS,
        entities.RETURN_LINES,
        entities.INVOICES,
        entities.INVOICE_LINES,
    },
    Path("shared/d365/returns.py"): {entities.RETURN_ORDERS, entities.RETURN_LINES},
    Path("shared/d365/free_text_invoices.py"): {entities.INVOICES, entities.INVOICE_LINES},
    Path("shared/d365/sold_lines.py"): {entities.SALES_ORDER_LINES, entities.SALES_LINE_PROGRESS},
    Path("shared/d365/prices/agreements.py"): {
        entities.PRICE_AGREEMENTS,
        entities.LINE_DISCOUNTS,
        entities.PRICE_GROUPS,
    },
    Path("shared/d365/prices/items.py"): {
        entities.PRODUCTS,
        entities.VARIANTS,
        entities.UNIT_CONVERSIONS,
        entities.ORDER_SETTINGS,
        entities.VARIANT_ORDER_SETTINGS,
    },
    Path("shared/d365/prices/order_lines.py"): {
        entities.SALES_LINE_PROGRESS,
        entities.SALES_ORDERS,
        entities.SALES_ORDER_LINES,
    },
    Path("shared/d365/tax.py"): {
        entities.TAX_CODES,
        entities.TAX_RATES,
        entities.TAX_GROUPS,
        entities.TAX_GROUP_CODES,
        entities.ITEM_TAX_GROUPS,
        entities.ITEM_TAX_GROUP_CODES,
    },
}
# A field's name as F&O writes it: several words run together. Error codes and plain words do not look like that.
FIELD = re.compile(r"(?:[A-Z][a-z0-9]+){2,}|dataAreaId")


SETS = read_entity_sets()


@pytest.mark.parametrize("entity_set", entities.KEYS)
def test_the_keys_are_f_and_os(entity_set):
    keys, _ = SETS[entity_set]
    assert set(entities.KEYS[entity_set]) == keys


@pytest.mark.parametrize("entity_set", entities.READ)
def test_every_field_that_is_read_exists(entity_set):
    _, fields = SETS[entity_set]
    assert set(entities.READ[entity_set]) <= fields


def fields_in(path):
    return {
        node.value
        for node in nodes_of(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and FIELD.fullmatch(node.value)
    }


@pytest.mark.parametrize("entity_set", WRITTEN)
def test_every_field_that_the_probe_looks_for_exists(entity_set):
    _, fields = SETS[entity_set]
    assert set(WRITTEN[entity_set]) <= fields


@pytest.mark.parametrize("path", RECORDS, ids=str)
def test_the_probe_looks_for_every_field_that_is_used(path):
    """Of a name that several sets of the file have, one is enough."""
    looked_for = set().union(*(used_fields(entity_set) for entity_set in RECORDS[path]))
    exist = set().union(*(SETS[entity_set][1] for entity_set in RECORDS[path]))
    assert (fields_in(path) & exist) - looked_for == set()


@pytest.mark.parametrize("path", RECORDS, ids=str)
def test_every_field_that_is_written_exists(path):
    known = set().union(*(SETS[entity_set][1] for entity_set in RECORDS[path]))
    used = fields_in(path)
    # An address's fields are put together from the party ("DeliveryAddress") and the part ("ZipCode").
    parts = {name for name in used for field in known if field.startswith(name) or field.endswith(name)}
    assert used
    assert used - parts == set()


def test_every_field_of_a_line_that_follows_shopify_is_read():
    assert set(FOLLOWING) <= set(LINE_FIELDS)


def test_every_field_of_a_header_that_follows_shopify_is_read():
    assert {field for fields in header.FIELDS.values() for field in fields} <= set(HEADER_FIELDS)
