"""The Functions host of the local stack: runs a Python function app as `func start` does.

    python -m local.functions --port 7071 --app . --settings local.settings.json

It rests on Microsoft's own Python worker library (`azure-functions-runtime`, pinned): that library indexes
`function_app.py`, validates every binding and annotation, converts trigger data to `func.HttpRequest`,
`func.ServiceBusMessage` and `func.TimerRequest`, and calls the functions, exactly as in the cloud. The host
around it, which in Azure is a .NET program, is what this package stands in for: HTTP on aiohttp, Service Bus
triggers over the real `azure-servicebus` client, timers, `host.json`, `local.settings.json` and `/admin`.

As in Azure, a setting `AzureFunctionsJobHost__extensions__serviceBus__sessionIdleTimeout` overrides that value of
host.json, and `AzureWebJobs.<function>.Disabled` switches a function off. `POST /admin/functions/<timer>?wait=true`,
which Azure does not have, answers when the run has ended, and how.

What it does not do, compared with `func start`:

- Triggers other than HTTP, Service Bus (one message a call) and timer, and output bindings other than an
  HTTP response, are refused at start.
- Connections by identity (`<name>__fullyQualifiedNamespace`) are refused: set `<name>` to a connection
  string.
- One process runs one app, in this process. When a function passes `functionTimeout`, all that runs in its worker is
  cancelled and fails, as if the worker were restarted; what it keeps in memory stays. The thread of a synchronous
  function runs on.
- A timer keeps no record between runs of the host: `past_due` is true only for an occurrence that was missed
  while the run before it still went on. There is no lease, since there is one host.
- A wrong method on a known route is answered 405 with `Allow`; Azure answers 404
  (github.com/Azure/azure-functions-host/issues/10098). Routes are case-sensitive. Keys are not checked,
  as `func start` does not check them either.
- Retry policies of functions, `prefetchCount`, `clientRetryOptions` and dynamic concurrency are not applied.
"""
