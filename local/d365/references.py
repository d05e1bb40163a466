"""Checks that the codes in a record exist in the company's set-up."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from local.d365.books import Books
from local.d365.edm import Value, Values
from local.d365.errors import Infolog
from local.d365.tables import Row


class Reference(NamedTuple):
    """`field` must hold the key of a row in `related`, per company unless `shared`; empty text refers to nothing."""

    field: str
    label: str
    related: str
    table_label: str
    shared: bool = False


class AddressFields(NamedTuple):
    """The names of one address's fields that F&O checks against its address set-up."""

    country: str
    iso: str
    state: str


CUSTOMER_GROUP = Reference("CustomerGroupId", "Customer group", "CustomerGroups", "Customer groups")


def currency(field: str) -> Reference:
    return Reference(field, "Currency", "Currencies", "Currencies", shared=True)


def customer(field: str, label: str) -> Reference:
    return Reference(field, label, "CustomersV3", "Customers")


def delivery_mode(field: str) -> Reference:
    return Reference(field, "Mode of delivery", "DeliveryModesV2", "Modes of delivery")


def delivery_terms(field: str) -> Reference:
    return Reference(field, "Delivery terms", "DeliveryTerms", "Terms of delivery")


def tax_group(field: str) -> Reference:
    return Reference(field, "Sales tax group", "TaxGroups", "Sales tax groups")


def site(field: str) -> Reference:
    return Reference(field, "Site", "OperationalSitesV2", "Sites")


def warehouse(field: str) -> Reference:
    return Reference(field, "Warehouse", "Warehouses", "Warehouses")


def payment_terms(field: str) -> Reference:
    return Reference(field, "Terms of payment", "PaymentTerms", "Terms of payment")


def check_references(books: Books, values: Values, references: Iterable[Reference], log: Infolog) -> None:
    for reference in references:
        value = values.get(reference.field, "")
        key: tuple[Value, ...] = (value,) if reference.shared else (values["dataAreaId"], value)
        if value != "" and not books.known(reference.related, *key):
            log.reject_unrelated(reference.field, value, reference.label, reference.table_label)


def buyer_of(books: Books, values: Values, field: str, log: Infolog, *, blocked: Collection[str] = ("All",)) -> Row:
    """The customer that a document is for; without one who may have it, the write ends here."""
    account = values.get(field, "")
    buyer = books.find("CustomersV3", values["dataAreaId"], account)
    if account == "":
        log.reject_field(field, "Field 'Customer account' must be filled in.")
    elif buyer is None:
        log.reject_unrelated(field, account, "Customer account", "Customers")
    elif buyer.values["OnHoldStatus"] in blocked:
        log.reject_field(field, f"Customer {account} is on hold.")
    log.raise_if_any()
    assert buyer is not None
    return buyer


def check_address(books: Books, values: Values, fields: AddressFields, log: Infolog) -> dict[str, Value]:
    """Checks country and state; gives the fields that F&O derives from them."""
    country_id, state = str(values[fields.country]), str(values[fields.state])
    if country_id == "":
        return {}
    country = books.world.countries.get(country_id)
    if country is None:
        log.reject_unrelated(fields.country, country_id, "Country/region", "Country/region")
        return {}
    if state and country.states and state not in country.states:
        log.reject_unrelated(fields.state, state, "State", "State/province")
    return {fields.iso: country.iso}


def check_place(books: Books, values: Values, site_field: str, warehouse_field: str, log: Infolog) -> None:
    """A warehouse belongs to one site; both must be named consistently."""
    found = books.warehouse(str(values["dataAreaId"]), values[warehouse_field])
    named = str(values[site_field])
    if found is not None and named and found.site.casefold() != named.casefold():
        log.reject_field(warehouse_field, f"Warehouse {found.id} does not belong to site {named}.")
