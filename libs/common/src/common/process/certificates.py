"""Certificates with which Ruta's processes and the broker identify each other.

A process with a certificate accepts only TLS connections. A process with trusted authorities connects only with TLS. It
accepts a server only if an authority certifies the name to which the process connects.
"""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, cast

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from common import clock
from common.process.logs import get_logger
from common.settings import CoreSettings

_log = get_logger(__name__)
_OTHER_NAME = frozenset({62, 64})
"""OpenSSL's X509_V_ERR_* codes for a certificate that names neither this host nor this address."""
_NOT_IN_FORCE = frozenset({9, 10})


class RenewedContext(ssl.SSLContext):
    """Reloads its files at the first connection after a change, so that no restart is needed. If the new files are
    unusable, it keeps the last good ones."""

    def __new__(cls, protocol: int, _make: object, _files: object) -> Self:
        return super().__new__(cls, protocol)

    def __init__(
        self, _protocol: int, make: Callable[[], ssl.SSLContext], files: tuple[Path, ...]
    ) -> None:
        self._make, self._files = make, files
        self._seen = self._stamps()
        self._now = make()

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """Create the TLS object. Every connection of an event loop begins here."""
        stamps = self._stamps()
        if stamps != self._seen:
            self._seen = stamps
            try:
                self._now = self._make()
            except OSError as error:
                _log.warning(
                    "certificate_unusable",
                    file=str(self._files[0]),
                    reason=type(error).__name__,
                    remedy="put certificate and key, as PEM, there together; the former ones stay in use",
                )
        return self._now.wrap_bio(*arguments, **options)

    def _stamps(self) -> list[tuple[int, int]]:
        found = []
        for file in self._files:
            try:
                found.append((file.stat().st_mtime_ns, file.stat().st_ino))
            except OSError:  # it is being replaced
                found.append((0, 0))
        return found


def shown(settings: CoreSettings) -> ssl.SSLContext | None:
    """Return the TLS context of a server, or None if it listens without TLS."""
    certificate, key = settings.certificate_file, settings.certificate_key_file
    if certificate is None or key is None:
        return None

    def make() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(certificate, key)
        return context

    return RenewedContext(ssl.PROTOCOL_TLS_SERVER, make, (certificate, key))


def trusting(settings: CoreSettings) -> ssl.SSLContext | None:
    """Return the TLS context of a client that trusts Ruta's authorities, or None if none are configured."""
    authorities = settings.trust_file
    if authorities is None:
        return None

    def make() -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(authorities))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context

    return RenewedContext(ssl.PROTOCOL_TLS_CLIENT, make, (authorities,))


def refused(error: BaseException, asked: str, authorities: str) -> str | None:
    """Return why a server's certificate was rejected and what to do. Return None for other errors. `asked` is the
    setting that requires a certificate, with its value. `authorities` is the setting with the file of trusted
    authorities."""
    match error:
        case ssl.SSLCertVerificationError(verify_code=code) if code in _OTHER_NAME:
            return (
                f"{asked}: the server's certificate is not for the host in the URL; give that name to the"
                " certificate, or see whether somebody answers in its place"
            )
        case ssl.SSLCertVerificationError(verify_code=code) if code in _NOT_IN_FORCE:
            return f"{asked}: the server's certificate is not valid now; renew it there, or set the clock"
        case ssl.SSLCertVerificationError():
            return (
                f"{authorities}: the server's certificate is by another authority; put its authority's into the"
                " file, or see whether somebody answers in its place"
            )
    return None


def remedy(failure: BaseException, settings: CoreSettings) -> dict[str, str]:
    """Return as `remedy` what to do if a TLS connection to one of our own servers failed. Return an empty dict for
    other errors."""
    said, error = None, cast(BaseException | None, failure)
    trust = f"RUTA_TRUST_FILE={settings.trust_file}"
    seen: list[BaseException] = []
    while settings.trust_file is not None and error is not None and error not in seen:
        said = said or refused(error, trust, trust)
        if said is None and isinstance(error, ssl.SSLError):
            said = f"{trust}: the server speaks no TLS that we do; give it its certificate (RUTA_CERTIFICATE_FILE)"
        seen.append(error)
        error = error.__cause__ or error.__context__
    return {"remedy": said} if said else {}


def seconds_left() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "ruta_certificate_seconds_left",
        "Seconds until a certificate ends, or the last of several authorities.",
        labels=["certificate"],
    )


class _Ends(Collector):
    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files

    def collect(self) -> Iterator[Metric]:
        left = seconds_left()
        for name, file in self._files.items():
            if (ends := _ends(file)) is not None:
                left.add_metric([name], ends - clock.now().timestamp())
        yield left


def tell_certificates(registry: CollectorRegistry, settings: CoreSettings) -> None:
    """Export the remaining lifetime of the certificates as a metric, updated on each scrape."""
    files = {"own": settings.certificate_file, "trusted": settings.trust_file}
    given = {name: file for name, file in files.items() if file is not None}
    if given:
        registry.register(_Ends(given))


def _ends(file: Path) -> float | None:
    from cryptography import x509  # noqa: PLC0415 - only who has certificates reads them

    try:
        certificates = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):  # it is being replaced
        return None
    return max(each.not_valid_after_utc.timestamp() for each in certificates)
