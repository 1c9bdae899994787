"""The Files page: what `cloud.files` keeps for an account, found, brought, taken and deleted."""

from urllib.parse import quote, urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cloud import errors
from cloud.server.calls import Calls
from cloud.server.dashboard import forms
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.rendering import HEADERS
from cloud.server.dashboard.visits import Visit
from cloud.server.file_bodies import FileBodies
from cloud.server.json_answer import JsonAnswer

ROWS = 100
"""How many files are on a page."""
UPLOAD_MAX_BYTES = 2 << 30
_LONGEST = 1024


class FilesPage:
    """Files by name; a name with slashes is shown as it is."""

    def __init__(self, desk: Desk, doorway: Doorway, asked: Calls) -> None:
        self._desk = desk
        self._doorway = doorway
        self._bodies = FileBodies(asked)

    def routes(self) -> list[Route]:
        """The page, and what its buttons do. Names are in queries, as they may hold anything."""
        visited = self._doorway.visited
        return [
            Route("/files", visited(self._files), methods=["GET"]),
            Route("/files/download", visited(self._download), methods=["GET"]),
            Route("/files/upload", visited(self._upload), methods=["POST"]),
            Route("/files/delete", visited(self._delete), methods=["POST"]),
        ]

    async def _files(self, request: Request, visit: Visit) -> Response:
        prefix, after = (request.query_params.get(name, "")[:_LONGEST] for name in ("prefix", "after"))
        found = await self._bodies.names(prefix, after, ROWS + 1, visit.caller)
        shown = found[:ROWS]
        more = urlencode({"prefix": prefix, "after": shown[-1].name}) if len(found) > ROWS else ""
        return self._desk.page(
            request, "files.html", visit, here="files", files=shown, prefix=prefix, after=after, more=more,
            back="files" + (f"?{request.url.query}" if request.url.query else ""),
        )  # fmt: skip

    async def _download(self, request: Request, visit: Visit) -> Response:
        file = await self._bodies.find(request.query_params.get("name", ""), visit.caller)
        ending = quote(file.name.rpartition("/")[2] or "file", safe="")
        headers = {
            **HEADERS, "cache-control": "no-store", "content-length": str(file.size_bytes),
            "content-disposition": f"attachment; filename*=UTF-8''{ending}",
        }  # fmt: skip
        body = self._bodies.send(file, 0, file.size_bytes, visit.caller)
        return StreamingResponse(body, 200, headers, media_type="application/octet-stream")

    async def _upload(self, request: Request, visit: Visit) -> Response:
        """The body is the file's; the token comes in a header, as there is no form around it."""
        try:
            forms.check_token({"csrf": request.headers.get("x-csrf", "")}, visit)
            if int(request.headers.get("content-length", "0")) > UPLOAD_MAX_BYTES:
                raise errors.InvalidSubmission("that is too large for a browser", hint="use cloud.files.put")
            file = await self._bodies.take(request.query_params.get("name", ""), request.stream(), visit.caller)
        except ClientDisconnect:
            return Response(status_code=400)
        except errors.CloudException as error:
            return JsonAnswer({"error": str(error)}, error.http_status)
        return JsonAnswer({"name": file.name, "size_bytes": file.size_bytes}, 201)

    async def _delete(self, request: Request, visit: Visit) -> Response:
        form = await forms.read_form(request)
        forms.check_token(form, visit)
        name = form.get("name", "")
        await self._bodies.delete(name, visit.caller)
        return self._desk.back(request, form, f"Deleted {name}.")
