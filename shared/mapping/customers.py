"""Which F&O customer an order belongs to, and the record of a new one."""

from __future__ import annotations

import hashlib
from base64 import b32encode

from shared.errors import RefusedError
from shared.mapping.d365_fields import Row, address_block, fit, fits
from shared.model import Buyer, Order
from shared.rules import StoreRules

_ACCOUNT_LENGTH = 20


def customer_account(order: Order, rules: StoreRules) -> str:
    """The account of the order's buyer; the same buyer always has the same, whichever order comes first.

    A known customer: prefix + Shopify's id. A B2B company, whoever buys for it: prefix + "B" + its id. A guest:
    prefix + "G" + a digest of the e-mail address (else of the phone number), so that his next order finds him again;
    letters and digits only, at most 20 characters.
    Raises RefusedError NO_BUYER for an order that names nobody, unless the rules have an account for it.
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
        return f"{customers.account_prefix}G{digest}"[:_ACCOUNT_LENGTH]
    if customers.anonymous == "refuse":
        raise RefusedError("NO_BUYER", store=rules.key)
    return _shared(rules)


def customer_record(order: Order, rules: StoreRules, account: str) -> Row:
    """The buyer as a new row of CustomersV3.

    SalesTaxGroup stays out on purpose: a fixed group on the customer beats the tax of the delivery address.
    Raises RefusedError NO_BUYER, or FIELD_TOO_LONG where a name or address does not fit F&O's fields.
    """
    buyer = order.buyer
    if buyer is None:
        raise RefusedError("NO_BUYER", store=rules.key)
    record: Row = {
        "dataAreaId": rules.company,
        "CustomerAccount": account,
        **_name(buyer, order, rules),
        "CustomerGroupId": rules.customers.group,
        "SalesCurrencyCode": order.currency,
        "LanguageId": rules.customers.language,
    }
    if buyer.email:
        record["PrimaryContactEmail"] = fit("PrimaryContactEmail", buyer.email)
        record["PrimaryContactEmailDescription"] = "E-mail"
    address = order.billing_address or order.shipping_address
    phone = buyer.phone or (address.phone if address else "")
    if phone:
        record["PrimaryContactPhone"] = fit("PrimaryContactPhone", phone)
        record["PrimaryContactPhoneDescription"] = "Phone"
    if address is not None:
        record["AddressDescription"] = "Shopify"
        with_state = address.country in rules.orders.states_of
        record |= address_block(address, "Address", state_field="State", with_state=with_state)
    return record


def _shared(rules: StoreRules) -> str:
    account = rules.customers.shared_account
    if account is None:
        raise ValueError("the rules were not checked: a shared account is needed and none is named")
    return account


def _guest_identity(buyer: Buyer) -> str:
    if buyer.email:
        return f"mailto:{buyer.email.strip().casefold()}"
    return f"tel:{buyer.phone}" if buyer.phone else ""


def _name(buyer: Buyer, order: Order, rules: StoreRules) -> Row:
    """A person with first and last name, which F&O both requires; everybody else is an organisation in F&O's terms.

    So is somebody who gave one name only, since the other one would be invented.
    """
    address = order.billing_address or order.shipping_address
    company = buyer.company or (address.company if address else "")
    if company and rules.customers.organization_when_company:
        return _organization(company)
    if buyer.first_name and buyer.last_name:
        return {"PartyType": "Person", **_given_names(buyer.first_name), "PersonLastName": _last_name(buyer.last_name)}
    return _organization(buyer.name or (address.name if address else "") or buyer.email or buyer.phone)


def _organization(name: str) -> Row:
    return {"PartyType": "Organization", "OrganizationName": fit("OrganizationName", name)}


def _last_name(name: str) -> str:
    return fit("PersonLastName", name)


def _given_names(name: str) -> Row:
    """First name, its later words as middle name where the field is too short for all of them."""
    if fits("PersonFirstName", name):
        return {"PersonFirstName": name}
    words = name.split()
    count = next((n for n in range(len(words) - 1, 0, -1) if fits("PersonFirstName", " ".join(words[:n]))), 0)
    if count == 0:
        return {"PersonFirstName": fit("PersonFirstName", name)}
    middle = " ".join(words[count:])
    return {"PersonFirstName": " ".join(words[:count]), "PersonMiddleName": fit("PersonMiddleName", middle)}
