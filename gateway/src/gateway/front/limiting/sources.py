"""Where an anonymous request comes from. Used to count and never logged or passed on as it is."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

_KEPT = 16


class Sources:
    """`trusted`: proxies of ours whose X-Forwarded-For is believed; else only the peer counts."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self._trusted = tuple(trusted)
        # A key of this process's life: what services see cannot be turned back into an address.
        self._key = secrets.token_bytes(32)

    def address(self, peer: str, forwarded_for: bytes | None) -> str:
        """The nearest address that is not a proxy of ours. IPv6 counts by /64, as one site has."""
        address = peer
        if self._trusted and forwarded_for:
            hops = [hop.strip() for hop in forwarded_for.decode("latin-1").split(",")]
            while self._is_ours(address) and hops:
                address = hops.pop()
        return _network(address)

    def pseudonym(self, address: str) -> bytes:
        """A stable name for an address within this process's life (`Ruta-Source` to the issuer)."""
        digest = hmac.new(self._key, address.encode(), hashlib.sha256).hexdigest()
        return digest[:_KEPT].encode()

    def _is_ours(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return ":".join(parsed.exploded.split(":")[:4])
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
