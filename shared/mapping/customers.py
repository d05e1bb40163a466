"""Which F&O customer an order belongs to, and the record of a new one."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterator

from shared.errors import ErrorCode, RefusedError
from shared.mapping.dimensions import INVOICE_FIELD, dimensioned
from shared.mapping.fo.address import address_block, name_over_lines
from shared.mapping.fo.fields import LIMITS, fit, fits
from shared.mapping.personal_data import BUYER, is_nameless, withheld
from shared.model import Address, Buyer, FoRow, Order
from shared.rules import StoreRules


def customer_identity(order: Order, rules: StoreRules) -> str:
    """What identifies the order's buyer in F&O, or the account that the rules name. The same buyer always has the same,
    whichever order comes first. It is also the account of a new customer, where F&O keeps a given one.

    A known customer: prefix + Shopify's id. A B2B company, whoever buys for it: prefix + "B" + its id. A guest:
    prefix + "G" + a digest of the e-mail address (else of the phone number), so that the guest's next order gets the
    same; letters and digits only, at most 20 characters. Raises RefusedError NO_BUYER for an order without a
    buyer, unless the rules have an account for it, and PERSONAL_DATA_WITHHELD where the address shows why.
    """
    customers = rules.customers
    if customers.strategy == "shared":
        return _shared(rules)
    buyer = order.buyer
    if buyer is not None and buyer.company_id is not None and customers.organization_when_company:
        return fit("CustomerAccount", f"{customers.account_prefix}B{buyer.company_id}")
    if buyer is not None and buyer.id is not None:
        return fit("CustomerAccount", f"{customers.account_prefix}{buyer.id}")
    identity = _guest_identity(buyer) if buyer is not None else ""
    if identity:
        digest = b32encode(hashlib.sha256(identity.encode()).digest()).decode()
        return f"{customers.account_prefix}G{digest}"[: LIMITS["CustomerAccount"]]
    refusal = withheld(order, order.shipping_address or order.billing_address)
    if refusal is not None:
        raise refusal
    if customers.anonymous == "refuse":
        raise RefusedError(ErrorCode.NO_BUYER, store=rules.key)
    return _shared(rules)


def customer_record(order: Order, rules: StoreRules, identity: str) -> FoRow:
    """The buyer as a new row of CustomersV3, with an account only where F&O keeps it.

    SalesTaxGroup stays out on purpose: a fixed group on the customer overrides the tax group of the delivery address.
    Raises RefusedError NO_BUYER, PERSONAL_DATA_WITHHELD for a buyer of whom only an id is known, or FIELD_TOO_LONG
    where a name or address does not fit all of F&O's fields for it together.
    """
    buyer = order.buyer
    if buyer is None:
        raise RefusedError(ErrorCode.NO_BUYER, store=rules.key)
    if is_nameless(buyer) and not any(address.name for address in _addresses(order)):
        raise RefusedError(ErrorCode.PERSONAL_DATA_WITHHELD, missing=BUYER)
    name, above = _name(buyer, order, rules)
    record: FoRow = {
        "dataAreaId": rules.company,
        **_identified(identity, rules),
        **name,
        "CustomerGroupId": rules.customers.group,
        "SalesCurrencyCode": order.currency,
        "LanguageId": rules.customers.language,
    }
    record |= dimensioned(INVOICE_FIELD, order, rules)
    if buyer.email:
        record["PrimaryContactEmail"] = fit("PrimaryContactEmail", buyer.email)
        record["PrimaryContactEmailDescription"] = "E-mail"
    address = next(_addresses(order), None)
    phone = buyer.phone or (address.phone if address else "")
    if phone:
        record["PrimaryContactPhone"] = fit("PrimaryContactPhone", phone)
        record["PrimaryContactPhoneDescription"] = "Phone"
    if address is not None:
        record["AddressDescription"] = "Shopify"
        with_state = address.country in rules.orders.states_of
        record |= address_block(
            address,
            "Address",
            state_field="State",
            complement_field="AddressBuildingComplement",
            with_state=with_state,
            above=above,
        )
    return record


def _identified(identity: str, rules: StoreRules) -> FoRow:
    account = {"CustomerAccount": identity} if rules.numbers_customers else {}
    return account | ({rules.customers.id_field: identity} if rules.customers.id_field else {})


def _addresses(order: Order) -> Iterator[Address]:
    """Those that are not withheld."""
    for address in (order.billing_address, order.shipping_address):
        if address is not None and not address.is_withheld:
            yield address


def _shared(rules: StoreRules) -> str:
    account = rules.customers.shared_account
    if account is None:
        raise ValueError("the rules were not checked: a shared account is needed and none is named")
    return account


def _guest_identity(buyer: Buyer) -> str:
    if buyer.email:
        return f"mailto:{buyer.email.strip().casefold()}"
    return f"tel:{buyer.phone}" if buyer.phone else ""


def _name(buyer: Buyer, order: Order, rules: StoreRules) -> tuple[FoRow, list[str]]:
    """The fields of the name, and the lines of it that must follow above the street.

    A person has first and last name, which F&O both requires; everybody else is an organisation in F&O's terms. So is
    a buyer with one name only, since F&O requires two, and one whose names do not fit the three fields of a person.
    """
    address = next(_addresses(order), None)
    company = buyer.company or (address.company if address else "")
    if company and rules.customers.organization_when_company:
        return _organization(company, address)
    person = _person(buyer)
    if person is not None:
        return person, []
    return _organization(buyer.name or (address.name if address else "") or buyer.email or buyer.phone, address)


def _organization(name: str, address: Address | None) -> tuple[FoRow, list[str]]:
    field = "OrganizationName"
    name, further = (fit(field, name), []) if address is None else name_over_lines(field, name)
    return {"PartyType": "Organization", field: name}, further


def _person(buyer: Buyer) -> FoRow | None:
    """First and last name, whole words between them as middle name where they are too long. None if that fails too."""
    given, family = buyer.first_name.split(), buyer.last_name.split()
    most = LIMITS["PersonFirstName"], LIMITS["PersonLastName"]  # words: each takes a character at least
    first = next((n for n in range(min(len(given), most[0]), 0, -1) if fits("PersonFirstName", " ".join(given[:n]))), 0)
    shortest = range(max(0, len(family) - most[1]), len(family))
    last = next((n for n in shortest if fits("PersonLastName", " ".join(family[n:]))), None)
    middle = " ".join([*given[first:], *family[:last]])
    if not first or last is None or not fits("PersonMiddleName", middle):
        return None
    record = {"PersonFirstName": " ".join(given[:first]), "PersonMiddleName": middle}
    return {
        "PartyType": "Person",
        **{field: name for field, name in record.items() if name},
        "PersonLastName": " ".join(family[last:]),
    }
