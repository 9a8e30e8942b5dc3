"""Reads the feed into SQLite without losing anything when it is stopped at any moment, even by `kill -9`. Run it with a
timer.

It writes the notices of a page and the next cursor in one transaction. So the next run begins after the last complete
page, and handles no notice twice.

    RUTA=https://ruta.example.org CLIENT=ngo-refugio SECRET=… python3 feed_reader.py
"""

import base64
import json
import os
import sqlite3
import urllib.parse
import urllib.request

RUTA = os.environ["RUTA"]
KEPT = sqlite3.connect(os.environ.get("FEED_FILE", "feed.sqlite"))
KEPT.execute("CREATE TABLE IF NOT EXISTS notices (id TEXT PRIMARY KEY, notice TEXT)")
KEPT.execute("CREATE TABLE IF NOT EXISTS place (only INTEGER PRIMARY KEY, cursor TEXT)")


def call(path, headers, form=None):
    # The user of this script gives the address.
    request = urllib.request.Request(RUTA + path, form, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.loads(answer.read())


def token():
    known = base64.b64encode(f"{os.environ['CLIENT']}:{os.environ['SECRET']}".encode()).decode()
    form = b"grant_type=client_credentials"
    return call("/oauth/token", {"Authorization": "Basic " + known}, form)["access_token"]


def main():
    headers = {"Authorization": "Bearer " + token()}
    more = True
    while more:
        place = KEPT.execute("SELECT cursor FROM place").fetchone()
        asked = {"limit": os.environ.get("PAGE", "100"), **({"cursor": place[0]} if place else {})}
        page = call("/referrals/v1/feed?" + urllib.parse.urlencode(asked), headers)
        with KEPT:  # one transaction
            for notice in page["items"]:
                KEPT.execute(
                    "INSERT INTO notices VALUES (?, ?)", (notice["id"], json.dumps(notice))
                )
            KEPT.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", (page["next_cursor"],))
        more = page["more"]


main()
