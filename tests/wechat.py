"""WeChat as a real HTTP server with the shapes of its interface, and the file of an account there."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Wechat:
    """WeChat as far as it is used: tokens that end, logins, and messages with the codes that a test plans."""

    port: int = 0
    tokens: list[str] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    def answer(self, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> dict[str, Any]:
        """Answer a request as WeChat does: always with 200."""
        if path == "/cgi-bin/stable_token":
            if body != {"grant_type": "client_credential", "appid": "wx1", "secret": "s3cret"}:
                return {"errcode": 40125, "errmsg": "invalid appsecret"}
            self.tokens.append(f"token-{len(self.tokens)}")
            return {"access_token": self.tokens[-1], "expires_in": 7200}
        if path == "/sns/jscode2session":
            self.logins += query["js_code"]
            known = query["js_code"] == ["good"]
            return {"openid": "o-1", "session_key": "k"} if known else {"errcode": 40029, "errmsg": "invalid code"}
        assert path == "/cgi-bin/message/subscribe/send"
        if query["access_token"] != [self.tokens[-1]]:
            return {"errcode": 40001, "errmsg": "invalid credential, access_token is invalid or not latest"}
        code = self.codes.pop(0) if self.codes else 0
        if code == 0:
            self.sent.append(body)
        return {"errcode": code, "errmsg": "ok" if code == 0 else "…"}


@contextmanager
def served() -> Iterator[Wechat]:
    """Run it on a free port."""
    wechat = Wechat()

    class Hook(BaseHTTPRequestHandler):
        def answer(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            said = wechat.answer(parts.path, parse_qs(parts.query), json.loads(text or b"{}"))
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    wechat.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield wechat
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def file(port: int, more: str = "") -> str:
    return f"""
        app_id = "wx1"
        secret = "s3cret"
        kind = "mini"
        template = "t1"
        data = {{thing1 = "{{subject}}", thing2 = "{{body}}", time3 = "{{at}}"}}
        api = "http://127.0.0.1:{port}"
        {more}
        """
