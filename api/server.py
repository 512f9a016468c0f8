"""The HTTP server, which ends streams before it waits for connections to end."""

from socket import socket

import uvicorn

from api.live.hub import Hub


class StreamServer(uvicorn.Server):
    """As uvicorn's own; a stream would go on for ever otherwise."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Stop taking connections, end streams, wait for the rest."""
        self._hub.close()
        await super().shutdown(sockets)
