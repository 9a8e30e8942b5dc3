r"""Sends changed tracked entities of DHIS2 to Ruta; run it by a timer (docs/partner-guide.md).

The next run repeats a failed one: Ruta accepts each version once.

    DHIS2=https://dhis2.example.org DHIS2_TOKEN=d2pat_… PROGRAM=UID ORG_UNIT=UID \
    FORM_ADDRESS=https://ruta.example.org/referrals/v1/intake/forms/…/submissions FORM_SECRET=… python3 dhis2_entities.py
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

DHIS2, ADDRESS, SECRET = (os.environ[name] for name in ("DHIS2", "FORM_ADDRESS", "FORM_SECRET"))
KEPT = Path(os.environ.get("CURSOR_FILE", "dhis2.cursor"))
AGAIN = timedelta(hours=1)  # Includes entities that were being written during the last run.
VALUES = "attributes[attribute,value]"
EVENTS = "events[programStage,deleted,dataValues[dataElement,value]]"
FIELDS = f"trackedEntity,orgUnit,updatedAt,{VALUES},enrollments[program,deleted,{VALUES},{EVENTS}]"


def call(url, headers, body=None):
    # The user of this script gives these addresses.
    request = urllib.request.Request(url, body, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=300) as answer:  # noqa: S310
        return json.loads(answer.read())


def changed(since):
    query = {
        "program": os.environ["PROGRAM"],
        "orgUnits": os.environ["ORG_UNIT"],
        "orgUnitMode": "DESCENDANTS",
        "updatedAfter": since,
        "fields": FIELDS,
        # Without paging, because pages shift while people work. An entity that slips between two pages would be missed for
        # ever.
        "paging": "false",
    }
    headers = {"Authorization": f"ApiToken {os.environ['DHIS2_TOKEN']}"}
    asked = urllib.parse.urlencode(query)
    page = call(f"{DHIS2}/api/tracker/trackedEntities?{asked}", headers)
    # Before version 2.40 the list had another name.
    return page["trackedEntities"] if "trackedEntities" in page else page["instances"]


def refused(entity):
    """Return Ruta's message if it refused the entity; wait if the response asks for it."""
    headers = {"Content-Type": "application/json", "X-Form-Secret": SECRET}
    while True:
        try:
            call(ADDRESS, headers, json.dumps(entity).encode())
            return None
        except urllib.error.HTTPError as error:
            if error.code in (429, 503):
                time.sleep(int(error.headers["Retry-After"] or 5))
                continue
            if error.code not in (409, 422):
                raise
            problem = json.loads(error.read())
            where = problem.get("pointer", "")
            return f"{entity['trackedEntity']}: {problem['code']} {where}: {problem['detail']}"


def main():
    since = KEPT.read_text().strip() if KEPT.exists() else "1970-01-01T00:00:00.000"
    entities = changed(since)
    found = [told for entity in entities if (told := refused(entity))]
    if entities:
        last = max(datetime.fromisoformat(entity["updatedAt"]) for entity in entities)
        KEPT.write_text((last - AGAIN).isoformat(timespec="milliseconds"))
    sys.stderr.writelines(f"{each}\n" for each in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
