"""HTTPS on both sides: what an oracle shows to those who reach it, and whom its clients believe."""

import ssl
from pathlib import Path

from ledger_node.keys import read_private


class TlsError(Exception):
    """A certificate, its key or the authority cannot be used; the text names the file and the rule."""


def trusting(authority_file: Path) -> ssl.SSLContext:
    """For clients of the oracles: believe certificates of this authority, and no other. Raises TlsError."""
    try:
        return ssl.create_default_context(cafile=authority_file)
    except ssl.SSLError:
        raise TlsError(f"{authority_file}: holds no certificate in PEM form") from None
    except OSError as error:
        raise TlsError(f"{authority_file}: {error.strerror}") from None


def check_certificate(certificate_file: Path, key_file: Path) -> None:
    """See that an oracle can serve with these files. Raises TlsError, and KeyFileError for a key open to others."""
    read_private(key_file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate_file, key_file)
    except ssl.SSLError:
        raise TlsError(f"{certificate_file}: holds no certificate for the key in {key_file}") from None
    except OSError as error:
        raise TlsError(f"{certificate_file}: {error.strerror}") from None
