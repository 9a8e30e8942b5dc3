"""Decides which addresses a webhook may call. Pure: it resolves no names. A private address would let a client reach
systems that only our network can reach."""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_MAX_URL = 2000
# Clients interpret unusual spellings of a host (ideographic dots, wide digits, percent signs) differently from this
# check.
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")

# The IPv6 range of internet networks. Disguised IPv4 addresses are elsewhere (::/96, ::ffff:0:0/96, 64:ff9b::/96,
# 64:ff9b:1::/48) or in the two ranges below. Link-local, site-local, unique local, discard-only and segment routing
# addresses are also elsewhere.
_UNICAST = ipaddress.IPv6Network("2000::/3")
# Special ranges within it, from the RFC 6890 registries; Python treats some of them as global.
_SPECIAL: tuple[Network, ...] = (
    ipaddress.IPv6Network("2001::/23"),  # protocol assignments, Teredo, ORCHID
    ipaddress.IPv6Network("2001:db8::/32"),  # documentation
    ipaddress.IPv6Network("2002::/16"),  # 6to4
    ipaddress.IPv6Network("3ffe::/16"),  # returned by the 6bone
    ipaddress.IPv6Network("3fff::/20"),  # documentation
    ipaddress.IPv4Network("192.0.0.0/24"),  # protocol assignments
    ipaddress.IPv4Network("192.88.99.0/24"),  # 6to4 relays
)
# An ISATAP interface (RFC 5214): the lower half is 0:5efe or 200:5efe, followed by an IPv4 address.
_ISATAP = frozenset({0x5EFE, 0x2005EFE})


class UnsafeUrl(Exception):
    """Webhooks may not call this URL; the message gives the reason."""


def networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def is_allowed(text: str, also: Collection[Network] = ()) -> bool:
    """Return whether this IP address is public or in a network that the operator allows."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if any(address in network for network in also if network.version == address.version):
        return True
    return is_public(address)


def is_public(address: Address) -> bool:
    """Return whether this is the internet address of one machine, neither translated nor tunnelled."""
    if address.is_multicast or not address.is_global:
        return False
    if any(address in special for special in _SPECIAL if special.version == address.version):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    return address in _UNICAST and (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP


def check_url(url: str, also: Collection[Network] = ()) -> None:
    """Raise UnsafeUrl unless the URL uses https (or an allowed private address) and contains no user or fragment."""
    if len(url) > _MAX_URL or any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise UnsafeUrl("it holds spaces or control characters, or is too long")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UnsafeUrl("it is not a URL") from error
    if not parts.hostname or parts.username is not None or parts.fragment:
        raise UnsafeUrl("give a host, no user name, no fragment")
    if not _HOST.fullmatch(parts.hostname):
        raise UnsafeUrl("write the host in ASCII (xn--…), without percent signs")
    literal = _is_literal(parts.hostname)
    if literal and not is_allowed(parts.hostname, also):
        raise UnsafeUrl("it is not a public address")
    private = literal and not is_allowed(parts.hostname)
    if parts.scheme != "https" and not (parts.scheme == "http" and private):
        raise UnsafeUrl("webhooks go to https")
    if port is not None and port < 1024 and port != 443:
        raise UnsafeUrl("only port 443 or a port from 1024 on")


def _is_literal(host: str) -> bool:
    """Return whether the host is already an address; unusual spellings such as 0x7f.1 also count."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rsplit(".", 1)[-1]
        return last.isdigit() or last.lower().startswith("0x")
    return True
