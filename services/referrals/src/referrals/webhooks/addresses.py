"""Which addresses a webhook may call. Pure: no resolving here.

A webhook that could reach private addresses would let a client read what only our network can.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_MAX_URL = 2000


class UnsafeUrl(Exception):
    """The URL is not one that webhooks may go to; the message says why."""


def networks(text: str) -> tuple[Network, ...]:
    """Networks of a comma-separated list."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def embedded_address(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only carries it (mapped, 6to4, NAT64)."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in ipaddress.IPv6Network("64:ff9b::/96"):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_allowed(text: str, also: Collection[Network] = ()) -> bool:
    """Whether this IP address is public, or in one of the networks that the operator allows."""
    try:
        address = embedded_address(ipaddress.ip_address(text.split("%", maxsplit=1)[0]))
    except ValueError:
        return False
    if any(address in network for network in also if network.version == address.version):
        return True
    return address.is_global and not address.is_multicast


def check_url(url: str, also: Collection[Network] = ()) -> None:
    """UnsafeUrl unless it is https (or an allowed private address) without user, fragment."""
    if len(url) > _MAX_URL or any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise UnsafeUrl("it holds spaces or control characters, or is too long")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UnsafeUrl("it is not a URL") from error
    if not parts.hostname or parts.username is not None or parts.fragment:
        raise UnsafeUrl("give a host, no user name, no fragment")
    literal = _is_literal(parts.hostname)
    if literal and not is_allowed(parts.hostname, also):
        raise UnsafeUrl("it is not a public address")
    private = literal and not is_allowed(parts.hostname)
    if parts.scheme != "https" and not (parts.scheme == "http" and private):
        raise UnsafeUrl("webhooks go to https")
    if port is not None and port < 1024 and port != 443:
        raise UnsafeUrl("only port 443 or a port from 1024 on")


def _is_literal(host: str) -> bool:
    """Whether the host is an address already; odd spellings of one (0x7f.1) count as such too."""
    try:
        ipaddress.ip_address(host.split("%", maxsplit=1)[0])
    except ValueError:
        last = host.rstrip(".").rsplit(".", 1)[-1]
        return last.isdigit() or last.lower().startswith("0x")
    return True
