"""Which errors of the app's own storage are an outage, which is waited for, and which are a mistake of the request."""

import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError

from shared.store.outage import is_outage, storage_away


def status(code: int) -> HttpResponseError:
    error = HttpResponseError(message=f"HTTP {code}")
    error.status_code = code
    return error


@pytest.mark.parametrize("code", [401, 403, 408, 429, 500, 503])
def test_an_answer_that_says_nothing_about_the_request_is_an_outage(code: int) -> None:
    assert is_outage(status(code))
    assert f"answered {code}" in storage_away(status(code)).reason


@pytest.mark.parametrize("code", [400, 404, 409, 412, 413, 499])
def test_an_answer_about_the_request_is_none_and_is_raised(code: int) -> None:
    assert not is_outage(status(code))
    with pytest.raises(HttpResponseError, match=f"HTTP {code}"):
        storage_away(status(code))


@pytest.mark.parametrize("error", [ServiceRequestError("no route"), HttpResponseError("cut off")])
def test_no_answer_is_an_outage(error: AzureError) -> None:
    assert is_outage(error)
    assert "did not answer" in storage_away(error).reason


def test_an_error_of_something_else_is_none() -> None:
    assert not is_outage(OSError("no space"))
