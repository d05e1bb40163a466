"""F&O's number sequences: one counter a company and purpose, and one for record ids."""

from collections import Counter
from collections.abc import Callable
from typing import Literal

type Purpose = Literal[
    "sales order",
    "customer",
    "lot",
    "payment journal",
    "voucher",
    "invoice",
    "free text invoice",
    "RMA",
    "arrival journal",
]
_FORMATS: dict[Purpose, str] = {
    "payment journal": "{number:05}",
    "free text invoice": "FTI-{number:08}",
    "RMA": "RMA-{number:06}",
    "arrival journal": "{number:05}",
}
"""Those that are not written `USMF-000024`."""
FIRST_RECORD_ID = 5637144576
"""Where F&O starts counting records of a table."""


class NumberSequences:
    """Numbers once drawn stay drawn, even when the write that drew them is rolled back."""

    def __init__(self) -> None:
        self._drawn: Counter[tuple[str, Purpose]] = Counter()
        self._records = FIRST_RECORD_ID - 1
        self._parties = 0
        self._manual: dict[tuple[str, Purpose], bool] = {}

    def allow_manual(self, company: str, purpose: Purpose, *, allowed: bool) -> None:
        self._manual[company, purpose] = allowed

    def is_manual(self, company: str, purpose: Purpose) -> bool:
        """Whether a caller may choose the number."""
        return self._manual.get((company, purpose), False)

    def set_next(self, company: str, purpose: Purpose, number: int) -> None:
        self._drawn[company, purpose] = number - 1

    def draw(self, company: str, purpose: Purpose, taken: Callable[[str], bool]) -> str:
        """The next free number, such as `USMF-000024`; one that a caller already chose is passed over."""
        form = _FORMATS.get(purpose, "{company}-{number:06}")
        while True:
            self._drawn[company, purpose] += 1
            number = form.format(company=company.upper(), number=self._drawn[company, purpose])
            if not taken(number):
                return number

    def record_id(self) -> int:
        self._records += 1
        return self._records

    def party_number(self) -> str:
        self._parties += 1
        return f"{self._parties:09}"
