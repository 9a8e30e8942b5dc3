"""Loopback ports: finds free ports, and queries the servers that listen on them."""

import atexit
import errno
import secrets
import socket
import ssl
from http.client import HTTPConnection, HTTPException

LOOPBACK = "127.0.0.1"
# Loopback traffic is not encrypted. A context without authorities trusts nobody, so it need not load all authorities
# for each request (12 ms and 1 MiB). This matters for requests that repeat every two seconds.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# Linux uses ports from 32768 upwards for outgoing connections (net.ipv4.ip_local_port_range).
_BELOW = range(10_240, 32_768)


# Allocated ports stay bound without listening. Other programs that look for a free port skip them, and our servers
# can still bind them, because all of them set SO_REUSEADDR.
_HELD: list[socket.socket] = []


@atexit.register
def _let_go() -> None:
    for each in _HELD:
        each.close()


def free_port(host: str = LOOPBACK) -> int:
    """Return a free port, reserved for the lifetime of this process."""
    return free_ports(1, host)[0]


def free_ports(count: int, host: str = LOOPBACK) -> list[int]:
    """Return distinct free ports, reserved for the servers that bind them seconds later. The system chooses ports for
    outgoing connections above `_BELOW`, so it takes none of these in the meantime."""
    found: list[int] = []
    while len(found) < count:
        probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            probe.bind((host, secrets.choice(_BELOW)))
        except OSError as error:
            probe.close()
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _HELD.append(probe)
            found.append(probe.getsockname()[1])
    return found


def is_taken(port: int, host: str = LOOPBACK) -> bool:
    """Return whether a server could not bind the port now. Sockets in TIME_WAIT do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def status_of(port: int, path: str, seconds: float) -> int | None:
    """Return the HTTP status at a local port, or None without a response. This uses http.client, because httpx would
    need 10 MiB for as long as the stack runs."""
    asking = HTTPConnection(LOOPBACK, port, timeout=seconds)
    try:
        asking.request("GET", path)
        return asking.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        asking.close()


def answers(port: int, host: str = LOOPBACK) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0
