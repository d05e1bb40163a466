"""Bodies are given back as they were stored or not at all, and one of two writers of a snapshot fails."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from shared.errors import RefusedError, TransientError
from shared.store.blobs import Bodies, Snapshots
from tests.builders.memory_blobs import MemoryContainer


def status(code: int) -> HttpResponseError:
    error = HttpResponseError(message=f"HTTP {code}")
    error.status_code = code
    return error


class Failing:
    def __init__(self, problem: Exception) -> None:
        self.problem = problem

    async def download_blob(self, name: str) -> Any:
        raise self.problem


async def get(container: Any, sha256: str = "") -> bytes:
    return await Bodies(container).get("a", sha256=sha256)


async def test_a_body_is_given_back_under_the_checksum_it_was_stored_with() -> None:
    container: Any = MemoryContainer()
    await Bodies(container).put("a", b"first")
    checksum = await Bodies(container).put("a", b"{}")
    assert checksum == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert await get(container, checksum) == b"{}"


async def test_a_body_that_is_missing_or_was_changed_is_refused() -> None:
    container: Any = MemoryContainer()
    with pytest.raises(RefusedError) as missing:
        await get(container)
    checksum = await Bodies(container).put("a", b"{}")
    await container.upload_blob("a", b"[]", overwrite=True)
    with pytest.raises(RefusedError) as changed:
        await get(container, checksum)
    assert missing.value.code == changed.value.code == "CLAIM_MISSING"


@pytest.mark.parametrize("problem", [ValueError("no name"), status(400)])
async def test_a_name_that_no_blob_can_have_is_refused(problem: Exception) -> None:
    with pytest.raises(RefusedError) as refused:
        await get(Failing(problem))
    assert refused.value.code == "CLAIM_MISSING"


async def test_storage_that_is_away_says_nothing_about_the_body() -> None:
    with pytest.raises(HttpResponseError, match="HTTP 503"):
        await get(Failing(status(503)))


async def test_a_snapshot_is_read_as_it_was_written_and_found_by_the_begin_of_its_name() -> None:
    container: Any = MemoryContainer()
    snapshots = Snapshots(container)
    assert await snapshots.read("stock/b") == (None, None)
    etag = await snapshots.write("stock/b", {"units": 3}, None)
    await snapshots.write("stock/a", {}, None)
    await snapshots.write("sweep/a", {}, None)
    await container.upload_blob("stock/c.txt", b"")
    assert await snapshots.read("stock/b") == ({"units": 3}, etag)
    assert await snapshots.names("stock/") == ["stock/a", "stock/b"]


async def test_of_two_writers_of_a_snapshot_the_later_one_fails() -> None:
    container: Any = MemoryContainer()
    snapshots = Snapshots(container)
    first = await snapshots.write("sweep", {"at": 1}, None)
    with pytest.raises(TransientError, match="sweep was written by another run"):
        await snapshots.write("sweep", {"at": 2}, None)
    second = await snapshots.write("sweep", {"at": 3}, first)
    with pytest.raises(TransientError, match="sweep was written by another run"):
        await snapshots.write("sweep", {"at": 4}, first)
    assert await snapshots.read("sweep") == ({"at": 3}, second)
