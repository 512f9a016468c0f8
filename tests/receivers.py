"""Receivers of notices: a real SMTP server and a real HTTP server, which note all they take and may refuse."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from local.port import LOOPBACK, free_port


def nothing() -> None:
    """Do nothing between taking a message and saying so."""


@dataclass(frozen=True)
class Taken:
    """A message that was taken, under the key by which it is known again."""

    key: str
    to: str
    subject: str
    text: str


@dataclass
class Box:
    """All that was taken, in order; `answers`: what is said to the next ones instead of yes."""

    taken: list[Taken] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    before_answer: Callable[[], None] = nothing
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, message: Taken) -> None:
        """Note a message, then let happen what is to happen before the answer."""
        with self.lock:
            self.taken.append(message)
        self.before_answer()

    def refusal(self) -> str | None:
        """Return what to say instead of yes, if anything."""
        with self.lock:
            return self.answers.pop(0) if self.answers else None

    def times(self) -> Counter[str]:
        """Return how often each key came."""
        with self.lock:
            return Counter(message.key for message in self.taken)


class _Mailbox:
    def __init__(self, box: Box) -> None:
        self._box = box

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse those who do not live here."""
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail."""
        if refusal := self._box.refusal():
            return refusal
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        body = mail.get_body()
        assert body is not None
        text = str(body.get_content()).strip()
        self._box.take(Taken(str(mail["Message-ID"]), envelope.rcpt_tos[0], str(mail["Subject"]), text))
        return "250 OK"


@contextmanager
def smtp_server() -> Iterator[tuple[int, Box]]:
    """Yield a mail server on a free port."""
    box = Box()
    port = free_port()
    controller = Controller(_Mailbox(box), hostname=LOOPBACK, port=port)
    controller.start()
    try:
        yield port, box
    finally:
        controller.stop()


@contextmanager
def http_server(body: dict[str, Any] | None = None) -> Iterator[tuple[int, Box]]:
    """Run a web server on a free port that takes JSON by POST; refusals are statuses, or a body with an answer of 200.

    Args:
        body: of its answers.
    """
    box = Box()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            refusal = box.refusal()
            if refusal is None:
                box.take(
                    Taken(
                        self.headers.get("Idempotency-Key") or "",
                        self.path,
                        posted.get("title", ""),
                        json.dumps(posted),
                    )
                )
            answer = json.dumps(body or {}) if refusal is None or refusal.isdecimal() else refusal
            with suppress(ConnectionError):  # who asked may be dead by now
                self.send_response(int(refusal) if refusal and refusal.isdecimal() else 200)
                self.send_header("Content-Length", str(len(answer.encode())))
                self.end_headers()
                self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Hook)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port, box
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def recipients_file(mail_port: int, hook_port: int) -> str:
    """Return a file of recipients: a desk with a web hook, somebody whose mailbox is gone, and users by mail."""
    mail = f"mailto://{LOOPBACK}:{mail_port}"
    return f"""
        [[recipient]]
        name = "desk"
        audience = "dispatch"
        language = "en"
        channels = {{hook = "json://{LOOPBACK}:{hook_port}/desk"}}
        [[recipient]]
        name = "gone"
        audience = "supervisor"
        language = "en"
        channels = {{mail = "{mail}/nobody@example.com?from=h@x.example&mode=insecure"}}
        [users]
        email = "{mail}/{{to}}?from=h@x.example&mode=insecure"
        """
