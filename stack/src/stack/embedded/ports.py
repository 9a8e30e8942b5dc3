"""Loopback ports: finds free ones, and asks the servers that listen there."""

import atexit
import errno
import secrets
import socket
import ssl
from http.client import HTTPConnection, HTTPException

LOOPBACK = "127.0.0.1"
# Nothing is encrypted on the way to oneself. Whoever asks every two seconds need not read all
# certificate authorities each time (12 ms and 1 MiB); a context without any trusts nobody.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# Linux gives the ports from 32768 on to connections that leave (net.ipv4.ip_local_port_range).
_BELOW = range(10_240, 32_768)


# Ports given out stay bound without listening: others who look for a free port skip them, and a server may still bind
# them, as all of ours set SO_REUSEADDR.
_HELD: list[socket.socket] = []


@atexit.register
def _let_go() -> None:
    for each in _HELD:
        each.close()


def free_port(host: str = LOOPBACK) -> int:
    """A free port; reserved while this process lives."""
    return free_ports(1, host)[0]


def free_ports(count: int, host: str = LOOPBACK) -> list[int]:
    """Distinct free ports, held for the servers that bind them seconds later.

    The system's own choice for a connection that begins meanwhile lies above `_BELOW`.
    """
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
    """True when a server could not bind the port now (a socket in TIME_WAIT does not count)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def status_of(port: int, path: str, seconds: float) -> int | None:
    """The HTTP status at a port of this machine; None without an answer.

    Uses http.client: httpx would take 10 MiB for as long as the stack runs.
    """
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
