"""Writes the results of referrals into the services of Primero's cases; run it by a timer (docs/partner-guide.md).

The next run repeats a failed one: Primero merges the data, so sending it twice does no harm.

    RUTA=https://ruta.example.org RUTA_CLIENT=my-ngo RUTA_SECRET=… FORM=id-of-the-form \\
    PRIMERO=https://primero.example.org PRIMERO_USER=ruta PRIMERO_PASSWORD=… python3 primero_statuses.py
"""

import base64
import json
import os
import sys
import urllib.parse
import urllib.request
from pathlib import Path

RUTA, PRIMERO, FORM = (os.environ[name] for name in ("RUTA", "PRIMERO", "FORM"))
KEPT = Path(os.environ.get("CURSOR_FILE", "primero.cursor"))
# Referral state → fields of the service; {at} is the time of that state.
FIELDS = json.loads(
    os.environ.get("FIELDS")
    or '{"completed": {"service_implemented": "implemented", "service_implemented_day_time": "{at}"}}'
)


def call(url, authorization=None, body=None, method=None, form=False):
    """Return the (headers, JSON) of the response. Any response except a success ends the run."""
    data = urllib.parse.urlencode(body).encode() if form else json.dumps(body).encode()
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    headers = {"Content-Type": kind}
    if authorization:
        headers["Authorization"] = authorization
    content = data if body is not None else None
    # The user of this script gives these addresses.
    request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return answer.headers, json.loads(answer.read() or b"null")


def signed_in():
    """Return the credentials for Ruta and for Primero."""
    known = f"{os.environ['RUTA_CLIENT']}:{os.environ['RUTA_SECRET']}".encode()
    basic = "Basic " + base64.b64encode(known).decode()
    grant = {"grant_type": "client_credentials"}
    _, token = call(f"{RUTA}/oauth/token", basic, grant, form=True)
    user = {"user_name": os.environ["PRIMERO_USER"], "password": os.environ["PRIMERO_PASSWORD"]}
    headers, answer = call(f"{PRIMERO}/api/v2/tokens", body={"user": user})
    theirs = headers["Authorization"] or f"Bearer {answer['token']}"
    return f"Bearer {token['access_token']}", theirs


def pages(path, us):
    """Yield the items of one of Ruta's lists, page by page."""
    query = {"limit": 200}
    while True:
        mark = "&" if "?" in path else "?"
        _, page = call(f"{RUTA}/referrals/v1{path}{mark}{urllib.parse.urlencode(query)}", us)
        yield from page["items"]
        if not page["next_cursor"]:
            return
        query["cursor"] = page["next_cursor"]


def services_of(types, record, theirs, category):
    """Return the case's services in Primero that correspond to this need."""
    _, answer = call(f"{PRIMERO}/api/v2/cases/{record}", theirs)
    services = answer["data"].get("services_section") or []
    return [one for one in services if types.get(one.get("service_type")) == category]


def write_back(referral, types, record, theirs):
    services = services_of(types, record, theirs, referral["category"])
    if len(services) != 1:
        why = f"case {record}: {len(services)} services are {referral['category']}"
        sys.stderr.write(f"{why}: nothing was written\n")
        return
    said = {
        name: text.replace("{at}", referral["changed_at"])
        for name, text in FIELDS[referral["state"]].items()
    }
    if all(services[0].get(name) == text for name, text in said.items()):
        return
    changed = {"services_section": [{"unique_id": services[0]["unique_id"], **said}]}
    call(f"{PRIMERO}/api/v2/cases/{record}", theirs, {"data": changed}, "PATCH")


def main():
    us, theirs = signed_in()
    _, forms = call(f"{RUTA}/referrals/v1/intake/forms", us)
    mapping = next(one["mapping"] for one in forms if one["id"] == FORM)
    types = mapping["needs"]["services_section/service_type"]
    cases = {
        one["case_id"]
        for one in pages("/intake/submissions?status=taken", us)
        if one["form_id"] == FORM
    }
    more = True
    while more:
        known = {"cursor": KEPT.read_text()} if KEPT.exists() else {}
        _, feed = call(f"{RUTA}/referrals/v1/feed?{urllib.parse.urlencode(known)}", us)
        named = (one for one in feed["items"] if one["subject_type"] == "referral")
        for referral_id in dict.fromkeys(one["subject_id"] for one in named):
            _, referral = call(f"{RUTA}/referrals/v1/referrals/{referral_id}", us)
            if referral["case_id"] in cases and referral["state"] in FIELDS:
                _, case = call(f"{RUTA}/referrals/v1/cases/{referral['case_id']}", us)
                # This is the record's id in Primero; the mapping contains `"_uuid": "own_reference"`.
                write_back(referral, types, case["identity"]["own_reference"], theirs)
        KEPT.write_text(feed["next_cursor"])
        more = feed["more"]


if __name__ == "__main__":
    main()
