"""F&O's number sequences: one counter a company and purpose, and one for record ids."""

from collections import Counter
from collections.abc import Callable
from typing import Final, Literal, get_args

from local.d365.errors import Infolog

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
    "packing slip",
    "shipment",
    "credit management",
]
Kind = Literal["kept", "replaced", "refused", "manual"]
"""What a sequence does with a number that the caller gives: keeps it, draws the next one in its place, or refuses it.
`manual` is the setting *Manual: Yes*: it keeps it too, but draws nothing, so that everybody has to give one."""
KINDS: Final = frozenset(get_args(Kind))
_FORMATS: dict[Purpose, str] = {
    "payment journal": "{number:05}",
    "free text invoice": "FTI-{number:08}",
    "RMA": "RMA-{number:06}",
    "arrival journal": "{number:05}",
    "packing slip": "{prefix}-{number}",
    "shipment": "SHP-{number:06}",
    "credit management": "CRM-{number:06}",
}
"""Those that are not written `USMF-000024`."""
FIRST_RECORD_ID = 5637144576
"""Where F&O starts counting records of a table."""


class NumberSequences:
    """Numbers once drawn stay drawn, even when the write that drew them is rolled back."""

    def __init__(self) -> None:
        self._drawn: Counter[tuple[str, Purpose, str]] = Counter()
        self._records = FIRST_RECORD_ID - 1
        self._parties = 0
        self._kinds: dict[tuple[str, Purpose], Kind] = {}

    def set_kind(self, company: str, purpose: Purpose, kind: Kind) -> None:
        self._kinds[company, purpose] = kind

    def set_next(self, company: str, purpose: Purpose, number: int) -> None:
        self._drawn[company, purpose, ""] = number - 1

    def assign(
        self,
        company: str,
        purpose: Purpose,
        given: str,
        taken: Callable[[str], bool],
        *,
        field: str,
        group: str = "",
        log: Infolog,
    ) -> str:
        """The number of a new record: the caller's, or the next free one. Complaints about `field` go into the log."""
        kind = self._kinds.get((company, purpose), "refused")
        if not given and kind == "manual":
            log.reject_field(field, f"The number sequence for {purpose}s is manual: enter a number.")
        elif given and kind == "refused":
            log.reject_field(field, f"The number sequence for {purpose}s does not allow manual numbers.")
        elif not given or kind == "replaced":
            return self.draw(company, purpose, taken, group)
        return given

    def draw(self, company: str, purpose: Purpose, taken: Callable[[str], bool], group: str = "") -> str:
        """The next free number, such as `USMF-000024`; one that a caller already chose is passed over.

        Each number sequence group counts for itself, and its name stands in place of the company's.
        """
        form = _FORMATS.get(purpose, "{prefix}-{number:06}")
        while True:
            self._drawn[company, purpose, group] += 1
            number = form.format(prefix=group or company.upper(), number=self._drawn[company, purpose, group])
            if not taken(number):
                return number

    def record_id(self) -> int:
        self._records += 1
        return self._records

    def party_number(self) -> str:
        self._parties += 1
        return f"{self._parties:09}"
