"""F&O's OData service: typed requests, rows with exact numbers, and an error of shared.errors for every bad answer.

The client retries only a call whose token was refused; the queue retries the rest, after the delay that an error has.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Protocol
from urllib.parse import quote
from uuid import uuid4

import httpx
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError

from shared.d365.entities import KEYS, READ_IF_THERE, WRITTEN_IF_THERE
from shared.d365.odata import batch
from shared.d365.odata.answers import Answer, Request, failure, personal_values, row, throttle_delay, unsettled
from shared.d365.odata.auth import EntraAuth
from shared.d365.odata.batch import CROSS_COMPANY, Operation
from shared.d365.odata.breaker import Breaker
from shared.d365.odata.exact_json import encode
from shared.d365.odata.filters import Filter, all_of, eq
from shared.d365.odata.known_fields import KnownFields
from shared.d365.odata.literals import ODataLiteral, keyed
from shared.d365.odata.slots import Slots
from shared.errors import ErrorCode, RefusedError, TransientError
from shared.model.fo_order import FoRow

_CONNECT_SECONDS: Final = 5.0
_COMPANY: Final = "dataAreaId"


@dataclass(frozen=True, slots=True)
class FoCall:
    """One HTTP call to F&O, for telemetry."""

    method: str
    entity_set: str
    status: int | None
    """None when no answer came."""
    seconds: float
    request_id: str
    """F&O logs it as the client request id."""
    waited: float
    """Seconds until the call had a slot."""
    slots: int
    """How many calls the process might have under way."""


@dataclass(frozen=True, slots=True)
class Expand:
    """Rows that F&O answers with each row: a list of the fields `select` by the name of the navigation to them."""

    navigation: str
    """And the name of their set."""
    select: Sequence[str]


class RowReader(Protocol):
    """What reading long lists needs of ODataClient."""

    def pages(
        self,
        entity_set: str,
        *,
        company: str,
        where: Filter | None = None,
        select: Sequence[str],
        order_by: Sequence[str] = (),
    ) -> AsyncIterator[list[FoRow]]: ...


class CountedReader(Protocol):
    """A reader that checks that it was shown all rows."""

    def pages(
        self,
        entity_set: str,
        *,
        company: str,
        where: Filter | None = None,
        select: Sequence[str],
        order_by: Sequence[str] = (),
        counted: bool = False,
    ) -> AsyncIterator[list[FoRow]]: ...


class ServiceCaller(Protocol):
    """What asking a custom service needs of ODataClient."""

    async def ask_service(self, path: str, question: FoRow) -> FoRow: ...


class ODataClient:
    """One F&O environment, called as the app's F&O user. Use one for the whole process; close it at the end.

    Raises RefusedError (FO_REJECTED, FO_SET_MISSING, FO_CONFLICT, FO_WRONG_COMPANY) for what stays wrong, DeniedError,
    ThrottledError and TransientError for what may be sent again, and OutcomeUnknownError for a write that may have
    happened.
    """

    def __init__(
        self,
        base_url: str,
        credential: AsyncTokenCredential,
        *,
        slots: Slots,
        timeout: float,
        breaker: Breaker,
        on_call: Callable[[FoCall], None],
        transport: httpx.AsyncBaseTransport | None = None,
        knows_fields: bool = False,
    ) -> None:
        """Each call takes one of the slots; after `timeout` seconds its answer counts as lost.

        With `knows_fields` F&O is asked once which fields a set has.
        """
        self._root = httpx.URL(f"{base_url.rstrip('/')}/data/")
        self._metadata = httpx.URL(f"{base_url.rstrip('/')}/metadata/")
        self._services = httpx.URL(f"{base_url.rstrip('/')}/api/services/")
        self._known = KnownFields(self.public_entity) if knows_fields else None
        self._slots = slots
        self._breaker = breaker
        self._on_call = on_call
        self._timeout = timedelta(seconds=timeout)
        self._http = httpx.AsyncClient(
            auth=EntraAuth(credential, base_url),
            timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS),
            # F&O's load balancer ties a client to one server by cookie; without it the load spreads.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"Accept": "application/json"},
            transport=transport,
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    async def query(
        self,
        entity_set: str,
        *,
        company: str,
        where: Filter | None = None,
        select: Sequence[str],
        order_by: Sequence[str] = (),
        key: Sequence[str] = (),
        expand: Expand | None = None,
    ) -> list[FoRow]:
        """All rows that fit, over all pages, in the order of `pages`.

        Where there may be many thousands of rows use `pages`, which keeps one page at a time.
        """
        rows: list[FoRow] = []
        pages = self.pages(
            entity_set, company=company, where=where, select=select, order_by=order_by, key=key, expand=expand
        )
        async for page in pages:
            rows += page
        return rows

    async def pages(
        self,
        entity_set: str,
        *,
        company: str,
        where: Filter | None = None,
        select: Sequence[str],
        order_by: Sequence[str] = (),
        key: Sequence[str] = (),
        counted: bool = False,
        expand: Expand | None = None,
    ) -> AsyncIterator[list[FoRow]]:
        """The rows that fit, a page at a time; the next page is read when it is asked for.

        Ordered by `order_by` and then by the entity's key: F&O pages by counting rows, so only a complete order keeps
        rows from being missed or returned twice. A set that is not in KEYS needs its `key`.

        With `expand` each row has the related ones under their navigation's name, and F&O's lists of those are whole.

        With `counted`, F&O is asked how many rows there are, and fewer raise RefusedError FO_READ_SHORT after the last
        page: nothing may be taken for deleted then.
        """
        key = key or KEYS[entity_set]
        order = (*order_by, *key)
        absent = await self._absent(entity_set, (*select, *order), READ_IF_THERE)
        if expand is not None:
            await self._absent(expand.navigation, expand.select, {})
        first = _first_page(
            entity_set,
            company=company,
            where=where,
            is_by_company=_COMPANY in key,
            select=[field for field in select if field not in absent],
            order_by=[field for field in order if field not in absent],
            counted=counted,
            expand=expand,
        )
        request = Request(f"GET {entity_set}", writes=False)
        expected: int | None = None
        read = 0
        url: httpx.URL | None = self._url(first)
        while url is not None:
            answer = await self._send("GET", url, request)
            if answer.status == httpx.codes.NOT_FOUND:  # of a list; of a record it means that there is none
                raise RefusedError(ErrorCode.FO_SET_MISSING, entity_set=entity_set)
            page = row(answer, request)
            if "value" not in page:
                raise unsettled(request, f"F&O answered {request.what} with something that is not a list")
            rows: list[FoRow] = page["value"]
            if _COMPANY in key:
                _assert_company(rows, company)
            if expand is not None:
                _assert_whole(rows, expand, company)
            read += len(rows)
            if counted and (count := page.get("@odata.count")) is not None:
                expected = max(count, expected or 0)  # a row that is deleted meanwhile moves others between the pages
            link = page.get("@odata.nextLink")
            url = self._same_origin(link) if link is not None else None
            del answer, page  # two pages of 10,000 rows are never in memory together
            yield rows
            del rows
        if expected is not None and read < expected:
            raise RefusedError(ErrorCode.FO_READ_SHORT, entity_set=entity_set, expected=expected, read=read)

    async def get(self, entity_set: str, key: Mapping[str, ODataLiteral]) -> FoRow | None:
        """The record with this key, None when there is none (or none that the app may see)."""
        request = Request(f"GET {entity_set}", writes=False)
        answer = await self._send("GET", self._record(entity_set, key), request)
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        found = row(answer, request)
        _assert_company([found], str(key[_COMPANY]))
        return found

    async def create(self, entity_set: str, record: FoRow) -> FoRow:
        """The record as F&O stored it, with the defaults and numbers that F&O set."""
        record = await self._writable(entity_set, record)
        request = Request(f"POST {entity_set}", writes=True, personal=personal_values([record]))
        url = self._url(f"{entity_set}?{CROSS_COMPANY}")
        created = row(await self._send("POST", url, request, encode(record).encode()), request)
        if not created:
            raise unsettled(request, f"F&O answered {request.what} without the record")
        _assert_company([created], record[_COMPANY])
        return created

    async def update(self, entity_set: str, key: Mapping[str, ODataLiteral], changes: FoRow) -> None:
        changes = await self._writable(entity_set, changes)
        request = Request(f"PATCH {entity_set}", writes=True, personal=personal_values([changes]))
        row(await self._send("PATCH", self._record(entity_set, key), request, encode(changes).encode()), request)

    async def delete(self, entity_set: str, key: Mapping[str, ODataLiteral]) -> None:
        request = Request(f"DELETE {entity_set}", writes=True)
        row(await self._send("DELETE", self._record(entity_set, key), request), request)

    async def change_set(self, operations: Sequence[Operation]) -> list[FoRow]:
        """All of the operations or none, in one HTTP request; one row for each, {} for PATCH and DELETE."""
        if self._known is not None:
            operations = [
                replace(each, body=await self._writable(each.entity_set, each.body)) if each.body is not None else each
                for each in operations
            ]
        request = Request(
            f"a change set of {len(operations)} operations",
            writes=True,
            personal=personal_values(operation.body for operation in operations),
        )
        boundary = f"batch_{uuid4().hex}"
        answer = await self._send(
            "POST",
            self._url("$batch"),
            request,
            batch.write(operations, boundary),
            content_type=f"multipart/mixed; boundary={boundary}",
        )
        if not httpx.codes.is_success(answer.status):
            raise failure(answer, request)
        rows = batch.read(answer.headers.get("content-type", ""), answer.body, operations)
        for operation, written in zip(operations, rows, strict=True):
            if operation.method == "POST":
                _assert_company([written], (operation.body or {})[_COMPANY])
        return rows

    async def ask_service(self, path: str, question: FoRow) -> FoRow:
        """What a custom service of the tenant answers that changes nothing. `path` is below /api/services."""
        request = Request(f"POST {path}", writes=False)
        return row(await self._send("POST", self._services.join(path), request, encode(question).encode()), request)

    async def public_entity(self, name: str) -> FoRow | None:
        """The metadata of a public entity, None where F&O does not tell."""
        request = Request("GET PublicEntities", writes=False)
        answer = await self._send("GET", self._metadata.join(f"PublicEntities('{name}')"), request)
        try:
            return row(answer, request) if httpx.codes.is_success(answer.status) else None
        except TransientError:  # a page of a gateway
            return None

    async def _absent(
        self, entity_set: str, fields: Collection[str], dispensable: Mapping[str, Collection[str]]
    ) -> frozenset[str]:
        """See KnownFields.absent."""
        return await self._known.absent(entity_set, fields, dispensable) if self._known else frozenset()

    async def _writable(self, entity_set: str, record: FoRow) -> FoRow:
        absent = await self._absent(entity_set, record, WRITTEN_IF_THERE)
        return {field: value for field, value in record.items() if field not in absent}

    def _record(self, entity_set: str, key: Mapping[str, ODataLiteral]) -> httpx.URL:
        return self._url(f"{keyed(entity_set, key)}?{CROSS_COMPANY}")

    def _url(self, below: str) -> httpx.URL:
        """URL.join would parse a long query three times."""
        return httpx.URL(f"{self._root}{below}")

    def _same_origin(self, link: str) -> httpx.URL:
        """The page's address. Refuses one of another origin, which must not receive the token."""
        url = self._root.join(link)
        if (url.scheme, url.netloc) != (self._root.scheme, self._root.netloc):
            raise RefusedError(
                ErrorCode.FO_REJECTED, what="paging", infolog=f"the link to the next page leads to {url.host}"
            )
        return url

    async def _send(
        self,
        method: str,
        url: httpx.URL,
        request: Request,
        content: bytes | None = None,
        *,
        content_type: str = "application/json; charset=utf-8",
    ) -> Answer:
        """One call, as soon as it has a slot: F&O's answer of any status, or the error for no answer."""
        asked = time.monotonic()
        slot = await self._slots.take()
        waited = time.monotonic() - asked
        ended = True
        try:
            await self._breaker.before()
            request_id = str(uuid4())
            headers = {"x-ms-client-request-id": request_id}
            if content is not None:
                headers["Content-Type"] = content_type
            slot.start()
            started = time.monotonic()
            status = None
            try:
                response = await self._http.request(method, url, content=content, headers=headers)
                status = response.status_code
            except AzureError as error:
                raise TransientError(f"no token for F&O: {type(error).__name__}") from error
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                await self._breaker.failure()
                raise TransientError(f"F&O cannot be reached: {type(error).__name__}") from error
            except httpx.RequestError as error:
                # F&O may still be executing a call that timed out: a read right away could miss its result.
                ended = not isinstance(error, httpx.ReadTimeout)
                await self._breaker.failure()
                wait = None if ended or not request.writes else self._timeout
                raise unsettled(request, f"no answer to {request.what}: {type(error).__name__}", wait=wait) from error
            except asyncio.CancelledError:
                ended = False
                raise
            finally:
                entity_set = url.path.removeprefix(self._root.path).partition("(")[0]
                seconds = time.monotonic() - started
                self._on_call(FoCall(method, entity_set, status, seconds, request_id, waited, slot.among))
            ended = status != httpx.codes.GATEWAY_TIMEOUT  # F&O may go on with what its gateway gave up
            await self._report_to_breaker(response)
        finally:
            slot.free(ended=ended)
        return Answer(response.status_code, response.headers, response.content)

    async def _report_to_breaker(self, response: httpx.Response) -> None:
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            await self._breaker.failure(throttle_delay(response.headers))
        elif response.status_code > httpx.codes.INTERNAL_SERVER_ERROR:
            await self._breaker.failure()
        else:
            # A 500 is about one record; F&O itself works.
            await self._breaker.success()


def _first_page(
    entity_set: str,
    *,
    company: str,
    where: Filter | None,
    is_by_company: bool,
    select: Sequence[str],
    order_by: Sequence[str],
    counted: bool,
    expand: Expand | None,
) -> str:
    """The address below /data. A few sets have rows of all companies, told apart by their other fields."""
    if is_by_company:
        ours = eq(_COMPANY, company)
        where, select = ours if where is None else all_of(ours, where), (_COMPANY, *select)
    options = {
        "$filter": where,
        "$select": ",".join(dict.fromkeys(select)),
        "$orderby": ",".join(dict.fromkeys(order_by)),
        "$count": "true" if counted else None,
        "$expand": f"{expand.navigation}($select={','.join((_COMPANY, *expand.select))})" if expand else None,
    }
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items() if value)
    return f"{entity_set}?{CROSS_COMPANY}&{asked}"


def _assert_whole(rows: Iterable[FoRow], expand: Expand, company: str) -> None:
    """That the related rows are of the company, and no page of them."""
    for each in rows:
        if f"{expand.navigation}@odata.nextLink" in each:
            read = len(each[expand.navigation])
            raise RefusedError(ErrorCode.FO_READ_SHORT, entity_set=expand.navigation, expected="more", read=read)
        _assert_company(each[expand.navigation], company)


def _assert_company(rows: Iterable[FoRow], company: str) -> None:
    """F&O may silently answer for another company; then the app would book in the wrong one."""
    for each in rows:
        found = str(each.get(_COMPANY, ""))
        if found.casefold() != company.casefold():
            raise RefusedError(ErrorCode.FO_WRONG_COMPANY, found=found or "(none)", company=company)
