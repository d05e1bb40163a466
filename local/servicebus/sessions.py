"""The sessions of one queue or subscription: their messages, their state, and who holds them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from local.servicebus.errors import SessionCannotBeLockedError
from local.servicebus.lane import Lane


@dataclass(slots=True, eq=False)
class SessionLock:
    """One receiver's hold on a session. `on_lost` is called if it expires before it is released."""

    session_id: str
    locked_until: float
    on_lost: Callable[[], None]
    over: bool = False


@dataclass(slots=True)
class Session:
    lane: Lane = field(default_factory=Lane)
    state: bytes | None = None
    lock: SessionLock | None = None


class SessionTable:
    """Sessions come into being with their first message, state or receiver, and go when none of these is left."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._ready: dict[str, None] = {}

    def lane(self, session_id: str) -> Lane:
        return self._session(session_id).lane

    def state(self, session_id: str) -> bytes | None:
        session = self._sessions.get(session_id)
        return None if session is None else session.state

    def set_state(self, session_id: str, state: bytes | None) -> None:
        self._session(session_id).state = state
        self.refresh(session_id)

    def holder(self, session_id: str) -> SessionLock | None:
        session = self._sessions.get(session_id)
        return None if session is None else session.lock

    def next_available(self) -> str | None:
        """The session that has been waiting longest: with messages, held by nobody."""
        return next(iter(self._ready), None)

    def lock(self, lock: SessionLock) -> None:
        """Raises SessionCannotBeLockedError when another receiver holds the session."""
        session = self._session(lock.session_id)
        if session.lock is not None:
            raise SessionCannotBeLockedError(
                f"The requested session '{lock.session_id}' cannot be accepted. It may be locked by another receiver."
            )
        session.lock = lock
        self.refresh(lock.session_id)

    def unlock(self, lock: SessionLock) -> None:
        self._session(lock.session_id).lock = None
        self.refresh(lock.session_id)

    def refresh(self, session_id: str) -> None:
        """To be called after a change to the session's lane, state or lock."""
        session = self._session(session_id)
        if session.lane and session.lock is None:
            self._ready.setdefault(session_id)
            return
        self._ready.pop(session_id, None)
        if not session.lane and session.lock is None and session.state is None:
            del self._sessions[session_id]

    def _session(self, session_id: str) -> Session:
        return self._sessions.setdefault(session_id, Session())
