"""Receives Ruta's webhook calls: PORT=9000 WEBHOOK_SECRET=whsec_… python3 webhook_receiver.py"""

import base64
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204 if self.is_genuine(body) else 401)
        self.end_headers()

    def is_genuine(self, body):
        name, sent = self.headers["webhook-id"] or "", self.headers["webhook-timestamp"] or "0"
        signed = hmac.new(KEY, f"{name}.{sent}.".encode() + body, "sha256").digest()
        given = [each[3:] for each in (self.headers["webhook-signature"] or "").split()]
        right = any(hmac.compare_digest(base64.b64encode(signed).decode(), one) for one in given)
        right = right and abs(time.time() - int(sent)) <= 300
        if right:
            print(json.loads(body)["type"], flush=True)  # noqa: T201 - store it; read it later
        return right


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
