"""F&O's metadata of its entity sets."""

from typing import NamedTuple
from xml.etree import ElementTree as ET

from builders.root import ROOT

METADATA = ROOT / "local/d365/metadata.xml"
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


class EntitySet(NamedTuple):
    keys: set[str]
    fields: set[str]


def read_entity_sets() -> dict[str, EntitySet]:
    schema = ET.parse(METADATA)
    types = {kind.get("Name"): kind for kind in schema.iter(f"{EDM}EntityType")}
    sets = {}
    for entity_set in schema.iter(f"{EDM}EntitySet"):
        kind = types[entity_set.get("EntityType", "").rpartition(".")[2]]
        keys = {ref.get("Name", "") for ref in kind.iter(f"{EDM}PropertyRef")}
        fields = {each.get("Name", "") for each in kind.iter(f"{EDM}Property")}
        sets[entity_set.get("Name", "")] = EntitySet(keys, fields)
    return sets


def read_public_names() -> dict[str, str]:
    """The entity behind each set."""
    sets = ET.parse(METADATA).iter(f"{EDM}EntitySet")
    return {each.get("Name", ""): each.get("EntityType", "").rpartition(".")[2] for each in sets}
