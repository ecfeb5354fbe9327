"""`helm test`: the gateway is ready, refuses what it must refuse, and the dashboard answers."""

import json
import os
import sys
import urllib.error
import urllib.request


def ask(method: str, url: str, body: bytes | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


gateway = os.environ["GATEWAY"]
checks = [
    ("GET", f"{gateway}/readyz", None, 200),
    ("GET", f"{gateway}/.well-known/jwks.json", None, 200),
    ("GET", f"{gateway}/v1/tasks", None, 401),
    ("POST", f"{gateway}/webhooks/clickup", b'{"webhook_id": "forged"}', 403),
    ("POST", f"{gateway}/webhooks/nobody", b"{}", 404),
]
if observer := os.environ.get("OBSERVER"):
    checks.append(("GET", f"{observer}/api/health", None, 200))
failed = False
for method, url, body, wanted in checks:
    try:
        status, said = ask(method, url, body)
    except OSError as error:
        status, said = 0, str(error)
    failed |= status != wanted
    print("ok  " if status == wanted else "FAIL", method, url, status, "" if status == wanted else said[:500])
print(json.dumps({"passed": not failed}))
sys.exit(failed)
