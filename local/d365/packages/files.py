"""The files of a package: a CSV file for each entity, manifest and header."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from xml.etree import ElementTree as ET

from local.d365 import edm
from local.d365.csdl import EntitySet
from local.d365.edm import Value
from local.d365.packages.projects import ExportProject, data_entity, target_entity
from local.d365.tables import Row, SparseValues

_NAMESPACE: Final = "http://schemas.microsoft.com/dynamics/2015/01/DataManagement"
SOURCE_FORMAT: Final = "CSV-Unicode"
_FORBIDDEN: Final = str.maketrans("", "", '\\/:*?"<>|')
"""Characters that file names cannot have."""


@dataclass(frozen=True, slots=True)
class DataFile:
    name: str
    entity_set: EntitySet
    content: bytes
    rows: int


def data_file(project: ExportProject, entity_set: EntitySet, rows: Sequence[Row]) -> DataFile:
    """A file of one company does not say which: dataAreaId is left out."""
    chosen = project.fields.get(entity_set.name) or tuple(entity_set.properties)
    columns = [name for name in chosen if name != "dataAreaId"]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=project.delimiter, lineterminator="\r\n")
    writer.writerow([name.upper() for name in columns])
    writer.writerows(_lines(entity_set, columns, rows))
    name = f"{data_entity(entity_set).translate(_FORBIDDEN)}.csv"
    return DataFile(name, entity_set, text.getvalue().encode(project.encoding), len(rows))


def package(project: ExportProject, name: str, files: Iterable[DataFile]) -> bytes:
    """The zip file."""
    held = list(files)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Manifest.xml", _manifest(project, held))
        archive.writestr("PackageHeader.xml", _header(name))
        for file in held:
            archive.writestr(file.name, file.content)
    return packed.getvalue()


def _lines(entity_set: EntitySet, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[list[str]]:
    places = {name: place for place, name in enumerate(columns)}
    blank = [_text(entity_set, name, edm.default(entity_set.properties[name])) for name in columns]
    for row in rows:
        line = blank.copy()
        # Most of hundreds of fields are as in a new record: only the others have to be written out.
        given: Mapping[str, Value] = row.values.given if isinstance(row.values, SparseValues) else row.values
        for name, value in given.items():
            place = places.get(name)
            if place is not None:
                line[place] = _text(entity_set, name, value)
        yield line


def _text(entity_set: EntitySet, name: str, value: Value) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:.6f}"
        case datetime() if entity_set.properties[name].is_date_only:
            return f"{value:%Y-%m-%d} 00:00:00"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case _:
            return str(value)


def _manifest(project: ExportProject, files: Iterable[DataFile]) -> bytes:
    root = ET.Element("DataManagementPackageManifest", {"xmlns": _NAMESPACE})
    ET.SubElement(root, "DefinitionGroupName").text = project.name
    ET.SubElement(root, "Description").text = ""
    entities = ET.SubElement(root, "PackageEntityList")
    for number, file in enumerate(files, start=1):
        data = ET.SubElement(entities, "DataManagementPackageEntityData")
        for tag, text in (
            ("DefaultRefreshType", "IncrementalPush" if project.incremental else "FullPush"),
            ("Disable", "No"),
            ("EntityName", data_entity(file.entity_set)),
            ("ExecutionUnit", "1"),
            ("InputFilePath", file.name),
            ("LevelInExecutionUnit", "1"),
            ("SequenceInLevel", str(number)),
            ("SourceFormat", SOURCE_FORMAT),
            ("TargetEntity", target_entity(file.entity_set)),
        ):
            ET.SubElement(data, tag).text = text
    return _document(root)


def _header(name: str) -> bytes:
    root = ET.Element("DataManagementPackageHeader", {"xmlns": _NAMESPACE})
    for tag, text in (
        ("Description", name),
        ("ManifestType", "DataManagementPackageManifest"),
        ("PackageVersion", "2"),
    ):
        ET.SubElement(root, tag).text = text
    return _document(root)


def _document(root: ET.Element) -> bytes:
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document
