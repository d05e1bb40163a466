"""The storage that files are uploaded to, as it answers."""

from collections.abc import Callable

from aiohttp import web

from local.shopify.admin_http import find_shop
from local.shopify.media.uploads import store
from local.shopify.state import Simulator

_CREATED = "<?xml version='1.0' encoding='UTF-8'?><PostResponse><Key>{0}</Key></PostResponse>"
_REFUSED = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{0}</Code></Error>"


class UploadHttp:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put("/{shop}/_sim/uploads/{key:.+}", self.put),
            web.post("/{shop}/_sim/uploads/", self.post),
        ]

    async def put(self, request: web.Request) -> web.Response:
        shop, content = find_shop(self._simulator, request), await request.read()
        refused = store(shop, request.match_info["key"], "PUT", request.content_type, content)
        return _answer(refused, web.Response)

    async def post(self, request: web.Request) -> web.Response:
        """A form: all parameters of the target, then the file."""
        shop, form = find_shop(self._simulator, request), await request.post()
        names = list(form)
        sent = form.get("file")
        if not names or names[-1] != "file" or not isinstance(sent, web.FileField):
            return _answer("InvalidArgument", web.Response)
        key = str(form.get("key", ""))
        with sent.file:
            content = sent.file.read()
        refused = store(shop, key, "POST", str(form.get("Content-Type", "")), content)
        text = _CREATED.format(key)
        return _answer(refused, lambda: web.Response(status=201, text=text, content_type="application/xml"))


def _answer(refused: str | None, stored: Callable[[], web.Response]) -> web.Response:
    if refused is None:
        return stored()
    status = 400 if refused == "InvalidArgument" else 403
    return web.Response(status=status, text=_REFUSED.format(refused), content_type="application/xml")
