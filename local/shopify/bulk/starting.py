"""The mutations and queries of bulk operations: they start, show and cancel them."""

from datetime import timedelta
from typing import Any

from local.shopify.bulk.checks import mutation_problem, query_problem
from local.shopify.bulk_records import BulkOperation
from local.shopify.ids import gid
from local.shopify.mutation_root import MutationRoot
from local.shopify.nodes import Connection, Request, connect, not_simulated, parse_gid, utc
from local.shopify.query_root import QueryBase
from local.shopify.search import Reader
from local.shopify.user_errors import user_error

#: Of one kind, app and shop, since 2026-01; before it was one.
MOST_AT_ONCE = 5
_LARGEST = 100 * 1024 * 1024
_NO_FILE = (
    "The JSONL file could not be found. Try uploading the file again, and check that you've entered the URL correctly "
    "for the stagedUploadPath mutation argument."
)
_CLIENT_LENGTHS = (10, 255)


class BulkMutations(MutationRoot):
    def bulk_operation_run_query(self, query: str, *, group_objects: bool = False) -> dict[str, Any]:
        problem = query_problem(self._request, query) or _too_many(self._request, "QUERY")
        if problem:
            return {"bulkOperation": None, "userErrors": [problem]}
        made = _start(self._request, "QUERY", query)
        made.is_grouped = group_objects
        return {"bulkOperation": bulk_document(self._request, made), "userErrors": []}

    def bulk_operation_run_mutation(
        self,
        mutation: str,
        staged_upload_path: str,
        client_identifier: str | None = None,
        *,
        group_objects: bool | None = True,
    ) -> dict[str, Any]:
        """`group_objects` is deprecated and changes nothing: results of mutations are by line."""
        del group_objects
        problem = (
            mutation_problem(self._request, mutation)
            or _client_problem(client_identifier)
            or _file_problem(self._request, staged_upload_path)
            or _too_many(self._request, "MUTATION")
        )
        if problem:
            return {"bulkOperation": None, "userErrors": [problem]}
        made = _start(self._request, "MUTATION", mutation)
        content = self._request.shop.uploads[staged_upload_path].content
        assert content is not None
        made.lines = [line for line in content.decode().split("\n") if line.strip()]
        return {"bulkOperation": bulk_document(self._request, made), "userErrors": []}

    def bulk_operation_cancel(self, id_: str) -> dict[str, Any]:
        found = self._request.shop.bulk_operations.get(parse_gid(id_, "BulkOperation"))
        if found is None:
            return {"bulkOperation": None, "userErrors": [user_error(["id"], "Bulk operation does not exist")]}
        problems = []
        if found.has_ended:
            status = found.status(self._request.shop.clock()).lower()
            problems.append(user_error(None, f"A bulk operation cannot be canceled when it is {status}"))
        else:
            found.state = "CANCELING"
        return {"bulkOperation": bulk_document(self._request, found), "userErrors": problems}


def _start(request: Request, kind: str, document: str) -> BulkOperation:
    shop = request.shop
    now = shop.clock()
    made = BulkOperation(
        shop.next_catalogue_id(),
        kind,
        document,
        now,
        now + timedelta(seconds=shop.bulk_seconds),
        request.token_scopes,
        request.version,
    )
    shop.bulk_operations[made.id] = made
    return made


def _too_many(request: Request, kind: str) -> dict[str, Any] | None:
    running = [each for each in request.shop.bulk_operations.values() if each.kind == kind and not each.has_ended]
    if len(running) < MOST_AT_ONCE:
        return None
    ids = ", ".join(gid("BulkOperation", each.id) for each in running)
    text = f"A bulk {kind.lower()} operation for this app and shop is already in progress: {ids}."
    return user_error(None, text, "OPERATION_IN_PROGRESS")


def _client_problem(client: str | None) -> dict[str, Any] | None:
    shortest, longest = _CLIENT_LENGTHS
    if client is not None and len(client) < shortest:
        text = f"is too short (minimum is {shortest} characters)"
        return user_error(["clientIdentifier"], text, "INVALID_MUTATION")
    if client is not None and len(client) > longest:
        text = f"is too long (maximum is {longest} characters)"
        return user_error(["clientIdentifier"], text, "INVALID_MUTATION")
    return None


def _file_problem(request: Request, path: str) -> dict[str, Any] | None:
    upload = request.shop.uploads.get(path)
    if upload is None or upload.content is None or upload.resource != "BULK_MUTATION_VARIABLES":
        return user_error(None, _NO_FILE, "NO_SUCH_FILE")
    if not upload.content:
        return user_error(None, "The input file is empty.", "INVALID_STAGED_UPLOAD_FILE")
    if len(upload.content) > _LARGEST:
        text = "The input file size exceeds the maximum allowed size of 100 MB."
        return user_error(None, text, "INVALID_STAGED_UPLOAD_FILE")
    return None


_SEARCH: dict[str, Reader] = {
    "id": lambda row: [row[0].id],
    "status": lambda row: [row[1]],
    "operation_type": lambda row: [row[0].kind],
    "created_at": lambda row: [row[0].created_at],
}


class BulkQueries(QueryBase):
    def bulk_operation(self, id_: str) -> dict[str, Any] | None:
        found = self._shop.bulk_operations.get(parse_gid(id_, "BulkOperation"))
        return bulk_document(self._request, found) if found else None

    def bulk_operations(
        self, *, query: str | None = None, sort_key: str = "CREATED_AT", reverse: bool = False, **window: Any
    ) -> Connection:
        """The newest first."""
        if sort_key != "CREATED_AT":
            raise not_simulated(f"bulkOperations sorted by {sort_key}")
        now = self._shop.clock()
        rows = [(each, each.status(now)) for each in self._shop.bulk_operations.values()]
        return connect(
            self._request,
            self._search("bulkOperations", _SEARCH).filter(query, rows),
            lambda row: bulk_document(self._request, row[0]),
            lambda row: (row[0].created_at.isoformat(), row[0].id),
            reverse=not reverse,
            **window,
        )


def bulk_document(request: Request, operation: BulkOperation) -> dict[str, Any]:
    shop = request.shop
    status = operation.status(shop.clock())
    address = f"{request.simulator.url}/{shop.seed.domain}/_sim/bulk/{operation.id}.jsonl"
    has_file = operation.result is not None and status != "EXPIRED"
    return {
        "__typename": "BulkOperation",
        "id": gid("BulkOperation", operation.id),
        "status": status,
        "type": operation.kind,
        "query": operation.query,
        "errorCode": operation.error_code,
        "createdAt": utc(operation.created_at),
        "completedAt": utc(operation.completed_at) if operation.completed_at else None,
        "objectCount": len(operation.rows),
        "rootObjectCount": operation.root_count,
        "fileSize": len(operation.result) if operation.result is not None else None,
        "url": address if has_file and status == "COMPLETED" else None,
        "partialDataUrl": address if has_file and status == "FAILED" else None,
    }
