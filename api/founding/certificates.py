"""The consortium's own certificate authority, and the certificates of the oracles that run on this machine.

It serves until members bring certificates of their own: a file that this authority has not signed is never replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from api.stack import reached_at
from ledger_node.files import make_folder, replace_atomically
from ledger_node.keys import read_private, write_private
from oracle.settings import OracleSection, TlsSection
from oracle.tls import TlsError

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 397
"""What browsers and operating systems accept at most from a private authority."""
RENEW_DAYS = 60
"""A certificate is made anew when it has fewer days left."""
_CLOCK_SLACK = timedelta(minutes=5)


def certify(section: TlsSection, oracles: Sequence[OracleSection], now: datetime | None = None) -> list[Path]:
    """See that each oracle has a certificate that is good for its address; the files that were written.

    Where somebody else is the authority (its certificate is here and its key is not) nothing is made.
    Raises TlsError, KeyFileError.
    """
    now = now or datetime.now(UTC)
    if not section.authority_file.exists():
        _make_authority(section, now)
    elif not section.authority_key_file.exists():
        return []
    authority = _Authority(_read_certificate(section.authority_file), _read_key(section.authority_key_file))
    return [each.tls_certificate_file for each in oracles if authority.certify(each, now)]


class _Authority:
    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate, self._key = certificate, key

    def certify(self, oracle: OracleSection, now: datetime) -> bool:
        """Whether a certificate was made, because there was none or it would soon be of no use."""
        names, file = _names(oracle), oracle.tls_certificate_file
        if file.exists():
            found = _read_certificate(file)
            if not self._has_signed(found) or _is_good(found, names, now):
                return False
        elif not oracle.tls_key_file.exists():
            write_private(oracle.tls_key_file, _pem(ec.generate_private_key(ec.SECP256R1())))
        key = _read_key(oracle.tls_key_file)
        _replace(file, self._sign(oracle.name, key.public_key(), names, now))
        return True

    def _has_signed(self, certificate: x509.Certificate) -> bool:
        try:
            certificate.verify_directly_issued_by(self._certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def _sign(self, name: str, public: ec.EllipticCurvePublicKey, names: set[str], now: datetime) -> bytes:
        until = min(now + timedelta(days=CERTIFICATE_DAYS), self._certificate.not_valid_after_utc)
        alternatives = x509.SubjectAlternativeName([_general_name(each) for each in sorted(names)])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            _builder(name, self._certificate.subject, public, now, until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign=True, certify=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(alternatives, critical=False)
            .add_extension(authority, critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _make_authority(section: TlsSection, now: datetime) -> None:
    """The key first: a certificate that stands without its key means that somebody else is the authority."""
    if not section.authority_key_file.exists():
        write_private(section.authority_key_file, _pem(ec.generate_private_key(ec.SECP256R1())))
    key = _read_key(section.authority_key_file)
    name = "Cangdan authority"
    builder = (
        _builder(name, _subject(name), key.public_key(), now, now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign=False, certify=True), critical=True)
    )
    certificate = builder.sign(key, hashes.SHA256())
    _replace(section.authority_file, certificate.public_bytes(serialization.Encoding.PEM))


def _builder(
    name: str, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SLACK)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, sign: bool, certify: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        key_cert_sign=certify,
        crl_sign=certify,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _names(oracle: OracleSection) -> set[str]:
    """How the oracle is reached: by others at its URL, by its own supervisor where it listens."""
    return {urlsplit(oracle.url).hostname or oracle.host, reached_at(oracle.host)}


def _is_good(certificate: x509.Certificate, names: set[str], now: datetime) -> bool:
    """Whether it names all addresses and lasts."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    lasts = certificate.not_valid_after_utc - now >= timedelta(days=RENEW_DAYS)
    return lasts and set(found) >= {_general_name(each) for each in names}


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _read_certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except ValueError:
        raise TlsError(f"{file}: holds no certificate in PEM form") from None


def _read_key(file: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(read_private(file), password=None)
    except (ValueError, TypeError):
        raise TlsError(f"{file}: holds no private key in PEM form without a passphrase") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TlsError(f"{file}: holds no key on an elliptic curve")
    return key


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def _replace(file: Path, text: bytes) -> None:
    make_folder(file.parent, 0o700)
    replace_atomically(file, text)
