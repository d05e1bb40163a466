"""Link addresses: `queue` or `topic/Subscriptions/name`, with or without `/$DeadLetterQueue`, then `/$management`."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from local.servicebus.errors import EntityNotFoundError

CBS = "$cbs"


@dataclass(frozen=True, slots=True)
class Address:
    entity: str
    subscription: str | None = None
    dead_letters: bool = False
    management: bool = False


def parse(address: str) -> Address:
    """Raises EntityNotFoundError for what cannot name an entity, and for the transfer dead-letter queue."""
    path = urlsplit(address).path if "://" in address else address
    segments = [unquote(segment) for segment in path.strip("/").split("/")]
    folded = [segment.lower() for segment in segments]
    management = folded[-1] == "$management"
    if management:
        segments, folded = segments[:-1], folded[:-1]
    dead_letters = bool(folded) and folded[-1] == "$deadletterqueue"
    if dead_letters:
        segments, folded = segments[:-1], folded[:-1]
    match segments:
        case [entity] if entity:
            return Address(entity, None, dead_letters, management)
        case [entity, _, subscription] if folded[1] == "subscriptions":
            return Address(entity, subscription, dead_letters, management)
        case _:
            raise EntityNotFoundError(f"The messaging entity '{address}' could not be found.")
