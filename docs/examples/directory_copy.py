"""Keeps a copy of the directory in SQLite, and reads changes when Ruta's webhook calls. Stop it at any moment: each page
and its cursor are one transaction, and a start reads what it missed.

    RUTA=https://ruta.example.org CLIENT=health-cluster SECRET=… WEBHOOK_SECRET=whsec_… PORT=9000 python3 directory_copy.py
"""

import base64
import hmac
import json
import os
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

SYNC = os.environ["RUTA"] + "/directory/v1/sync/"
KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
COPY = sqlite3.connect(os.environ.get("COPY_FILE", "directory.sqlite"))
COPY.execute("CREATE TABLE IF NOT EXISTS services (id TEXT PRIMARY KEY, service TEXT)")
COPY.execute("CREATE TABLE IF NOT EXISTS place (only INTEGER PRIMARY KEY, cursor TEXT)")


def opened(address, headers, form=None):
    # The user of this script gives the address.
    request = urllib.request.Request(address, form, headers)  # noqa: S310
    return urllib.request.urlopen(request, timeout=60)  # noqa: S310


def signed_in():
    known = base64.b64encode(f"{os.environ['CLIENT']}:{os.environ['SECRET']}".encode()).decode()
    form, headers = b"grant_type=client_credentials", {"Authorization": "Basic " + known}
    with opened(os.environ["RUTA"] + "/oauth/token", headers, form) as answer:
        return {"Authorization": "Bearer " + json.loads(answer.read())["access_token"]}


def catch_up():
    headers, more = signed_in(), True
    while more:
        place = COPY.execute("SELECT cursor FROM place").fetchone()
        if place is None:
            take_snapshot(headers)
            continue
        try:
            page = urllib.parse.urlencode({"cursor": place[0]})
            with opened(SYNC + "changes?" + page, headers) as answer:
                found = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code != 410:
                raise
            take_snapshot(headers)
            continue
        with COPY:  # one transaction
            for change in found["items"]:
                store(change["id"], change.get("document"))
            COPY.execute("REPLACE INTO place VALUES (1, ?)", (found["next_cursor"],))
        more = found["more"]


def take_snapshot(headers):
    with opened(SYNC + "snapshot", headers) as answer, COPY:
        head, *services, end = map(json.loads, answer)
        if not end.get("end"):
            raise SystemExit("the snapshot is incomplete: start again")
        COPY.execute("DELETE FROM services")
        for service in services:
            store(service["id"], service)
        COPY.execute("REPLACE INTO place VALUES (1, ?)", (head["cursor"],))


def store(own, service):
    if service is None:
        COPY.execute("DELETE FROM services WHERE id = ?", (own,))
    else:
        COPY.execute("REPLACE INTO services VALUES (?, ?)", (own, json.dumps(service)))


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        status = 401
        if self.is_genuine(self.rfile.read(int(self.headers["Content-Length"]))):
            try:
                catch_up()
                print("copied", flush=True)  # noqa: T201
                status = 204
            except OSError:  # the line is bad: Ruta calls again
                status = 503
        self.send_response(status)
        self.end_headers()

    def is_genuine(self, body):
        name, sent = self.headers["webhook-id"] or "", self.headers["webhook-timestamp"] or "0"
        signed = hmac.new(KEY, f"{name}.{sent}.".encode() + body, "sha256").digest()
        given = [each[3:] for each in (self.headers["webhook-signature"] or "").split()]
        right = any(hmac.compare_digest(base64.b64encode(signed).decode(), one) for one in given)
        return right and abs(time.time() - int(sent)) <= 300


catch_up()
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
