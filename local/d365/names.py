"""F&O's names of entities, tables and records in its messages, and how many tables an entity reads: not in metadata."""

from dataclasses import dataclass

from local.d365.csdl import EntitySet
from local.d365.edm import Values


@dataclass(frozen=True, slots=True)
class Names:
    """`entity` and `table` in write errors, the others for one record: `title (table). key_label: key, description`."""

    entity: str
    title: str
    table: str
    key_label: str
    key: str
    description: str = ""
    data_sources: int = 1
    """How many tables the entity joins: its ETag holds a pair for each."""

    @property
    def table_title(self) -> str:
        return f"{self.title} ({self.table})"

    def record(self, values: Values) -> str:
        shown = [str(values[name]) for name in (self.key, self.description) if name]
        return f"{self.table_title}. {self.key_label}: {', '.join(shown)}"


def _order(entity: str) -> Names:
    return Names(entity, "Sales orders", "SalesTable", "Sales order", "SalesOrderNumber", "SalesOrderName", 6)


def _line(entity: str) -> Names:
    return Names(entity, "Sales order lines", "SalesLine", "Lot ID", "InventoryLotId")


_NAMES = {
    "SalesOrderHeadersV2": _order("SalesOrderHeaderV2Entity"),
    "SalesOrderHeadersV4": _order("SalesOrderHeaderV4Entity"),
    "SalesOrderLines": _line("SalesOrderLineV2Entity"),
    "SalesOrderLinesV3": _line("SalesOrderLineV3Entity"),
    "CustomersV3": Names(
        "CustCustomerV3Entity",
        "Customers",
        "CustTable",
        "Customer account",
        "CustomerAccount",
        "NameAlias",
        11,
    ),
    "CustomerGroups": Names(
        "CustCustomerGroupEntity",
        "Customer groups",
        "CustGroup",
        "Customer group",
        "CustomerGroupId",
        "Description",
    ),
    "CustomerPaymentJournalHeaders": Names(
        "CustomerPaymentJournalHeaderEntity",
        "Ledger journal table",
        "LedgerJournalTable",
        "Journal batch number",
        "JournalBatchNumber",
    ),
    "CustomerPaymentJournalLines": Names(
        "CustomerPaymentJournalLineEntity",
        "Journal lines",
        "LedgerJournalTrans",
        "Journal batch number",
        "JournalBatchNumber",
    ),
    "FreeTextInvoiceHeaders": Names(
        "FreeTextInvoiceHeaderEntity",
        "Free text invoice",
        "CustInvoiceTable",
        "Invoice identifier",
        "InvoiceIdentifier",
    ),
    "FreeTextInvoiceLines": Names(
        "FreeTextInvoiceLineEntity",
        "Free text invoice lines",
        "CustInvoiceLine",
        "Line number",
        "LineNumber",
    ),
    "ReturnOrderHeadersV2": Names(
        "ReturnOrderHeaderV2Entity",
        "Sales orders",
        "SalesTable",
        "Return order",
        "ReturnOrderNumber",
    ),
    "ReturnOrderLinesV2": Names(
        "ReturnOrderLineV2Entity",
        "Sales order lines",
        "SalesLine",
        "Lot ID",
        "ReturnInventoryLotId",
    ),
}
"""Those of sales orders, customers and customer groups are recorded, the others assumed."""


def names_of(entity_set: EntitySet) -> Names:
    """The set's own names, or ones made up from its type."""
    type_name, key = entity_set.type_name.rpartition(".")[2], entity_set.keys[-1]
    made_up = Names(f"{type_name}Entity", entity_set.name, type_name, key, key)
    return _NAMES.get(entity_set.name, made_up)
