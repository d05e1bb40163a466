"""Telling an outage of the app's own storage from a mistake in what was asked of it."""

from __future__ import annotations

from typing import Final

from azure.core.exceptions import AzureError, HttpResponseError

from shared.errors import StorageAwayError

_PASSING: Final = frozenset({401, 403, 408, 429})
"""Statuses of a request that is right: without a role or a valid token, too late, or one of too many."""
_SERVER_ERROR: Final = 500


def is_outage(error: Exception) -> bool:
    """Whether storage does not work, and not: whether the request itself is wrong."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    return isinstance(error, AzureError) and (status is None or status >= _SERVER_ERROR or status in _PASSING)


def storage_away(error: AzureError) -> StorageAwayError:
    """The error to wait with. Raises the given error again where it is no outage."""
    if not is_outage(error):
        raise error
    status = error.status_code if isinstance(error, HttpResponseError) else None
    answer = f"answered {status}" if status is not None else "did not answer"
    return StorageAwayError(f"the app's storage {answer}: {type(error).__name__}")
