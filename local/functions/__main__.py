"""`python -m local.functions`: the command line."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from local.functions.errors import StartError
from local.functions.host import Host


def main() -> int:
    """Runs until SIGTERM or SIGINT. 0 when it was stopped, 1 when the app cannot be started."""
    parser = argparse.ArgumentParser(prog="python -m local.functions", description="Runs a Python function app.")
    parser.add_argument("--port", type=int, default=7071, help="0 takes any free port (default: 7071)")
    parser.add_argument("--app", type=Path, default=Path(), help="folder of function_app.py and host.json")
    parser.add_argument("--settings", type=Path, help="local.settings.json; by default the app's, if it has one")
    options = parser.parse_args()
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # The clients of the Azure SDK log every link and request at INFO.
    logging.getLogger("azure").setLevel(logging.WARNING)
    # Its AMQP layer also warns of links that are refused because no session has messages.
    logging.getLogger("azure.servicebus._pyamqp").setLevel(logging.ERROR)
    # And its receivers warn with a traceback each time that such a link was given up.
    logging.getLogger("azure.servicebus.aio._async_utils").setLevel(logging.ERROR)
    app_dir: Path = options.app.resolve()
    settings: Path | None = options.settings and options.settings.resolve()
    if settings is None and (app_dir / "local.settings.json").is_file():
        settings = app_dir / "local.settings.json"
    # An app may open files by paths relative to its own folder, as it can in Azure.
    os.chdir(app_dir)
    try:
        asyncio.run(_run(Host(app_dir, port=options.port, settings=settings)))
    except (StartError, OSError) as error:
        print(f"The function app does not start: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(host: Host) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with host:
        print(f"READY {host.url}", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Leaving by sys.exit would wait for the thread of a synchronous function that hangs, however long.
    os._exit(code)
