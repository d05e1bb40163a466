"""Where tokens come from: Entra ID's client-credentials grant, and App Service's managed identity endpoint."""

from http import HTTPStatus

from aiohttp import web

from local.d365.simulator import Simulator


class Entra:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/{tenant}/oauth2/v2.0/token", self.client_credentials),
            web.get("/msi/token", self.managed_identity),
        ]

    async def client_credentials(self, request: web.Request) -> web.Response:
        """OAuth 2.0 client credentials, as Entra ID's v2 endpoint answers them, its error codes included."""
        form = await request.post()
        options = self._simulator.options
        resource, suffix = str(form.get("scope", "")).removesuffix("/.default"), "/.default"
        if request.match_info["tenant"] != options.tenant:
            return _refused("invalid_request", "AADSTS90002: Tenant not found.")
        if form.get("grant_type") != "client_credentials":
            return _refused("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
        if (form.get("client_id"), form.get("client_secret")) != (options.client_id, options.client_secret):
            return _refused("invalid_client", "AADSTS7000215: Invalid client secret provided.", HTTPStatus.UNAUTHORIZED)
        if not str(form.get("scope", "")).endswith(suffix):
            return _refused("invalid_scope", "AADSTS1002012: The provided value for scope is not valid.")
        if resource.rstrip("/") != self._simulator.base_url:
            return _refused("invalid_resource", f"AADSTS500011: The resource principal named {resource} was not found.")
        # A slash too many makes another audience, which F&O then refuses.
        token = self._simulator.tokens.issue(options.client_id, resource)
        seconds = options.token_seconds
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": seconds,
                "ext_expires_in": seconds,
                "access_token": token.text,
            },
        )

    async def managed_identity(self, request: web.Request) -> web.Response:
        """
        App Service's token endpoint (IDENTITY_ENDPOINT): the header proves that the caller runs inside the app.
        A token is issued for any resource; who accepts it is the resource's affair.
        """
        options, asked = self._simulator.options, request.query
        if request.headers.get("X-IDENTITY-HEADER") != options.identity_header:
            return web.json_response({"statusCode": 401, "message": "Invalid identity header."}, status=401)
        if asked.get("api-version") != "2019-08-01" or not asked.get("resource"):
            return web.json_response({"statusCode": 400, "message": "api-version or resource is wrong."}, status=400)
        client_id = asked.get("client_id", options.client_id)
        if client_id != options.client_id:
            return web.json_response({"statusCode": 400, "message": "No User Assigned Identity found."}, status=400)
        token = self._simulator.tokens.issue(client_id, asked["resource"])
        return web.json_response(
            {
                "access_token": token.text,
                "expires_on": str(int(token.expires.timestamp())),
                "resource": asked["resource"],
                "token_type": "Bearer",
                "client_id": client_id,
            },
        )


def _refused(error: str, description: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)
