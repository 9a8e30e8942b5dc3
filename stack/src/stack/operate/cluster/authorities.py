"""A deployment's own certificate authorities and the certificates that they sign."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Self

from common import clock
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

_LIFETIME = timedelta(days=3653)
_SINCE = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A certificate and its key as PEM. If there are several certificates, the first one is used for signing."""

    certificate: str
    key: str

    @classmethod
    def new(cls, name: str) -> Self:
        """Return a new authority, valid for ten years. The name follows RFC 4514 ("CN=…")."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name.from_rfc4514_string(name)
        begun = clock.now() - _SINCE
        made = (
            _builder(subject, key, begun, _LIFETIME)
            .issuer_name(subject)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(made.public_bytes(Encoding.PEM).decode(), _pem(key))

    def checked(self) -> Self:
        """Return the authority itself. Raise ValueError if its key does not match its certificate."""
        if self._signer().public_key() != self._read().public_key():
            raise ValueError("this is not the key of that certificate")
        return self

    def signed(
        self,
        names: Iterable[str],
        lifetime: timedelta,
        *,
        addresses: Iterable[str] = (),
        since: timedelta = _SINCE,
    ) -> tuple[str, str]:
        """Return a server's certificate and key as PEM. The nodes of a broker also use them as clients of each
        other."""
        key = ec.generate_private_key(ec.SECP256R1())
        known_as = [
            *(x509.DNSName(name) for name in names),
            *(x509.IPAddress(ip_address(address)) for address in addresses),
        ]
        issuer = self._read()
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        subject = x509.Name.from_rfc4514_string("CN=Ruta")
        made = (
            _builder(subject, key, clock.now() - since, lifetime)
            .issuer_name(issuer.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(both), critical=False)
            .add_extension(x509.SubjectAlternativeName(known_as), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
                critical=False,
            )
            .sign(self._signer(), hashes.SHA256())
        )
        return made.public_bytes(Encoding.PEM).decode(), _pem(key)

    def _read(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate.encode())

    def _signer(self) -> ec.EllipticCurvePrivateKey:
        key = load_pem_private_key(self.key.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("its key is of another kind")
        return key


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, begun: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begun)
        .not_valid_after(begun + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    # PostgreSQL's operator can read only this key format ("EC PRIVATE KEY").
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()
