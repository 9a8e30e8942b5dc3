"""Sends submissions of ODK Central to Ruta; run it by a timer (docs/partner-guide.md).

The next run repeats a failed one: Ruta accepts each submission once.

    CENTRAL_FORM=https://central.example.org/v1/projects/1/forms/intake CENTRAL_USER=ruta@example.org CENTRAL_PASSWORD=… \\
    FORM_ADDRESS=https://ruta.example.org/referrals/v1/intake/forms/…/submissions FORM_SECRET=… python3 odk_submissions.py
"""

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

# CENTRAL_FORM: https://central.example.org/v1/projects/1/forms/intake
CENTRAL_FORM, ADDRESS, SECRET = (
    os.environ[name] for name in ("CENTRAL_FORM", "FORM_ADDRESS", "FORM_SECRET")
)
KEPT = Path(os.environ.get("CURSOR_FILE", "odk.cursor"))
AGAIN = timedelta(hours=1)  # Includes submissions that were being written during the last run.


def call(url, headers, body=None):
    # The user of this script gives these addresses.
    request = urllib.request.Request(url, body, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.loads(answer.read())


def pages(since):
    known = f"{os.environ['CENTRAL_USER']}:{os.environ['CENTRAL_PASSWORD']}".encode()
    headers = {"Authorization": "Basic " + base64.b64encode(known).decode()}
    # Central returns a link to the next page only if the request specifies a page size.
    query = {"$top": 250, "$filter": f"__system/submissionDate ge {since}"}
    asked = urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
    url = f"{CENTRAL_FORM}.svc/Submissions?{asked}"
    while url:
        page = call(url, headers)
        yield from page["value"]
        url = page.get("@odata.nextLink")


def refused(row):
    """Return Ruta's message if it refused the row; wait if the response asks for it."""
    headers = {"Content-Type": "application/json", "X-Form-Secret": SECRET}
    while True:
        try:
            call(ADDRESS, headers, json.dumps(row).encode())
            return None
        except urllib.error.HTTPError as error:
            if error.code in (429, 503):
                time.sleep(int(error.headers["Retry-After"] or 5))
                continue
            if error.code not in (409, 422):
                raise
            problem = json.loads(error.read())
            where = problem.get("pointer", "")
            return f"{row['__id']}: {problem['code']} {where}: {problem['detail']}"


def main():
    since = KEPT.read_text().strip() if KEPT.exists() else "1970-01-01T00:00:00.000Z"
    told, last = [], None
    for row in pages(since):
        told.append(refused(row))
        at = datetime.fromisoformat(row["__system"]["submissionDate"])
        last = max(last or at, at)
    if last is not None:
        KEPT.write_text((last - AGAIN).isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    found = [each for each in told if each]
    sys.stderr.writelines(f"{each}\n" for each in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
