"""How long texts may be in a standard F&O; the metadata does not say."""

from local.d365.edm import Values
from local.d365.errors import Infolog

LENGTHS = {
    "SalesOrderNumber": 20,
    "CustomerAccount": 20,
    "OrderingCustomerAccountNumber": 20,
    "InvoiceCustomerAccountNumber": 20,
    "ItemNumber": 20,
    "ExternalItemNumber": 20,
    "CustomersOrderReference": 60,
    "CustomerRequisitionNumber": 20,
    "SalesOrderName": 100,
    "DeliveryAddressName": 100,
    "OrganizationName": 100,
    "NameAlias": 20,
    "PersonFirstName": 25,
    "PersonMiddleName": 25,
    "PersonLastName": 25,
    "DeliveryAddressDescription": 60,
    "DeliveryBuildingCompliment": 60,
    "AddressBuildingComplement": 60,
    "DeliveryAddressStreet": 250,
    "AddressStreet": 250,
    "DeliveryAddressCity": 60,
    "AddressCity": 60,
    "DeliveryAddressZipCode": 10,
    "AddressZipCode": 10,
    "DeliveryAddressStateId": 10,
    "AddressState": 10,
    "PrimaryContactEmail": 255,
    "PrimaryContactPhone": 255,
    "Email": 80,
    "URL": 255,
    "LineDescription": 1000,
    "JournalBatchNumber": 10,
    "PaymentReference": 20,
    "PaymentId": 20,
    "TransactionText": 60,
    "PaymentNotes": 255,
    "ReturnOrderNumber": 20,
    "CustomerReference": 60,
    "CustomerRequisition": 20,
    "InvoiceText": 1000,
}


def check_lengths(given: Values, log: Infolog) -> None:
    """Refuses what is too long, in characters; F&O's own tables would cut it off or refuse it."""
    for name, value in given.items():
        longest = LENGTHS.get(name)
        if longest is not None and isinstance(value, str) and len(value) > longest:
            log.reject_field(name, f"The value of field '{name}' has {len(value)} characters, {longest} are allowed.")
