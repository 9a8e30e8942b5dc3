"""Certificates of servers, signed as PostgreSQL's operator signs them: by the CA of a Secret, for some names."""

from collections.abc import Iterable
from datetime import timedelta
from ipaddress import ip_address

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


def signed(
    authority: tuple[str, str],
    names: Iterable[str],
    addresses: Iterable[str] = (),
    *,
    since: timedelta = timedelta(minutes=5),
    days: int = 90,
) -> tuple[str, str]:
    """Certificate and key as PEM. `authority`: its own, of which the first certificate is the one that signs."""
    issuer = x509.load_pem_x509_certificate(authority[0].encode())
    signer = load_pem_private_key(authority[1].encode(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    known_as = [
        *(x509.DNSName(name) for name in sorted(names)),
        *(x509.IPAddress(ip_address(address)) for address in addresses),
    ]
    begun = clock.now() - since
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string("CN=postgres"))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begun)
        .not_valid_after(begun + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(known_as), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
        .sign(signer, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return made.public_bytes(Encoding.PEM).decode(), secret.decode()
