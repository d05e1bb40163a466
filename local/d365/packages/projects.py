"""Export projects of data management, and what it calls entities."""

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from local.d365.csdl import EntitySet, Schema

OUTCOMES: Final = ("Succeeded", "PartiallySucceeded", "Failed")
_WORDS: Final = re.compile(r"V\d+$|[A-Z]+(?![a-z])|[A-Z][a-z]*|\d+")


@dataclass(frozen=True, slots=True)
class ExportProject:
    name: str
    sets: tuple[str, ...]
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By entity set the fields that its mapping exports; all of a set that is not named."""
    incremental: bool = False
    """Only what was created or changed since the project's last run for the company."""
    seconds: int = 0
    """How long a run takes, by F&O's clock."""
    outcome: str = "Succeeded"
    """Of its runs; one that partially succeeds lacks the last row of each file."""
    encoding: str = "utf-8-sig"
    delimiter: str = ","


def parse_project(raw: Mapping[str, Any], schema: Schema) -> ExportProject:
    """Raises KeyError, TypeError or ValueError for what cannot be."""
    unknown = raw.keys() - {each.name for each in fields(ExportProject)}
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
    mapping = {set_name: tuple(names) for set_name, names in raw.get("fields", {}).items()}
    project = ExportProject(**{**raw, "sets": tuple(raw["sets"]), "fields": mapping})
    codecs.lookup(project.encoding)
    for set_name in project.sets:
        if set_name not in schema.sets:
            raise ValueError(f"there is no entity set {set_name}")
    for set_name, names in mapping.items():
        for name in names:
            if set_name not in project.sets or name not in schema.sets[set_name].properties:
                raise ValueError(f"the project has no {set_name} with a field {name}")
    if project.outcome not in OUTCOMES:
        raise ValueError(f"outcome is one of {', '.join(OUTCOMES)}")
    return project


def data_entity(entity_set: EntitySet) -> str:
    """What data management calls the entity of a set: `Released products V2`."""
    first, *others = _WORDS.findall(entity_set.name)
    return " ".join([first, *(each if each.isupper() else each.lower() for each in others)])


def target_entity(entity_set: EntitySet) -> str:
    return f"{entity_set.type_name.rpartition('.')[2]}Entity"
