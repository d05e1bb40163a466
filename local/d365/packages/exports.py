"""Running export projects: what `DataManagementDefinitionGroups` does, and what may be read of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from local.d365 import edm
from local.d365.books import Books
from local.d365.csdl import EntitySet
from local.d365.edm import Value
from local.d365.errors import invalid_body, not_simulated, write_refused
from local.d365.packages.files import SOURCE_FORMAT, data_file, package
from local.d365.packages.projects import ExportProject, data_entity, target_entity
from local.d365.tables import Row

ACTIONS: Final = "DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities."
_LINK_LASTS: Final = timedelta(hours=1)
_STAGING: Final = {"Executing": "Executing", "Failed": "Error"}


@dataclass(frozen=True, slots=True)
class Execution:
    id: str
    project: ExportProject
    company: str
    started: datetime
    ends: datetime
    rows: Mapping[str, int]
    """By entity set how many rows its file has."""
    content: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """An address with a signature: whoever has it may fetch the package until it expires."""

    execution: str
    expires: datetime


class Exports:
    def __init__(self, books: Books, rows: Callable[[str], Iterable[Row]]) -> None:
        """`rows` gives all rows of an entity set."""
        self._books = books
        self._rows = rows
        self.projects: dict[str, ExportProject] = {}
        self._executions: dict[str, Execution] = {}
        self._links: dict[str, Link] = {}
        self._exported: dict[tuple[str, str], datetime] = {}
        """By project and company when it ran last."""

    def act(self, action: str, body: bytes, base_url: str) -> str:
        """The value that an action answers. Raises ODataError."""
        try:
            raw = edm.loads(body or b"{}")
        except ValueError as error:
            raise invalid_body(f"The request body is not valid JSON: {error}") from error
        if not isinstance(raw, dict):
            raise invalid_body("The request body is not a JSON object.")
        match action:
            case "ExportToPackage" | "ExportToPackageAsync":
                return self._export(raw, most=None)
            case "ExportToPackagePreview" | "ExportToPackagePreviewAsync":
                return self._export(raw, most=_number(raw, "count"))
            case "GetExecutionSummaryStatus":
                execution = self._executions.get(_text(raw, "executionId"))
                return "Unknown" if execution is None else self._status(execution)
            case "GetExportedPackageUrl":
                return self._link(self._execution(raw), base_url)
            case "GetExecutionErrors":
                return self._errors(self._execution(raw))
            case "InitializeDataManagement":
                return ""
        raise not_simulated(f"the action {action}")

    def fetch(self, signature: str) -> bytes | None:
        """The package behind a link; None for one that was never given, or has expired."""
        link = self._links.get(signature)
        if link is None or self._books.clock() >= link.expires:
            return None
        return self._executions[link.execution].content

    def _export(self, raw: Mapping[str, Any], *, most: int | None) -> str:
        project = self.projects.get(_text(raw, "definitionGroupId"))
        company, name = _text(raw, "legalEntityId").lower(), _text(raw, "packageName")
        if project is None:
            raise write_refused(500, f"The definition group {raw['definitionGroupId']} does not exist.")
        if company not in self._books.world.companies:
            raise write_refused(500, f"The legal entity {raw['legalEntityId']} does not exist.")
        now = self._books.clock()
        execution_id = str(raw.get("executionId") or f"{project.name}-{uuid4()}")
        since = self._exported.get((project.name, company)) if project.incremental else None
        files = [
            data_file(project, entity_set, self._of_company(project, entity_set, company, since, most))
            for entity_set in (self._books.schema.sets[set_name] for set_name in project.sets)
        ]
        self._executions[execution_id] = Execution(
            id=execution_id,
            project=project,
            company=company,
            started=now,
            ends=now + timedelta(seconds=project.seconds),
            rows={file.entity_set.name: file.rows for file in files},
            content=package(project, name, files),
        )
        if most is None and project.outcome != "Failed":
            self._exported[project.name, company] = now
        return execution_id

    def _of_company(
        self, project: ExportProject, entity_set: EntitySet, company: str, since: datetime | None, most: int | None
    ) -> list[Row]:
        rows = [
            row
            for row in self._rows(entity_set.name)
            if (not entity_set.by_company or row.values["dataAreaId"] == company)
            and (since is None or row.modified >= since)
        ]
        return (rows[:-1] if project.outcome == "PartiallySucceeded" else rows)[:most]

    def _execution(self, raw: Mapping[str, Any]) -> Execution:
        execution = self._executions.get(_text(raw, "executionId"))
        if execution is None:
            raise write_refused(500, f"The execution {raw['executionId']} does not exist.")
        return execution

    def _status(self, execution: Execution) -> str:
        return "Executing" if self._books.clock() < execution.ends else execution.project.outcome

    def _link(self, execution: Execution, base_url: str) -> str:
        if self._status(execution) in ("Executing", "Failed"):
            raise write_refused(500, f"The execution {execution.id} has no package.")
        signature = uuid4().hex
        expires = self._books.clock() + _LINK_LASTS
        self._links[signature] = Link(execution.id, expires)
        return f"{base_url}/_blob/dmf/{execution.id}.zip?se={expires:%Y-%m-%dT%H:%M:%SZ}&sig={signature}"

    def _errors(self, execution: Execution) -> str:
        if self._status(execution) in ("Executing", "Succeeded"):
            return ""
        names = ", ".join(data_entity(self._books.schema.sets[each]) for each in execution.project.sets)
        return f"Results: Data management execution {execution.id}: records of {names} could not be exported."

    def entities(self) -> Iterator[Row]:
        """DataManagementEntities: what data management calls the entities."""
        tracked = {each for project in self.projects.values() if project.incremental for each in project.sets}
        for entity_set in self._books.schema.sets.values():
            yield self._seen(
                "DataManagementEntities",
                {
                    "EntityName": data_entity(entity_set),
                    "TargetName": target_entity(entity_set),
                    "StagingTableName": f"{entity_set.type_name.rpartition('.')[2]}Staging",
                    "EntityIsEnabled": "Yes",
                    "IsShared": "No" if entity_set.by_company else "Yes",
                    "ChangeTrackingType": "ALL" if entity_set.name in tracked else "None",
                },
            )

    def groups(self) -> Iterator[Row]:
        for project in self.projects.values():
            values: dict[str, Value] = {
                "Name": project.name,
                "OperationType": "Export",
                "ProjectCategory": "Integration",
            }
            yield self._seen("DataManagementDefinitionGroups", values | {"GenerateDataPackage": "Yes"})

    def group_details(self) -> Iterator[Row]:
        for project in self.projects.values():
            for number, set_name in enumerate(project.sets, start=1):
                yield self._seen(
                    "DataManagementDefinitionGroupDetails",
                    {
                        "DefinitionGroupId": project.name,
                        "EntityName": data_entity(self._books.schema.sets[set_name]),
                        "SourceFormat": SOURCE_FORMAT,
                        "DefaultRefreshType": "IncrementalPush" if project.incremental else "FullPush",
                        "ExecutionUnit": 1,
                        "LevelInExecutionUnit": 1,
                        "SequenceInLevel": number,
                    },
                )

    def jobs(self) -> Iterator[Row]:
        for execution in self._executions.values():
            yield self._seen(
                "DataManagementExecutionJobs", {"JobId": execution.id, "Description": execution.project.name}
            )

    def job_details(self) -> Iterator[Row]:
        for execution in self._executions.values():
            status = _STAGING.get(self._status(execution), "Finished")
            for set_name, rows in execution.rows.items():
                yield self._seen(
                    "DataManagementExecutionJobDetails",
                    {
                        "DefinitionGroupId": execution.project.name,
                        "JobId": execution.id,
                        "EntityName": data_entity(self._books.schema.sets[set_name]),
                        "SourceFormat": SOURCE_FORMAT,
                        "StagingStatus": status,
                        "TargetStatus": status,
                        "StagingRecordsCreatedCount": rows,
                        "TargetRecordsCreatedCount": rows if status == "Finished" else 0,
                        "StagingStartDateTime": execution.started.replace(microsecond=0),
                        "TargetEndDateTime": execution.ends.replace(microsecond=0),
                    },
                )

    def _seen(self, set_name: str, values: Mapping[str, Value]) -> Row:
        now = self._books.clock()
        return Row(self._books.record(set_name, values), 0, 1, now, now)


VIEWS: Final[Mapping[str, Callable[[Exports], Iterator[Row]]]] = {
    "DataManagementEntities": Exports.entities,
    "DataManagementDefinitionGroups": Exports.groups,
    "DataManagementDefinitionGroupDetails": Exports.group_details,
    "DataManagementExecutionJobs": Exports.jobs,
    "DataManagementExecutionJobDetails": Exports.job_details,
}


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value:
        raise invalid_body(f"The parameter '{name}' is missing.")
    return value


def _number(raw: Mapping[str, Any], name: str) -> int:
    value = raw.get(name)
    if not isinstance(value, int) or value < 1:
        raise invalid_body(f"The parameter '{name}' is missing.")
    return value
