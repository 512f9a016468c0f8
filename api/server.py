"""The HTTP server, which ends event streams before it waits for connections to close."""

from socket import socket

import uvicorn

from api.live.hub import Hub


class StreamServer(uvicorn.Server):
    """The server of uvicorn, except that shutting down ends event streams, which would otherwise never close."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End streams, stop accepting connections, wait for the rest."""
        self._hub.close()
        await super().shutdown(sockets)
