"""A signer elsewhere, as a process of its own (a stand-in for Web3Signer): believed only as far as it is checked."""

import datetime
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ledger_node import keys
from ledger_node.client import ChainClient
from ledger_node.embedded.launch import LedgerProcess
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Outbox, Status
from ledger_node.remote_signer import RemoteSigner, SignerAccess
from ledger_node.signing import SignerError
from ledger_node.transactions import DynamicFee, Transaction, read_raw

ROOT = Path(__file__).parents[2]
PLAIN = Transaction(20590, 3, b"\x11" * 20, b"\x01\x02", 60_000)


def keep_key(folder: Path) -> Path:
    keys.new_passphrase(folder / "passphrase")
    LocalSigner.generate().save(folder / "key.json", folder / "passphrase", keys.WORK_OF_GENERATED)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep_key(tmp_path_factory.mktemp("signer"))


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """One process for all tests of this file; a path after its address says how it behaves."""
    with signing(folder) as found:
        yield found


@contextmanager
def signing(folder: Path, scheme: str = "http") -> Iterator[str]:
    command = [sys.executable, str(ROOT / "tests/ledger_node/signer_process.py"), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"{scheme}://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def local(folder: Path) -> LocalSigner:
    return keys.load_signer(folder / "key.json", folder / "passphrase")


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        ("other-bytes", "signed another transaction: its data is not what was asked"),
        ("other-nonce", "signed another transaction: its nonce"),
        ("other-chain", "signed another transaction: its chain id"),
        ("wrong-key", "signed with another key, of account 0x"),
        ("slow", "does not answer: read timeout"),
        ("refusing", r"refuses eth_signTransaction: Signing from is not an unlocked account. \(-32000\)"),
        ("mute", "eth_signTransaction: transaction: "),
    ],
)
def test_what_a_signer_does_wrong_is_named(folder: Path, url: str, manner: str, words: str) -> None:
    access = SignerAccess(f"{url}/{manner}", timeout=2 if manner == "slow" else 60)
    signer = RemoteSigner(access, local(folder).address)
    with pytest.raises(SignerError, match=words):
        signer.sign_transaction(PLAIN)
    signer.close()


@pytest.mark.parametrize(
    "given",
    [
        "http://10.0.0.5:9000",
        "ftp://127.0.0.1",
        "https://user:pass@signer.example",
        "https://signer.example/?token=x",
        "signer.example",
    ],
)
def test_an_address_in_clear_or_with_credentials_is_refused(given: str) -> None:
    with pytest.raises(SignerError, match="signer url: must"):
        SignerAccess(given)


def test_a_signer_without_the_accounts_key_is_refused(url: str) -> None:
    with pytest.raises(SignerError, match="has no key of account 0x0101"):
        RemoteSigner(SignerAccess(url), b"\x01" * 20)


def test_a_signer_that_is_not_there_is_told_in_one_line() -> None:
    with pytest.raises(SignerError, match=r"^signer http://127.0.0.1:1: does not answer: connect error$"):
        RemoteSigner(SignerAccess("http://127.0.0.1:1"), bytes(20))


def test_transactions_of_both_kinds_are_signed_as_with_the_key_itself(folder: Path, url: str) -> None:
    signer = RemoteSigner(SignerAccess(url), local(folder).address)
    creation = Transaction(20590, 0, None, b"\x00", 100_000, DynamicFee(10, 1), 5)
    for transaction in (PLAIN, creation):
        raw = signer.sign_transaction(transaction)
        assert read_raw(raw) == (transaction, signer.address)
        assert raw == local(folder).sign_transaction(transaction)
    signer.close()


def test_an_act_whose_signer_fails_leaves_nothing_and_is_sent_when_it_is_back(
    folder: Path, url: str, tmp_path: Path, plain_ledger: LedgerProcess
) -> None:
    client, address = ChainClient(plain_ledger.http), local(folder).address
    for manner in ("refusing", "honest"):
        outbox = Outbox(tmp_path / "outbox.sqlite", client, RemoteSigner(SignerAccess(f"{url}/{manner}"), address))
        if manner == "refusing":
            with pytest.raises(SignerError, match="refuses"):
                outbox.submit("a", b"\x0b" * 20, b"", gas=50_000)
            assert outbox.find("a") is None
        else:
            outbox.submit("a", b"\x0b" * 20, b"", gas=50_000)
            assert outbox.wait("a").status is Status.FINAL
        outbox.close()


def test_signer_and_client_show_each_other_certificates_and_a_death_is_told(tmp_path: Path) -> None:
    folder = keep_key(tmp_path)
    authority(folder)
    address = local(folder).address
    with signing(folder, "https") as url:
        access = SignerAccess(url, folder / "ca.pem", folder / "client.pem", folder / "client.key", timeout=60)
        assert RemoteSigner(access, address).sign_transaction(PLAIN)
        with pytest.raises(SignerError, match="its certificate is not one that is believed"):
            RemoteSigner(SignerAccess(url), address)
        with pytest.raises(SignerError, match="does not answer"):
            RemoteSigner(SignerAccess(url, folder / "ca.pem"), address)
        dying = RemoteSigner(replace(access, url=f"{url}/dying"), address)
        with pytest.raises(SignerError, match="does not answer: "):
            dying.sign_transaction(PLAIN)
    (folder / "client.key").chmod(0o644)
    with pytest.raises(SignerError, match="client.key: is open to group or others"):
        RemoteSigner(access, address)
    with pytest.raises(SignerError, match="must be given together"):
        SignerAccess(url, certificate_file=folder / "client.pem")


def authority(folder: Path) -> None:
    """An authority, and certificates of it for a server on this machine and for a client."""
    root = ec.generate_private_key(ec.SECP256R1())
    write(folder / "ca", root, root, "authority", "authority", is_authority=True)
    for name in ("server", "client"):
        write(folder / name, ec.generate_private_key(ec.SECP256R1()), root, name, "authority")


def write(
    path: Path,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    subject: str,
    issuer: str,
    is_authority: bool = False,
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(identifier, critical=False)
        .sign(signer, hashes.SHA256())
    )
    path.with_suffix(".pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.with_suffix(".key").touch(0o600)
    path.with_suffix(".key").write_bytes(private)
