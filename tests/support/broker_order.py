"""Waits until a NATS client's commands have reached the server."""

from nats.aio.client import Client


async def told_the_server(client: Client) -> None:
    """Return once the server has received everything that `client` has sent so far.

    nats-py (2.16) sends a ping before commands that still wait in its buffer. The first pong only proves a flush; the
    second proves that the commands arrived.
    """
    await client.flush()
    await client.flush()
