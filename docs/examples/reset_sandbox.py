"""Erases every case of your organisation and removes its webhooks, so that a test begins with nothing. An erasure cannot
be undone: use it in a sandbox only, with a client that has the role `supervisor`.

    RUTA=https://sandbox.example.org CLIENT=… SECRET=… ERASE_CASES_OF=<your organisation's id> python3 reset_sandbox.py
"""

import base64
import json
import os
import sys
import urllib.request
import uuid

RUTA = os.environ["RUTA"]


def call(path, headers, method="GET", body=None):
    # The user of this script gives the address.
    request = urllib.request.Request(RUTA + path, body, headers, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.loads(answer.read() or "null")


def signed_in():
    known = base64.b64encode(f"{os.environ['CLIENT']}:{os.environ['SECRET']}".encode()).decode()
    form = b"grant_type=client_credentials"
    token = call("/oauth/token", {"Authorization": "Basic " + known}, "POST", form)["access_token"]
    return {"Authorization": "Bearer " + token}


def command(path, headers, method, body=None):
    own = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"}
    return call(path, {**headers, **own}, method, json.dumps(body).encode() if body else None)


def cases(headers):
    cursor = ""
    while cursor is not None:
        page = call(f"/referrals/v1/cases?limit=500{cursor and '&cursor=' + cursor}", headers)
        yield from page["items"]
        cursor = page["next_cursor"]


def main():
    headers = signed_in()
    if call("/oauth/userinfo", headers)["org"] != os.environ["ERASE_CASES_OF"]:
        sys.exit("ERASE_CASES_OF is not the organisation of this client. Nothing was erased.")
    erased = 0
    for case in cases(headers):
        if case["status"] != "erased":
            basis = {"confirm": case["reference"], "basis": "entered_in_error"}
            command(f"/referrals/v1/cases/{case['id']}/erase", headers, "POST", basis)
            erased += 1
    for webhook in call("/referrals/v1/webhooks", headers):
        command(f"/referrals/v1/webhooks/{webhook['id']}", headers, "DELETE")
    sys.stdout.write(f"{erased} cases erased\n")


main()
