"""Records of bulk operations."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: How long results can be fetched.
KEPT = timedelta(days=7)
ENDED = ("COMPLETED", "FAILED", "CANCELED", "EXPIRED")


@dataclass(slots=True, eq=False)
class BulkOperation:
    id: int
    #: QUERY or MUTATION
    kind: str
    #: the document that is run
    query: str
    created_at: datetime
    #: when it is run
    due_at: datetime
    scopes: frozenset[str]
    version: str
    #: of a mutation: the variables of each call, as they were uploaded
    lines: list[str] = field(default_factory=list)
    #: whether children stand behind their parents
    is_grouped: bool = False
    state: str = "CREATED"
    completed_at: datetime | None = None
    error_code: str | None = None
    #: the rows of the result
    rows: list[str] = field(default_factory=list)
    root_count: int = 0
    #: the file of the result, in UTF-8; None before the end, and without rows
    result: bytes | None = None

    def status(self, now: datetime) -> str:
        """Results are kept for a while."""
        if self.state == "COMPLETED" and self.completed_at and now >= self.completed_at + KEPT:
            return "EXPIRED"
        return self.state

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    def end(self, state: str, now: datetime, error_code: str | None = None) -> None:
        self.state, self.error_code = state, error_code
        if state != "CANCELED":
            self.completed_at = now
            self.result = "".join(f"{row}\n" for row in self.rows).encode() or None
