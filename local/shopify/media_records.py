"""Records of a shop's pictures, and of what was uploaded to become one."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Upload:
    """A target that stagedUploadsCreate gave. `content` is None until somebody uploads to it."""

    key: str
    resource: str
    mime_type: str
    method: str
    content: bytes | None = None


@dataclass(slots=True, eq=False)
class Picture:
    """A file of the type MediaImage. It is processed from `created_at` to `done_at`."""

    id: int
    file_name: str
    mime_type: str
    source: str
    size: int
    created_at: datetime
    updated_at: datetime
    done_at: datetime
    alt: str | None = None
    #: code and text of why it cannot be processed; None for a picture that can
    error: tuple[str, str] | None = None

    def status(self, now: datetime) -> str:
        if now >= self.done_at:
            return "FAILED" if self.error else "READY"
        return "PROCESSING" if now > self.created_at else "UPLOADED"
