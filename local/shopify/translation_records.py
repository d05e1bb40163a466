"""Records of translated texts."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Translation:
    key: str
    locale: str
    value: str
    #: of the text that was translated
    digest: str
    updated_at: datetime
