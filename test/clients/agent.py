"""An agent that knows nothing but plain HTTP: registers, validates before each step, exits on a denial."""

import json
import os
import sys
import urllib.error
import urllib.request

BASE_URL = os.environ["MACHINEID_BASE_URL"].rstrip("/")
HEADERS = {"x-org-key": os.environ["MACHINEID_ORG_KEY"], "content-type": "application/json"}


def post(path, payload):
    data = json.dumps(payload).encode()
    request = urllib.request.Request(BASE_URL + path, data=data, headers=HEADERS, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


device = {"deviceId": sys.argv[1]}
status, registration = post("/api/v1/devices/register", device)
if status >= 400 or registration["status"] not in ("ok", "exists"):
    print("register refused", registration["code"], registration["request_id"], flush=True)
    sys.exit(1)
print("registered", registration["planTier"], registration["limit"], registration["devicesUsed"], flush=True)

for line in sys.stdin:
    status, decision = post("/api/v1/devices/validate", device)
    if status >= 400 or not decision["allowed"]:
        print("denied", decision["code"], decision["request_id"], flush=True)
        sys.exit(1)
    print("worked on", line.strip(), flush=True)
