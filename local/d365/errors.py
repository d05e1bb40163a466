"""The bodies F&O refuses with, in its own shapes."""

from dataclasses import dataclass, field
from typing import Any

_WRITE_EXCEPTION = "Microsoft.Dynamics.Platform.Integration.Services.OData.AxODataWriteException"
_QUERY_EXCEPTION = "Microsoft.OData.ODataException"


class ODataError(Exception):
    """A refusal: what the answer's status and JSON body are. A body of None is an empty one."""

    def __init__(self, status: int, body: dict[str, Any] | None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def no_route(url: str) -> ODataError:
    """An address that F&O does not know: its web server answers, in a shape of its own."""
    return ODataError(
        404,
        {
            "Message": f"No HTTP resource was found that matches the request URI '{url}'.",
            "MessageDetail": "No route data was found for this request.",
        },
    )


def _envelope(status: int, message: str, inner: str, exception: str) -> ODataError:
    innererror = {"message": inner, "type": exception, "stacktrace": ""}
    return ODataError(status, {"error": {"code": "", "message": message, "innererror": innererror}})


def invalid_query(reason: str) -> ODataError:
    return _envelope(400, f"The query specified in the URI is not valid. {reason}", reason, _QUERY_EXCEPTION)


def invalid_body(reason: str) -> ODataError:
    return _envelope(400, "An error has occurred.", reason, _QUERY_EXCEPTION)


def write_refused(status: int, reason: str) -> ODataError:
    """A write that fails outside a table's own rules (no such row, a read-only set)."""
    return _envelope(status, "An error has occurred.", reason, _WRITE_EXCEPTION)


_PASSING = {
    "update_conflict": "Cannot edit a record in {table}. An update conflict occurred due to another user process "
    "deleting the record or changing one or more fields in the record.",
    "never_selected": "Cannot edit a record in {table}. The record was never selected.",
    "no_number": "Could not allocate number sequence.",
    "timed_out": "Request timed out.",
}


def passing(kind: str, entity: str, record_table: str) -> ODataError:
    """What passes by itself. `record_table` is the title of the record's table with the table's name."""
    reason = _PASSING[kind].format(table=record_table)
    return write_refused(500, f"Write failed for table row of type '{entity}'. {reason}")


def read_failed(set_name: str) -> ODataError:
    """A read that F&O gives up: a query that took too long, a server that went down."""
    return _envelope(500, "An error has occurred.", f"Reading {set_name} failed.", _QUERY_EXCEPTION)


def not_simulated(what: str) -> ODataError:
    """What F&O does and this simulator does not: refused loudly, never answered wrongly."""
    return ODataError(501, {"Message": f"NOT_SIMULATED: {what}"})


def unknown_property(name: str, type_name: str) -> str:
    return f"Could not find a property named '{name}' on type '{type_name}'."


@dataclass
class Infolog:
    """
    F&O's message log of one write. Collect with `warn`, `error` and `note`, then call `raise_if_any`.

    The recorded error texts join messages with "; " and end with one more full stop, hence F&O's well-known "..".
    """

    entity: str
    """The entity type that the write addresses."""
    data_source: str
    """The table whose validation refuses a record."""
    entries: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.entries.append(f"Info: {text}")

    def warn(self, text: str) -> None:
        self.entries.append(f"Warning: {text}")

    def error(self, text: str) -> None:
        self.entries.append(f"Error: {text}")

    def reject_field(self, name: str, text: str) -> None:
        """A field's value was refused by its validation."""
        self.warn(text)
        self.warn(f"validateField failed on field '{self.entity}.{name}'")

    def reject_unrelated(self, name: str, value: object, label: str, related: str) -> None:
        """A reference leads nowhere."""
        self.reject_field(
            name, f"The value '{value}' in field '{label}' is not found in the related table '{related}'."
        )

    def reject_write(self, text: str) -> None:
        """The record as a whole was refused by the validation of its table."""
        self.warn(text)
        self.warn(f"validateWrite failed on data source '{self.data_source} ({self.data_source})'")

    def cancel_write(self, text: str) -> None:
        """The record passed validation, and the update of the table then stopped."""
        self.warn(text)
        self.error("Update has been canceled.")

    def raise_if_any(self) -> None:
        if self.entries:
            joined = "; ".join(self.entries)
            raise write_refused(400, f"Write failed for table row of type '{self.entity}'. Infolog: {joined}.")
