"""What a client of the broker has said is with the server."""

from nats.aio.client import Client


async def told_the_server(client: Client) -> None:
    """Return when the server has all that `client` said before.

    nats-py (2.16) writes a ping ahead of commands that still wait for its flusher: the first
    answer says only that the flusher had its turn, the second that its commands came first.
    """
    await client.flush()
    await client.flush()
