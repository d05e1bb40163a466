"""CustomersV3."""

from typing import ClassVar

from local.d365 import references
from local.d365.edm import Value, Values
from local.d365.entities import Record
from local.d365.errors import Infolog
from local.d365.references import AddressFields, check_address, check_references
from local.d365.tables import Row

_ADDRESSES = (
    AddressFields("AddressCountryRegionId", "AddressCountryRegionISOCode", "AddressState"),
    AddressFields("DeliveryAddressCountryRegionId", "DeliveryAddressCountryRegionISOCode", "DeliveryAddressState"),
    AddressFields("InvoiceAddressCountryRegionId", "InvoiceAddressCountryRegionISOCode", "InvoiceAddressState"),
)
_REFERENCES = (
    references.CUSTOMER_GROUP,
    references.currency("SalesCurrencyCode"),
    references.payment_terms("PaymentTerms"),
    references.delivery_mode("DeliveryMode"),
    references.delivery_terms("DeliveryTerms"),
    references.tax_group("SalesTaxGroup"),
    references.site("SiteId"),
    references.warehouse("WarehouseId"),
    references.customer("InvoiceAccount", "Invoice account"),
    references.Reference("DiscountPriceGroupId", "Price group", "PriceCustomerGroups", "Customer price groups"),
    references.Reference(
        "LineDiscountCode", "Line discount", "LineDiscountCustomerGroups", "Customer line discount groups"
    ),
)
_MANDATORY = {"CustomerGroupId": "Customer group", "SalesCurrencyCode": "Currency"}
_NAMES = {
    "Organization": {"OrganizationName": "Name"},
    "Person": {"PersonFirstName": "First name", "PersonLastName": "Last name"},
}


class Customers(Record):
    read_only: ClassVar[frozenset[str]] = frozenset({"FullPrimaryAddress"})

    def checked_insert(self, given: Values, log: Infolog) -> dict[str, Value]:
        company = str(given["dataAreaId"])
        values: dict[str, Value] = {
            **self.books.blank(self.entity_set.name),
            # Answered by F&O when omitted, and not the enumeration's zero.
            "PartyType": "Organization",
            "LanguageId": "en-US",
            **given,
        }
        self._check(values, log)
        log.raise_if_any()
        values["CustomerAccount"] = self._account(company, str(given.get("CustomerAccount", "")), log)
        values["LanguageId"] = language(str(values["LanguageId"]))
        values["PartyNumber"] = values["PartyNumber"] or self.books.numbers.party_number()
        values["NameAlias"] = values["NameAlias"] or full_name(values)[:20]
        return values

    def checked_update(self, row: Row, changes: Values, log: Infolog) -> dict[str, Value]:
        values = super().checked_update(row, changes, log)
        self._check(values, log)
        return values

    def _account(self, company: str, given: str, log: Infolog) -> str:
        return self.books.numbers.assign(
            company,
            "customer",
            given,
            lambda number: self.books.find("CustomersV3", company, number) is not None,
            field="CustomerAccount",
            log=log,
        )

    def _check(self, values: dict[str, Value], log: Infolog) -> None:
        mandatory = _MANDATORY | _NAMES.get(str(values["PartyType"]), {})
        if values["PartyType"] not in _NAMES:
            log.reject_field("PartyType", f"'{values['PartyType']}' is no party type.")
        if values["AddressDescription"]:
            mandatory = mandatory | {"AddressCountryRegionId": "Country/region"}
        for name, label in mandatory.items():
            if values[name] == "":
                log.reject_field(name, f"Field '{label}' must be filled in.")
        check_references(self.books, values, _REFERENCES, log)
        for address in _ADDRESSES:
            values.update(check_address(self.books, values, address, log))


def full_name(values: Values) -> str:
    """An organization's name, or a person's from its parts."""
    if values["PartyType"] == "Organization":
        return str(values["OrganizationName"])
    parts = (str(values[name]) for name in ("PersonFirstName", "PersonMiddleName", "PersonLastName"))
    return " ".join(filter(None, parts))


def language(tag: str) -> str:
    """F&O answers `en-us` as `en-US`."""
    first, dash, region = tag.partition("-")
    return f"{first.lower()}{dash}{region.upper()}"
