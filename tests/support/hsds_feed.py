"""An external HSDS API on loopback, as a publisher runs it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 2


@contextmanager
def published(services: Mapping[str, Mapping[str, Any]], *, repeats: bool = False) -> Iterator[str]:
    """Serve full services by id, and pages of two whose entries have no parts. With `repeats`, each page also contains
    the last entry of the previous page, as after a change. Yield the address."""
    ids = list(services)

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            *above, last = map(unquote, asked.path.split("/"))
            if asked.path == "/o/services":
                self._answer(_page(int(parse_qs(asked.query).get("page", ["1"])[0])))
            elif above == ["", "o", "services"] and last in services:
                self._answer(services[last])
            else:
                self.send_error(404)

        def _answer(self, body: object) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    def _page(number: int) -> dict[str, Any]:
        start = (number - 1) * PAGE
        shown = ids[max(0, start - repeats) : start + PAGE]
        pages = -(-len(ids) // PAGE)
        entries = [{key: services[each][key] for key in ("id", "name", "status")} for each in shown]
        return {"total_items": len(ids), "total_pages": pages, "page_number": number, "size": len(entries),
                "first_page": number == 1, "last_page": number == pages, "empty": not ids, "contents": entries}  # fmt: skip

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/o"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
