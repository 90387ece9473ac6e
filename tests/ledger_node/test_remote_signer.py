"""A signer elsewhere, as a process of its own (a stand-in for Web3Signer): believed only as far as it is checked."""

import datetime
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from ledger_node import eip712, keys
from ledger_node.client import ChainClient
from ledger_node.embedded.launch import LedgerProcess
from ledger_node.hexvalues import address_hex
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Outbox, Status
from ledger_node.remote_signer import RemoteSigner, read_signer_file
from ledger_node.secp256k1 import compact, recover
from ledger_node.settings import SignerSection
from ledger_node.signing import SignerError
from ledger_node.transactions import DynamicFee, Transaction, read_raw

ROOT = Path(__file__).parents[2]
MAIL = eip712.to_sign(
    eip712.Domain("Cangdan", "1", 20590, b"\x0a" * 20),
    eip712.struct("Mail", "address to", "string text", "uint64[] times", "bytes16 device", "int128 value"),
    {"to": b"\x0b" * 20, "text": "x", "times": [1, 2**64 - 1], "device": b"\x01" * 16, "value": -5},
)
TEXT = b"clr/request/1{}"
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


def section(url: str, account: bytes, **rest: Any) -> SignerSection:
    return SignerSection(url=url, account=address_hex(account), **{"timeout_seconds": 60, **rest})


ANY_KIND = [
    ("wrong-key", "another key"),
    ("slow", "does not answer: read timeout"),
    ("dripping", "does not answer: takes longer than 2 s"),
    ("refusing", r"refuses eth_[a-zA-Z]+: No unlocked account matches the Sender \(-32000\)$"),
    ("bad-params", r"refuses eth_[a-zA-Z]+: Invalid params \(-32602\)$"),
    ("html", "does not answer in JSON-RPC"),
    ("deep", "does not answer in JSON-RPC"),
    ("huge", "its answer is longer than 1048576 bytes"),
    ("compressed", "its answer is compressed"),
    ("broken", "does not answer: HTTP status 500"),
    ("elsewhere", "does not answer: HTTP status 307"),
    ("other-id", "answers another request"),
    ("away", "does not answer: remote protocol error"),
]
TRANSACTION = [
    ("other-bytes", "signed another transaction: its data is not what was asked"),
    ("other-nonce", "signed another transaction: its nonce"),
    ("other-chain", "signed another transaction: its chain id"),
    ("mute", "eth_signTransaction: transaction: "),
]
SIGNATURE = [
    ("wrong-key", "signed something else, or with another key"),
    ("other-bytes", "signed something else"),
    ("mute", "65 bytes"),
    ("high-s", r"signature refused \(high-s\)"),
    ("parity", r"signature refused \(v\)"),
]


@pytest.mark.parametrize(
    ("kind", "manner", "words"),
    [("transaction", *each) for each in ANY_KIND + TRANSACTION]
    + [("typed", *each) for each in SIGNATURE]
    + [("text", *each) for each in SIGNATURE],
)
def test_what_a_signer_does_wrong_is_named(folder: Path, url: str, kind: str, manner: str, words: str) -> None:
    patience = 2 if manner in ("slow", "dripping") else 60
    signer = RemoteSigner(section(f"{url}/{manner}", local(folder).address, timeout_seconds=patience))
    with pytest.raises(SignerError, match=words) as refused:
        {"transaction": lambda: signer.sign_transaction(PLAIN), "typed": lambda: signer.sign_typed(MAIL),
         "text": lambda: signer.sign_text(TEXT)}[kind]()  # fmt: skip
    assert "\n" not in str(refused.value)
    signer.close()


@pytest.mark.parametrize(
    "given",
    [
        "http://10.0.0.5:9000",
        "http://127.0.0.1.example",
        "ftp://127.0.0.1",
        "https://user:pass@signer.example",
        "https://signer.example/?token=x",
        "signer.example",
        "https://",
    ],
)
def test_an_address_in_clear_or_with_credentials_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(ValidationError, match="must") as refused:
        section(given, bytes(20))
    assert not any(word in refused.value.errors(include_input=False)[0]["msg"] for word in ("pass@", "token="))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("url = ", "is no TOML"),
        ("url = 'https://a.example'", "account: Field required"),
        ("url = 'http://a.example'\naccount = '0x" + "00" * 20 + "'", "url: Value error, must be https"),
        ("url = 'https://a.example'\naccount = '0x" + "00" * 20 + "'\nkey_file = 'k'", "must be given together"),
        ("url = 'https://a.example'\naccount = '0x" + "00" * 20 + "'\nkey = 'k'", "key: Extra inputs"),
    ],
)
def test_a_file_that_names_no_signer_is_refused_by_field_and_rule(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "signer.toml"
    file.write_text(text)
    with pytest.raises(SignerError, match=words):
        read_signer_file(file)


def test_paths_in_a_signers_file_lie_beside_it(tmp_path: Path) -> None:
    text = f"url = 'https://a.example'\naccount = '{address_hex(bytes(20))}'\nauthority_file = 'ca.pem'\n"
    (tmp_path / "signer.toml").write_text(text)
    assert read_signer_file(tmp_path / "signer.toml").authority_file == tmp_path / "ca.pem"


def test_a_signer_without_the_accounts_key_is_refused(url: str) -> None:
    with pytest.raises(SignerError, match="has no key of account 0x0101"):
        RemoteSigner(section(url, b"\x01" * 20)).check()


def test_a_signer_that_is_not_there_is_told_in_one_line_when_it_must_sign() -> None:
    signer = RemoteSigner(section("http://127.0.0.1:1", bytes(20)))
    with pytest.raises(SignerError, match=r"^signer http://127.0.0.1:1: does not answer: connect error$"):
        signer.sign_text(TEXT)


def test_transactions_of_both_kinds_are_signed_as_with_the_key_itself(folder: Path, url: str) -> None:
    signer = RemoteSigner(section(url, local(folder).address))
    creation = Transaction(20590, 0, None, b"\x00", 100_000, DynamicFee(10, 1), 5)
    for transaction in (PLAIN, creation):
        raw = signer.sign_transaction(transaction)
        assert read_raw(raw) == (transaction, signer.address)
        assert raw == local(folder).sign_transaction(transaction)
    signer.close()


def test_typed_data_and_texts_are_signed_as_with_the_key_itself(folder: Path, url: str) -> None:
    signer = RemoteSigner(section(url, local(folder).address))
    assert signer.sign_typed(MAIL) == local(folder).sign_typed(MAIL)
    assert signer.sign_text(TEXT) == local(folder).sign_text(TEXT)
    signer.close()


def test_a_signature_for_typed_data_is_that_of_web3signers_own_test() -> None:
    """Document and answer of its EthSignTypedDataIntegrationTest agree with our digest and our compact form."""
    document = eip712.to_sign(
        eip712.Domain("My Dapp", "1.0", 1, b"\xcc" * 20),
        eip712.struct("Person", "string name", "address wallet"),
        {"name": "John Doe", "wallet": bytes.fromhex("Ab5801a7D398351b8bE11C439e05C5B3259aeC9B")},
    )
    answer = bytes.fromhex(
        "11cb46f70ad43da86e15ca7c6bb28356859a5f4ba430b44dbf1e65726d467be6"
        "072be9d1e5b40bd5b7abe8888eb91a69f0e6d56a8a094718ed8080baf02d61c31c"
    )
    assert recover(document.digest, compact(answer)) == bytes.fromhex("7577919ae5df4941180eac211965f275cdce314d")


def test_an_act_whose_signer_fails_leaves_nothing_and_is_sent_when_it_is_back(
    folder: Path, url: str, tmp_path: Path, plain_ledger: LedgerProcess
) -> None:
    client, address = ChainClient(plain_ledger.http), local(folder).address
    for manner in ("refusing", "honest"):
        outbox = Outbox(tmp_path / "outbox.sqlite", client, RemoteSigner(section(f"{url}/{manner}", address)))
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
        files = {"authority_file": folder / "ca.pem"}
        both = {**files, "certificate_file": folder / "client.pem", "key_file": folder / "client.key"}
        RemoteSigner(section(url, address, **both)).check()
        with pytest.raises(SignerError, match="its certificate is not one that is believed"):
            RemoteSigner(section(url, address)).check()
        with pytest.raises(SignerError, match="does not answer"):
            RemoteSigner(section(url, address, **files)).check()
        dying = RemoteSigner(section(f"{url}/dying", address, **both))
        with pytest.raises(SignerError, match="does not answer: "):
            dying.sign_transaction(PLAIN)
    (folder / "client.key").chmod(0o644)
    with pytest.raises(SignerError, match="client.key: is open to group or others"):
        RemoteSigner(section(url, address, **both))
    with pytest.raises(ValidationError, match="must be given together"):
        section(url, address, certificate_file=folder / "client.pem")


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
