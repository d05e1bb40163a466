"""`python -m local.servicebus --port 5672 --topology infra/topology.json [--control-port 5673]`."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from local.servicebus import ControlPort, ServiceBusEmulator, load


async def _serve(arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with ServiceBusEmulator(load(arguments.topology), port=arguments.port) as emulator:
        control = None if arguments.control_port is None else ControlPort(emulator, port=arguments.control_port)
        if control is not None:
            await control.start()
            logging.getLogger(__name__).info("control port: %s", control.url)
        print(f"READY {emulator.url}", flush=True)
        await stopped.wait()
        if control is not None:
            await control.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.servicebus", description="Azure Service Bus emulator (AMQP)")
    parser.add_argument("--port", type=int, default=5672, help="AMQP port, 0 for any free one (default: 5672)")
    parser.add_argument("--topology", type=Path, default=Path("infra/topology.json"), help="the entities")
    parser.add_argument("--control-port", type=int, help="HTTP port for depths and faults, 0 for any (default: none)")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
