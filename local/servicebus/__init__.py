"""An Azure Service Bus emulator on Apache Qpid Proton, for the local stack and tests. See README.md."""

from local.servicebus.control import ControlPort
from local.servicebus.faults import SendAction, SendFault
from local.servicebus.server import ServiceBusEmulator
from local.servicebus.topology import Topology, load

__all__ = ["ControlPort", "SendAction", "SendFault", "ServiceBusEmulator", "Topology", "load"]
