#!/usr/bin/env bash
# Recipes for partners' systems; they work as pasted against `./ruta up --demo` (docs/partner-guide.md).
set -euo pipefail
RUTA=${RUTA:-http://127.0.0.1:8080}
SECRET=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["ngo-refugio"])' "${RUTA_DATA:-.ruta}/clients.json")
TOKEN=$(curl -sS --fail-with-body "$RUTA/oauth/token" -u "ngo-refugio:$SECRET" -d grant_type=client_credentials |
  python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')
new() { python3 -c 'import uuid; print(uuid.uuid4())'; }
post() { # path, body
  curl -sS --fail-with-body "$RUTA$1" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
    -H "Idempotency-Key: $(new)" -d "$2"
}
show() { python3 -c "import json,sys; answer = json.load(sys.stdin); print($1)"; }

# 1. Send many lines at once. Each has a key of its own, so a bad line stops no other line.
RUN=$(new)
lines() { # age of the second person
  cat <<JSON
{"commands": [
  {"key": "1-$RUN", "path": "/referrals/v1/cases", "body": {"identity": {"name": "Ana Ficticia", "age": 27}, "area": "VE2313"}},
  {"key": "2-$RUN", "path": "/referrals/v1/cases", "body": {"identity": {"name": "Eva Ficticia", "age": $1}, "area": "VE2313"}},
  {"key": "3-$RUN", "path": "/referrals/v1/cases", "body": {"identity": {"name": "Luz Ficticia", "age": 31}, "area": "VE2313"}}]}
JSON
}
STATUS='" ".join(str(each["status"]) for each in answer["results"])'
FIRST=$(post /referrals/v1/bulk "$(lines '"thirty"')")
echo "$FIRST" | show "$STATUS"
echo "$FIRST" | show '[each["body"]["pointer"] for each in answer["results"] if each["status"] == 422]'
# Correct the line and send all of them again: what was done is not done twice.
AGAIN=$(post /referrals/v1/bulk "$(lines 30)")
echo "$AGAIN" | show "$STATUS"
IDS='[each["body"].get("id") for each in answer["results"]]'
[ "$(echo "$FIRST" | show "$IDS[0]")" = "$(echo "$AGAIN" | show "$IDS[0]")" ]

# 2. Find your own record again by its reference in your system. The search sends it in the body, never in an address.
REFERENCE="A-$RUN"
CASE=$(post /referrals/v1/cases '{"identity": {"name": "Sol Ficticia", "age": 40, "own_reference": "'"$REFERENCE"'"},
  "area": "VE2313"}' |
  show 'answer["id"]')
FOUND=$(post /referrals/v1/cases/search '{"own_reference": "'"$REFERENCE"'"}' | show 'answer["items"][0]["id"]')
[ "$CASE" = "$FOUND" ] && echo "found"

# 3. Show people the reasons for which a referral can be recalled, and send one of their codes.
curl -sS --fail-with-body "$RUTA/openapi/referrals.json" |
  show '", ".join(answer["components"]["schemas"]["Recall"]["properties"]["reason"]["enum"])'
SERVICE=$(curl -sS --fail-with-body "$RUTA/directory/v1/services?organization_id=0190a000-0000-7000-8000-000000000002&referable=true&per_page=1" -H "Authorization: Bearer $TOKEN" |
  show 'answer["contents"][0]["id"]')
CATEGORY=$(curl -sS --fail-with-body "$RUTA/directory/v1/services/$SERVICE" -H "Authorization: Bearer $TOKEN" |
  show 'answer["categories"][0]')
GRANT=$(post /referrals/v1/consents '{"case_id": "'"$CASE"'", "service_id": "'"$SERVICE"'", "purpose": "'"$CATEGORY"'",
  "items": ["name", "situation"], "method": "verbal"}' | show 'answer["id"]')
REFERRAL=$(post /referrals/v1/referrals '{"case_id": "'"$CASE"'", "service_id": "'"$SERVICE"'", "category": "'"$CATEGORY"'",
  "urgency": "routine", "payload": {"situation": "Asks for advice."}, "from_case": ["name"],
  "safe_contact": {"rule": "person_comes"}}' | show 'answer["id"]')
post "/referrals/v1/referrals/$REFERRAL/send" '{"grant_id": "'"$GRANT"'"}' | show 'answer["state"]'
post "/referrals/v1/referrals/$REFERRAL/recall" '{"reason": "mistake"}' | show 'answer["state"]'
