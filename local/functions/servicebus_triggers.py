"""Service Bus functions: the real client, a listener, and the function that it feeds."""

import logging
from functools import partial

from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver

from local.functions.config import ServiceBusOptions
from local.functions.errors import StartError
from local.functions.invocations import Invoker
from local.functions.listener import WAIT_SECONDS, Listener
from local.functions.servicebus_data import message_body, message_metadata, message_trace
from local.functions.triggers import ServiceBusTrigger

_log = logging.getLogger("host.servicebus")


def make_client(trigger: ServiceBusTrigger) -> ServiceBusClient:
    """Connects nothing yet. Raises StartError when the connection string is malformed."""
    try:
        # The listener logs and retries by itself; retries within the client would only delay that.
        return ServiceBusClient.from_connection_string(trigger.connection, retry_total=0)
    except ValueError as error:
        raise StartError(f"function {trigger.function.name}: its connection string is wrong: {error}") from error


def make_listener(
    trigger: ServiceBusTrigger, options: ServiceBusOptions, invoker: Invoker, client: ServiceBusClient
) -> Listener:
    """Raises StartError when host.json turns automatic completion off."""
    if not options.auto_complete:
        raise StartError("host.json: autoCompleteMessages must be true, since Python functions cannot settle by hand")
    return Listener(
        source=trigger.source,
        open_receiver=partial(_open_receiver, trigger, client),
        process=partial(_process, trigger, invoker),
        slots=options.max_concurrent_sessions if trigger.sessions else options.max_concurrent_calls,
        session_idle_timeout=options.session_idle_timeout if trigger.sessions else None,
        lock_renewal=options.max_auto_lock_renewal,
    )


def _open_receiver(trigger: ServiceBusTrigger, client: ServiceBusClient) -> ServiceBusReceiver:
    session = NEXT_AVAILABLE_SESSION if trigger.sessions else None
    if trigger.subscription:
        return client.get_subscription_receiver(
            trigger.entity, trigger.subscription, session_id=session, max_wait_time=WAIT_SECONDS
        )
    return client.get_queue_receiver(trigger.entity, session_id=session, max_wait_time=WAIT_SECONDS)


async def _process(trigger: ServiceBusTrigger, invoker: Invoker, message: ServiceBusReceivedMessage) -> bool:
    """Runs the function on the message. A message that it cannot be given at all counts as failed."""
    try:
        body = message_body(message)
    except ValueError as error:
        _log.error("%s: %s", trigger.function.name, error)
        return False
    invocation = await invoker.run(
        trigger.function,
        trigger.argument,
        body,
        metadata=message_metadata(message),
        trace=message_trace(message),
    )
    return invocation.outcome.error is None
