"""publishablePublish and publishableUnpublish: where a product is shown."""

from datetime import UTC, datetime
from typing import Any

from local.shopify.merchandise import Product
from local.shopify.nodes import Request, not_simulated, parse_gid
from local.shopify.user_errors import user_error

Problems = list[dict[str, Any]]
_FIRST_YEAR = 1970


def publish(request: Request, product: Product | None, rows: list[dict[str, Any]]) -> Problems:
    problems = _problems(request, product, rows)
    if problems or product is None:
        return problems
    now = request.shop.clock()
    before = dict(product.publications)
    for each in rows:
        number = parse_gid(each["publicationId"], "Publication")
        at = _moment(each.get("publishDate"))
        if at is None or at <= now:
            product.publications[number] = at or product.publications.get(number, now)
        elif request.shop.publications[number].takes_dates:
            product.publications[number] = at
        else:
            raise not_simulated("a date in the future for another publication than the online store")
    if product.publications != before:
        product.touch(now)
    return []


def unpublish(request: Request, product: Product | None, rows: list[dict[str, Any]]) -> Problems:
    problems = _problems(request, product, rows)
    if problems or product is None:
        return problems
    before = len(product.publications)
    for each in rows:
        product.publications.pop(parse_gid(each["publicationId"], "Publication"), None)
    if len(product.publications) != before:
        product.touch(request.shop.clock())
    return []


def _problems(request: Request, product: Product | None, rows: list[dict[str, Any]]) -> Problems:
    if product is None:
        return [user_error(["id"], "Resource does not exist")]
    problems: Problems = []
    seen: set[int] = set()
    for index, each in enumerate(rows):
        if each.get("channelId"):
            raise not_simulated("publishing by channelId")
        path = ["input", str(index), "publicationId"]
        if not each.get("publicationId"):
            problems.append(user_error(path, "PublicationId cannot be empty"))
            continue
        number = parse_gid(each["publicationId"], "Publication")
        if number not in request.shop.publications:
            problems.append(user_error(path, "Publication does not exist or is not publishable"))
        elif number in seen:
            problems.append(user_error(path, "The same publication was specified more than once"))
        seen.add(number)
        at = _moment(each.get("publishDate"))
        if at and at.year < _FIRST_YEAR:
            text = "Publish date must be a date after the year 1969"
            problems.append(user_error(["input", str(index), "publishDate"], text))
    return problems


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
