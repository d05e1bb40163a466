"""`/_sim`: export projects, which people set up in data management; and the storage that packages are fetched from."""

from aiohttp import web

from local.d365.admin_catalogue import answered
from local.d365.admin_http import body_of, json_answer
from local.d365.packages.projects import parse_project
from local.d365.simulator import Simulator


class PackageAdmin:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put("/_sim/export-projects", answered(self.write)),
            web.get("/_blob/dmf/{name}", self.fetch),
        ]

    async def write(self, request: web.Request) -> web.Response:
        """A project, or the same one otherwise: local/d365/packages/projects.py lists the keys."""
        project = parse_project(await body_of(request), self._simulator.schema)
        self._simulator.exports.projects[project.name] = project
        return json_answer({})

    async def fetch(self, request: web.Request) -> web.Response:
        """What a blob storage answers to a signed address; 403 for one that is not signed, or no longer."""
        self._simulator.http_calls["GET /_blob"] += 1
        content = self._simulator.exports.fetch(request.query.get("sig", ""))
        if content is None:
            return web.Response(status=403)
        return web.Response(body=content, content_type="application/zip")
