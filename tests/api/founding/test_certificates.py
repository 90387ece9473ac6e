"""The consortium's own authority and the certificates of its oracles."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from api.founding.certificates import CERTIFICATE_DAYS, certify
from api.settings import Settings, load_settings
from ledger_node.keys import KeyFileError
from oracle.settings import OracleSection
from oracle.tls import TlsError, check_certificate, trusting

NOW = datetime.now(UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path)


def made(settings: Settings) -> OracleSection:
    """The first oracle, certified."""
    certify(settings.tls, settings.oracles, NOW)
    return settings.oracles[0]


def shake_hands(oracle: OracleSection, authority: Path, name: str) -> str | None:
    """Connect to a server with the oracle's files as one who believes that authority; the cause of a refusal."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(oracle.tls_certificate_file, oracle.tls_key_file)
    here, there = socket.socketpair()

    def serve() -> None:
        try:
            context.wrap_socket(there, server_side=True).close()
        except (ssl.SSLError, OSError):
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        trusting(authority).wrap_socket(here, server_hostname=name).close()
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    finally:
        here.close()
        thread.join()
    return None


def test_a_key_that_others_may_read_is_refused(settings: Settings) -> None:
    oracle = made(settings)
    oracle.tls_key_file.chmod(0o640)
    with pytest.raises(KeyFileError, match=r"oracle-1\.key: is open to group or others"):
        check_certificate(oracle.tls_certificate_file, oracle.tls_key_file)
    settings.tls.authority_key_file.chmod(0o644)
    with pytest.raises(KeyFileError, match=r"ca\.key: is open to group or others"):
        certify(settings.tls, settings.oracles, NOW)


@pytest.mark.parametrize("name", ["ca.pem", "oracle-3.pem"])
def test_a_file_without_a_certificate_is_named(settings: Settings, name: str) -> None:
    made(settings)
    (settings.tls.authority_file.parent / name).write_text("nothing\n")
    with pytest.raises(TlsError, match=f"{name}: holds no certificate in PEM form"):
        certify(settings.tls, settings.oracles, NOW)


def test_a_certificate_of_another_key_is_refused(settings: Settings) -> None:
    oracle = made(settings)
    with pytest.raises(TlsError, match="holds no certificate for the key"):
        check_certificate(oracle.tls_certificate_file, settings.oracles[1].tls_key_file)


def test_an_authority_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(TlsError, match=r"ca\.pem: No such file"):
        trusting(tmp_path / "ca.pem")


def test_another_authority_is_not_believed(settings: Settings, tmp_path: Path) -> None:
    oracle, other = made(settings), load_settings(tmp_path / "other")
    certify(other.tls, (), NOW)
    assert shake_hands(oracle, other.tls.authority_file, "127.0.0.1") is not None


def test_another_host_is_not_believed(settings: Settings) -> None:
    assert shake_hands(made(settings), settings.tls.authority_file, "127.0.0.2") is not None


def test_an_oracle_cannot_vouch_for_others(settings: Settings) -> None:
    certificate = x509.load_pem_x509_certificate(made(settings).tls_certificate_file.read_bytes())
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.value.ca, constraints.critical) == (False, True)


def test_where_somebody_else_is_the_authority_nothing_is_made(settings: Settings) -> None:
    certify(settings.tls, (), NOW)
    settings.tls.authority_key_file.unlink()
    assert certify(settings.tls, settings.oracles, NOW) == []
    assert not settings.oracles[0].tls_key_file.exists()


def test_a_certificate_that_the_authority_has_not_signed_is_never_replaced(settings: Settings, tmp_path: Path) -> None:
    oracle, other = made(settings), load_settings(tmp_path / "other")
    long_ago = NOW - timedelta(days=CERTIFICATE_DAYS + 1)
    certify(other.tls, other.oracles, long_ago)
    theirs = other.oracles[0].tls_certificate_file.read_bytes()
    oracle.tls_certificate_file.write_bytes(theirs)
    assert certify(settings.tls, settings.oracles, NOW) == []
    assert oracle.tls_certificate_file.read_bytes() == theirs


def test_who_believes_the_authority_reaches_the_oracle(settings: Settings) -> None:
    assert shake_hands(made(settings), settings.tls.authority_file, "127.0.0.1") is None


def test_what_is_good_is_left_as_it_is(settings: Settings) -> None:
    made(settings)
    folder = settings.tls.authority_file.parent
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    assert certify(settings.tls, settings.oracles, NOW) == []
    assert {path: path.read_bytes() for path in folder.iterdir()} == kept


def test_a_certificate_that_soon_ends_is_made_anew_for_the_same_key(settings: Settings) -> None:
    oracle = made(settings)
    before, key = oracle.tls_certificate_file.read_bytes(), oracle.tls_key_file.read_bytes()
    later = NOW + timedelta(days=CERTIFICATE_DAYS - 30)
    assert len(certify(settings.tls, settings.oracles, later)) == 4
    assert oracle.tls_certificate_file.read_bytes() != before
    assert oracle.tls_key_file.read_bytes() == key


def test_an_oracle_that_moves_gets_a_certificate_for_its_new_name(settings: Settings) -> None:
    moved = made(settings).model_copy(update={"url": "https://oracle.north.example", "host": "0.0.0.0"})
    assert certify(settings.tls, [moved], NOW) == [moved.tls_certificate_file]
    for name in ("oracle.north.example", "127.0.0.1"):
        assert shake_hands(moved, settings.tls.authority_file, name) is None


def test_only_the_owner_may_read_keys(settings: Settings) -> None:
    made(settings)
    keys = sorted(settings.tls.authority_file.parent.glob("*.key"))
    assert [path.stat().st_mode & 0o777 for path in keys] == [0o600] * 5
