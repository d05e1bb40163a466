"""What the app says about itself: one JSON object a line, correlated, without personal data.

Log records carry names, numbers and codes, never a body. As a second net, anything in a text that looks like an e-mail
address, a phone number or a token is masked before it leaves the process.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

logger: Final = logging.getLogger("connector")

_context: ContextVar[Mapping[str, str]] = ContextVar("telemetry_context", default=MappingProxyType({}))

_PERSONAL: Final = re.compile(
    r"(?P<email>[\w.+-]+@[\w-]+\.[\w.-]+)"
    r"|(?P<token>shp(?:at|ss|ca|pa)_\w+|Bearer\s+\S+|SharedAccessKey=[^;\s]+)"
    r"|(?P<phone>\+\d[\d ()-]{7,}\d)"
)


def quiet_libraries() -> None:
    """Libraries log every request with its address, and addresses hold what was asked for: only their warnings stay."""
    for name in ("azure", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


# Every secret and address holds one of these, and a search for them costs a tenth of the pattern's.
_MARKS: Final = ("@", "+", "shp", "Bearer", "SharedAccessKey")


def redact(text: str) -> str:
    """The text with e-mail addresses, international phone numbers and tokens masked."""
    if not any(mark in text for mark in _MARKS):
        return text
    return _PERSONAL.sub(lambda match: f"<{match.lastgroup}>", text)


@contextmanager
def correlated(**fields: str) -> Iterator[None]:
    """Adds the fields to every event told inside: event_id, store, order ..."""
    token = _context.set({**_context.get(), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def tell(event: str, *, level: int = logging.INFO, **fields: object) -> None:
    """One event with its fields, as one line of JSON. Values are redacted; None is left out."""
    if not logger.isEnabledFor(level):
        return
    known = {key: value for key, value in fields.items() if value is not None}
    record = {"event": event, **_context.get(), **known}
    logger.log(level, "%s", redact(json.dumps(record, default=str, ensure_ascii=False)))
