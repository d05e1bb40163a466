"""The lengths of F&O's fields that the app counts with, against those of the simulator and F&O's names of fields.

OData's metadata has no lengths: the simulator's table (local/d365/lengths.py) is the other record of them.
"""

import pytest
from pydantic import TypeAdapter, ValidationError

from local.d365.lengths import LENGTHS
from shared.mapping.customers import customer_identity
from shared.mapping.fo.fields import LIMITS, fits
from shared.rules import WriteBackRules
from shared.rules.base import Code, Prefix
from tests.builders.fo_metadata import read_entity_sets
from tests.builders.sales import EU, buyer, line, order, with_rules

SETS = read_entity_sets()
WRITTEN = {
    "SalesOrderNumber": {"SalesOrderHeadersV4": ["SalesOrderNumber"], "SalesOrderLinesV3": ["SalesOrderNumber"]},
    "CustomerAccount": {"CustomersV3": ["CustomerAccount"], "FreeTextInvoiceHeaders": ["CustomerAccount"]},
    "CustomersOrderReference": {
        "SalesOrderHeadersV4": ["CustomersOrderReference"],
        "ReturnOrderHeadersV2": ["CustomersOrderReference"],
    },
    "CustomerRequisitionNumber": {
        "SalesOrderHeadersV4": ["CustomerRequisitionNumber"],
        "ReturnOrderHeadersV2": ["CustomerRequisitionNumber"],
    },
    "SalesOrderName": {"SalesOrderHeadersV4": ["SalesOrderName"]},
    "DeliveryAddressName": {"SalesOrderHeadersV4": ["DeliveryAddressName"]},
    "OrganizationName": {"CustomersV3": ["OrganizationName"]},
    "PersonFirstName": {"CustomersV3": ["PersonFirstName"]},
    "PersonMiddleName": {"CustomersV3": ["PersonMiddleName"]},
    "PersonLastName": {"CustomersV3": ["PersonLastName"]},
    "PrimaryContactEmail": {"CustomersV3": ["PrimaryContactEmail"]},
    "PrimaryContactPhone": {"CustomersV3": ["PrimaryContactPhone"]},
    "Email": {"SalesOrderHeadersV4": ["Email"]},
    "URL": {"SalesOrderHeadersV4": ["URL"]},
    "LineDescription": {"SalesOrderLinesV3": ["LineDescription"]},
    "ExternalItemNumber": {"SalesOrderLinesV3": ["ExternalItemNumber"]},
    "BuildingCompliment": {
        "SalesOrderHeadersV4": ["DeliveryBuildingCompliment"],
        "CustomersV3": ["AddressBuildingComplement"],
    },
    "Street": {"SalesOrderHeadersV4": ["DeliveryAddressStreet"], "CustomersV3": ["AddressStreet"]},
    "City": {"SalesOrderHeadersV4": ["DeliveryAddressCity"], "CustomersV3": ["AddressCity"]},
    "ZipCode": {"SalesOrderHeadersV4": ["DeliveryAddressZipCode"], "CustomersV3": ["AddressZipCode"]},
    "State": {"SalesOrderHeadersV4": ["DeliveryAddressStateId"], "CustomersV3": ["AddressState"]},
    "PaymentReference": {"CustomerPaymentJournalLines": ["PaymentReference"]},
    "PaymentId": {"CustomerPaymentJournalLines": ["PaymentId"]},
    "TransactionText": {"CustomerPaymentJournalLines": ["TransactionText"]},
    "CustomerRequisition": {"FreeTextInvoiceHeaders": ["CustomerRequisition"]},
}
"""The app's name of a limit -> the fields that are held to it."""
FIELDS = [(limit, name) for limit, sets in WRITTEN.items() for names in sets.values() for name in names]


def test_every_limit_is_compared():
    assert set(LIMITS) == set(WRITTEN)


@pytest.mark.parametrize("limit", WRITTEN)
def test_every_limited_field_is_one_of_fos(limit):
    for entity_set, names in WRITTEN[limit].items():
        assert set(names) <= SETS[entity_set].fields


@pytest.mark.parametrize(("limit", "field"), sorted(set(FIELDS)))
def test_a_text_of_the_fields_length_fits_and_a_longer_one_does_not(limit, field):
    assert fits(limit, "x" * LENGTHS[field])
    assert not fits(limit, "x" * (LENGTHS[field] + 1))


@pytest.mark.parametrize("limit", WRITTEN)
def test_a_character_beyond_the_basic_plane_counts_two(limit):
    assert fits(limit, "🎪" * (LIMITS[limit] // 2))
    assert not fits(limit, "🎪" * (LIMITS[limit] // 2 + 1))


@pytest.mark.parametrize("field", ["CustomerAccount", "ItemNumber", "SalesOrderNumber"])
def test_a_code_of_the_rules_has_the_length_of_fos_keys(field):
    codes = TypeAdapter(Code)
    codes.validate_python("x" * LENGTHS[field])
    with pytest.raises(ValidationError, match="at most 20 characters"):
        codes.validate_python("x" * (LENGTHS[field] + 1))


def test_a_prefix_leaves_room_for_shopifys_longest_id():
    TypeAdapter(Prefix).validate_python("AB")
    with pytest.raises(ValidationError, match="pattern"):
        TypeAdapter(Prefix).validate_python("ABC")
    assert len("AB") + len(str(10**17)) == LENGTHS["SalesOrderNumber"] == LENGTHS["CustomerAccount"]


def test_the_account_of_a_guest_is_as_long_as_an_account_may_be():
    rules = with_rules(EU, customers={"strategy": "per_consumer"})
    account = customer_identity(order(line(), buyer=buyer(id=None)), rules)
    assert len(account) == LENGTHS["CustomerAccount"]


def test_a_tag_of_the_rules_has_room_for_the_longest_number():
    form = WriteBackRules(tag="FO-{number}")
    assert form.is_own("FO-" + "1" * LENGTHS["SalesOrderNumber"])
    assert not form.is_own("FO-" + "1" * (LENGTHS["SalesOrderNumber"] + 1))
