"""Microsoft's Python worker, in this process.

The only module that touches `azure_functions_runtime`, which is not a public API and therefore pinned. In
Azure the worker and the .NET host speak gRPC; here the worker gets plain objects in place of the protobuf
messages. It asks no more of them than the attributes below.
"""

import importlib.metadata
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure.functions.meta import Datum
from azure_functions_runtime.native_invocation import invocation_request_native

from local.functions.errors import StartError

VERSION = importlib.metadata.version("azure-functions-runtime")
SCRIPT = "function_app.py"


class _StatusResult(SimpleNamespace):
    Failure = 0
    Success = 1


class _BindingInfo(SimpleNamespace):
    # The numbers of BindingInfo.Direction and BindingInfo.DataType in FunctionRpc.proto.
    out = 1
    inout = 2
    undefined = 0


_PROTOS = SimpleNamespace(
    BindingInfo=_BindingInfo,
    FunctionMetadataResponse=SimpleNamespace,
    RpcException=SimpleNamespace,
    RpcFunctionMetadata=SimpleNamespace,
    RpcRetryOptions=SimpleNamespace,
    StatusResult=_StatusResult,
    WorkerInitResponse=SimpleNamespace,
    WorkerMetadata=SimpleNamespace,
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function that the worker has indexed, with its bindings as function.json would have them."""

    name: str
    id: str
    bindings: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended: `value` is what the function returned, encoded; `error` is None on success."""

    value: Datum | None
    error: str | None
    traceback: str


async def load_app(app_dir: Path) -> list[Function]:
    """Imports and indexes `function_app.py` of that folder, and gives its functions in order of definition.

    Raises StartError with the worker's own words when there is no app, or the worker refuses it.
    """
    script = app_dir / SCRIPT
    _prepare_import(script)
    logging.getLogger("azure.functions").addFilter(_is_news)
    properties = {"host": "127.0.0.1", "protos": _PROTOS}
    init = SimpleNamespace(capabilities={}, function_app_directory=str(app_dir))
    request = SimpleNamespace(worker_init_request=init)
    response = await runtime.worker_init_request(SimpleNamespace(request=request, properties=properties))
    if response.result.status == _StatusResult.Failure:
        raise StartError(f"{script} cannot be indexed. {response.result.exception.message}")
    metadata = await runtime.functions_metadata_request(None)
    runtime.start_threadpool_executor()
    return [
        Function(found.name, found.function_id, tuple(json.loads(raw) for raw in found.raw_bindings))
        for found in metadata.function_metadata_results or []
    ]


async def invoke(
    function: Function,
    argument: str,
    data: Datum,
    *,
    invocation_id: str,
    metadata: Mapping[str, Datum],
    trace_parent: str,
    trace_state: str,
) -> Outcome:
    """Calls the function with one trigger argument. An async one runs on this loop, a plain one in the pool.

    Whatever the function raises comes back in the outcome; only cancelling raises.
    """
    ok, value, _outputs, error, traceback = await invocation_request_native(
        invocation_id, function.id, [(argument, data)], metadata, trace_parent, trace_state
    )
    return Outcome(value, None if ok else error, (traceback or "").rstrip())


def close() -> None:
    """Takes no more calls of synchronous functions, and does not wait for a thread that hangs in one."""
    runtime.get_threadpool_executor().shutdown(wait=False, cancel_futures=True)


def _prepare_import(script: Path) -> None:
    if not script.is_file():
        raise StartError(f"{script} does not exist")
    loaded = getattr(sys.modules.get(script.stem), "__file__", None)
    if loaded is not None and Path(loaded).resolve() != script.resolve():
        raise StartError(f"this process runs {loaded} already; start another process for {script}")
    if str(script.parent) not in sys.path:
        sys.path.insert(0, str(script.parent))


def _is_news(record: logging.LogRecord) -> bool:
    # The worker logs the traceback of a failed function without saying which; the host logs it with its name.
    return record.msg != "Native invocation failed"
