"""`/_sim`: packing slips, posted and changed afterwards."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from aiohttp import web

from local.d365.admin_http import bad_request, body_of, json_answer, number_of
from local.d365.ledger import PostingError
from local.d365.sales_tables import HEADERS
from local.d365.simulator import Simulator
from local.d365.slip_posting import Part, Shipment
from local.d365.slips import SLIPS, Load, Parcel, find_slip, lines_of_slip
from local.d365.tables import Row

_SHIPMENT_FIELDS = frozenset(
    {"lines", "tracking_number", "tracking_url", "tracking", "carrier", "load", "summary", "sales_type"}
)


class SlipAdmin:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/_sim/slips/{company}/{slip}/{action}", self.change)]

    async def change(self, request: web.Request) -> web.Response:
        """
        `track` (`{"tracking": [{"number", "url"?}]}`), `correct` (`{"lines": [{"lot", "quantity"}]}`: what has left
        indeed) or `cancel`.
        """
        company, number, action = (request.match_info[name] for name in ("company", "slip", "action"))
        slips = self._simulator.slips
        slip = find_slip(self._simulator.books, company, number)
        if slip is None:
            return json_answer({"error": f"company {company} has no packing slip {number}"}, 404)
        raw = await body_of(request)
        try:
            match action:
                case "track":
                    slips.track(slip, _parcels(raw))
                case "correct":
                    slips.correct(slip, quantities_of(raw))
                case "cancel":
                    slips.cancel(slip)
                case _:
                    return json_answer({"error": f"there is no action {action}"}, 404)
        except PostingError as error:
            return json_answer({"error": str(error)}, 409)
        now = find_slip(self._simulator.books, company, number)
        return json_answer({} if now is None else self._flattened(now))

    def _flattened(self, slip: Row) -> dict[str, Any]:
        fields = {"slip": "PackingSlipId", "order": "SalesId", "quantity": "Qty", "warehouse": "inventLocationId"}
        line_fields = {"lot": "InventTransId", "order": "OrigSalesId", "quantity": "Qty", "remaining": "Remain"}
        return {
            **{name: slip.values[field] for name, field in fields.items()},
            "lines": [
                {name: line.values[field] for name, field in line_fields.items()}
                for line in lines_of_slip(self._simulator.books, slip)
            ],
        }


def quantities_of(raw: Mapping[str, Any]) -> dict[str, Decimal]:
    """`{"lines": [{"lot", "quantity"}]}`, empty without lines. Raises HTTPBadRequest."""
    return {str(line["lot"]): number_of(line.get("quantity")) for line in _lines(raw)}


def shipment_of(simulator: Simulator, company: str, raw: Mapping[str, Any]) -> Shipment:
    """The body of `pack`, see README. Raises HTTPBadRequest, and PostingError for an order that does not exist."""
    unknown = raw.keys() - _SHIPMENT_FIELDS
    if unknown:
        raise bad_request(f"{', '.join(sorted(unknown))}: pack does not know it")
    enum = simulator.schema.sets[SLIPS].properties["SalesType"].enum
    sales_type = str(raw.get("sales_type", "Sales"))
    if enum is None or sales_type not in enum.members:
        raise bad_request(f"{sales_type} is no SalesType")
    return Shipment(
        parts=[
            Part(
                str(line["lot"]),
                number_of(line.get("quantity")),
                str(line.get("warehouse", "")),
                over=line.get("over") is True,
            )
            for line in _lines(raw)
        ],
        others=[_order(simulator, company, str(number)) for number in _list(raw, "summary")],
        parcels=_parcels(raw),
        carrier=str(raw.get("carrier", "")),
        load=_load(raw),
        sales_type=sales_type,
    )


def _order(simulator: Simulator, company: str, number: str) -> Row:
    order = simulator.books.find(HEADERS, company, number)
    if order is None:
        raise PostingError(f"company {company} has no sales order {number}")
    return order


def _parcels(raw: Mapping[str, Any]) -> list[Parcel]:
    """`tracking`, or `tracking_number` and `tracking_url` for a single one."""
    listed = _list(raw, "tracking")
    if raw.get("tracking_number"):
        listed = [{"number": raw["tracking_number"], "url": raw.get("tracking_url", "")}, *listed]
    if not all(isinstance(each, dict) and each.get("number") for each in listed):
        raise bad_request('tracking is a list of {"number", "url", "warehouse"}')
    return [Parcel(str(each["number"]), str(each.get("url", "")), str(each.get("warehouse", ""))) for each in listed]


def _load(raw: Mapping[str, Any]) -> Load | None:
    load = raw.get("load")
    if load is None:
        return None
    if not isinstance(load, dict) or not load.get("id") or load.keys() - {"id", "carrier", "service", "pro_number"}:
        raise bad_request('load is {"id", "carrier", "service", "pro_number"}')
    return Load(**{name: str(value) for name, value in load.items()})


def _lines(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    lines = _list(raw, "lines")
    if not all(isinstance(line, dict) and "lot" in line for line in lines):
        raise bad_request('lines is a list of {"lot", "quantity"}')
    return lines


def _list(raw: Mapping[str, Any], name: str) -> list[Any]:
    found = raw.get(name, [])
    if not isinstance(found, list):
        raise bad_request(f"{name} is a list")
    return found
