"""A peer as a process of its own: takes webhooks, looks at their signatures by itself, fails and waits as it is told.

`python -m tests.peer_process FOLDER` writes its port to FOLDER/port and each request to FOLDER/taken. FOLDER/plan has
a line for each of the next requests, `STATUS [SECONDS]`: the answer, and the wait before it. New tickets get a number,
as Zammad gives them.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEYS = (b"k" * 32, b"n" * 32)  # the old and the new one
SECRETS = tuple("whsec_" + base64.b64encode(key).decode() for key in KEYS)
TOKEN = "Token token=of-the-agent"
TOO_OLD_S = 300.0


def is_signed(headers: dict[str, str], body: bytes) -> bool:
    """Check a signature by the newest key, as the specification of Standard Webhooks says."""
    stamp = headers.get("webhook-timestamp", "0")
    said = f"{headers.get('webhook-id')}.{stamp}.".encode() + body
    made = "v1," + base64.b64encode(hmac.new(KEYS[-1], said, hashlib.sha256).digest()).decode()
    return made in headers.get("webhook-signature", "").split() and abs(time.time() - int(stamp)) < TOO_OLD_S


def main(folder: Path) -> None:
    """Serve until killed."""
    numbers: dict[str, int] = {}

    class Hook(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            plan = folder / "plan"
            lines = plan.read_text().splitlines() if plan.exists() else []
            status, _, seconds = (lines[0] if lines else "200").partition(" ")
            if lines:
                plan.write_text("\n".join(lines[1:]))
            if not is_signed(headers, body) or headers.get("authorization") not in (None, TOKEN):
                status = "401"
            key = headers.get("webhook-id", "")
            with (folder / "taken").open("a") as taken:
                taken.write(json.dumps([int(status), key, self.command, self.path, json.loads(body)]) + "\n")
            time.sleep(float(seconds or 0))
            number = numbers.setdefault(key, 70_000 + len(numbers)) if status == "200" else 0
            answer = json.dumps({"id": number - 70_000 + 1, "number": str(number)}).encode()
            self.send_response(int(status))
            if status == "429":
                self.send_header("Retry-After", "600")
            if status == "302":
                self.send_header("Location", self.path + "/elsewhere")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_PUT = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    (folder / "port.new").write_text(str(server.server_port))
    (folder / "port.new").rename(folder / "port")
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
