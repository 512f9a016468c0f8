"""An S3 server that keeps its buckets in a folder: the Versity gateway, which no Debian has."""

import socket
from pathlib import Path

from local.go_program import GoProgram
from local.host import ourselves
from local.port import LOOPBACK
from local.server import Server

VERSITYGW = GoProgram("versitygw", "github.com/versity/versitygw/cmd/versitygw", "v1.8.0")
KEY, SECRET = "tests-only", "tests-only-secret"


class S3(Server):
    """A server with one bucket, `season`."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder, port, ourselves())

    def uri(self, path: str) -> str:
        """Return the URI of a folder in the bucket."""
        return (
            f"s3://{KEY}:{SECRET}@season/{path}?scheme=http&region=us-east-1&endpoint_override={LOOPBACK}:{self.port}"
        )

    def _prepare(self) -> None:
        (self.place / "buckets/season").mkdir(parents=True, exist_ok=True)

    def _command(self) -> list[str]:
        address = f"{LOOPBACK}:{self.port}"
        keys = ["--access", KEY, "--secret", SECRET, "--region", "us-east-1"]
        return [str(VERSITYGW.path()), *keys, "--port", address, "posix", str(self.place / "buckets")]

    def _answers(self) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex((LOOPBACK, self.port)) == 0
