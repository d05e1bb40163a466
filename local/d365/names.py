"""What F&O calls things in its messages; the metadata does not tell."""

from dataclasses import dataclass

from local.d365.csdl import EntitySet
from local.d365.edm import Values


@dataclass(frozen=True, slots=True)
class Names:
    """`entity` in write errors; the others where a record is refused: `title (table). key_label: key, description`."""

    entity: str
    title: str
    table: str
    key_label: str
    key: str
    description: str = ""

    def record(self, values: Values) -> str:
        shown = [str(values[name]) for name in (self.key, self.description) if name]
        return f"{self.title} ({self.table}). {self.key_label}: {', '.join(shown)}"


def _order(entity: str) -> Names:
    return Names(entity, "Sales orders", "SalesTable", "Sales order", "SalesOrderNumber", "SalesOrderName")


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
    ),
    "CustomerGroups": Names(
        "CustCustomerGroupEntity",
        "Customer groups",
        "CustGroup",
        "Customer group",
        "CustomerGroupId",
        "Description",
    ),
}


def names_of(entity_set: EntitySet) -> Names:
    """The set's own names, or ones made up from its type."""
    type_name, key = entity_set.type_name.rpartition(".")[2], entity_set.keys[-1]
    made_up = Names(f"{type_name}Entity", entity_set.name, type_name, key, key)
    return _NAMES.get(entity_set.name, made_up)
