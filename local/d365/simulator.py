"""One F&O environment: its records, its rules, its access control."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from local.d365 import credit_holds, free_text, invoices, ledger, product_sets, return_tables, sales_tax, slips
from local.d365.books import Books
from local.d365.catalogue.products import Catalogue
from local.d365.catalogue.views import SHOWN, StoredSet
from local.d365.catalogue.views import VIEWS as CATALOGUE_VIEWS
from local.d365.csdl import EntitySet, Schema, read_schema
from local.d365.customers import Customers
from local.d365.entities import Entity, Record, View
from local.d365.faults import Faults
from local.d365.free_text import FreeTextInvoiceLines, FreeTextInvoices
from local.d365.journals import JOURNALS, PaymentJournals, PaymentLines
from local.d365.journals import LINES as JOURNAL_LINES
from local.d365.packages.exports import VIEWS as EXPORT_VIEWS
from local.d365.packages.exports import Exports
from local.d365.packages.projects import parse_project
from local.d365.posting import Posting
from local.d365.return_lines import ReturnLines
from local.d365.return_orders import ReturnOrders
from local.d365.sales_lines import SalesLines
from local.d365.sales_orders import SalesOrders
from local.d365.sales_tables import HEADERS, LINES
from local.d365.seed import seed
from local.d365.slip_posting import SlipPosting
from local.d365.tokens import Tokens
from local.d365.views import VIEWS
from local.d365.world import World

METADATA = Path(__file__).with_name("metadata.xml")
_POSTED = slips.POSTED | credit_holds.POSTED | invoices.POSTED | ledger.POSTED
_RECORDS: dict[str, type[Record]] = {
    "CustomersV3": Customers,
    "SalesOrderLines": SalesLines,
    "SalesOrderLinesV3": SalesLines,
    JOURNALS: PaymentJournals,
    JOURNAL_LINES: PaymentLines,
    return_tables.HEADERS: ReturnOrders,
    return_tables.LINES: ReturnLines,
    free_text.HEADERS: FreeTextInvoices,
    free_text.LINES: FreeTextInvoiceLines,
}
"""Sets with rules of their own; any other is a plain record."""
_NEEDED = sorted(
    {HEADERS, *_RECORDS, *_POSTED, "ExchangeRates", *sales_tax.SETS, *product_sets.NEEDED} - {"SalesOrderLines"}
)
"""What rules and postings look into; of the order lines the newest version is enough."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Options:
    """How this environment is set up. Every default is for development only."""

    default_company: str = "dat"
    """The service user's company: all it sees without cross-company=true. F&O's own default is the empty DAT."""
    page_size: int = 10_000
    """F&O's own: the most rows one answer holds."""
    tenant: str = "00000000-0000-0000-0000-000000000001"
    client_id: str = "11111111-2222-3333-4444-555555555555"
    client_secret: str = "dev-d365-secret"
    identity_header: str = "dev-identity-header"
    token_seconds: int = 3599
    metadata: Path = METADATA


class Simulator:
    """`base_url` is known once the server listens; everything else stands from the start."""

    def __init__(
        self,
        world: World,
        options: Options | None = None,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Raises ValueError or KeyError when the metadata or the world cannot be used."""
        self.world = world
        self.options = options or Options()
        self.clock = clock
        self._schema: Schema = read_schema(self.options.metadata)
        self.schema: Schema = self._schema
        """As callers see it."""
        missing = [name for name in _NEEDED if name not in self._schema.sets]
        if missing:
            raise ValueError(f"{self.options.metadata} lacks {', '.join(missing)}")
        self.base_url = ""
        self.tokens = Tokens(clock, timedelta(seconds=self.options.token_seconds))
        self.faults = Faults()
        self.http_calls: Counter[str] = Counter()
        self.batched_calls: Counter[str] = Counter()
        self.scans: Counter[str] = Counter()
        """Searches in tables of millions of rows that no index helps, by entity set."""
        self.under_way = 0
        self.most_at_once = 0
        """Requests under way at once, since the counts were cleared."""
        self.books: Books
        self.entities: dict[str, Entity]
        self.posting: Posting
        self.catalogue: Catalogue
        self.exports: Exports
        self.slips: SlipPosting
        self.reset()

    def lack(self, fields: Mapping[str, AbstractSet[str]]) -> None:
        """From now on callers find no such fields in these sets, as after a configuration key was switched off. Tables
        keep them.
        """
        self.schema = self._schema.without(fields)

    def reset(self) -> None:
        """Back to the world as it was at start: no orders, no faults, no counts. Tokens stay good."""
        self.lack({})
        self.books = Books(self._schema, self.world, self.clock)
        self.exports = Exports(self.books, lambda name: self.entities[name].rows())
        self.entities = self._entities(self.books, self.exports)
        self.posting = Posting(self.books)
        self.catalogue = Catalogue(self.books)
        self.slips = SlipPosting(self.books)
        self.faults.clear()
        self.clear_calls()
        customers = self.entities["CustomersV3"]
        assert isinstance(customers, Customers)
        seed(self.books, customers, client_ids=(self.options.client_id,))
        for project in self.world.export_projects:
            parsed = parse_project(project, self._schema)
            self.exports.projects[parsed.name] = parsed

    def metadata(self) -> str:
        """`$metadata`, without the sets that this environment lacks."""
        document = self.schema.document.decode()
        for name in self.books.tenant.lacks:
            document = re.sub(rf'<EntitySet Name="{name}"[^>]*?(/>|>.*?</EntitySet>)', "", document, flags=re.DOTALL)
        return document

    def clear_calls(self) -> None:
        self.http_calls.clear()
        self.batched_calls.clear()
        self.scans.clear()
        self.most_at_once = self.under_way

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Around a request: it is under way until it has ended here, whether its caller still waits or not."""
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            yield
        finally:
            self.under_way -= 1

    def is_registered(self, client_id: str) -> bool:
        """Whether F&O's own table of applications lists the client."""
        return self.books.known("SysAADClients", client_id)

    def _entities(self, books: Books, exports: Exports) -> dict[str, Entity]:
        home = self.options.default_company
        lines = SalesLines(books, self._schema.sets[LINES], home)

        def entity(entity_set: EntitySet) -> Entity:
            match entity_set.name:
                case "SalesOrderHeadersV2" | "SalesOrderHeadersV4":
                    return SalesOrders(books, entity_set, home, lines)
                case name if name in VIEWS:
                    return View(entity_set, partial(VIEWS[name], books))
                case name if name in EXPORT_VIEWS:
                    return View(entity_set, partial(EXPORT_VIEWS[name], exports))
                case name if name in CATALOGUE_VIEWS:
                    return View(entity_set, partial(CATALOGUE_VIEWS[name], books))
                case name if name in product_sets.STORED:
                    return StoredSet(books, name, SHOWN.get(name))
                case name if name in _POSTED:
                    return View(entity_set, partial(books.rows, name))
                case name:
                    return _RECORDS.get(name, Record)(books, entity_set, home)

        return {name: entity(entity_set) for name, entity_set in self._schema.sets.items()}
