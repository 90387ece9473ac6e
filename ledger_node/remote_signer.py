"""A signer elsewhere: Web3Signer's eth1 JSON-RPC, or anything that speaks it. Satisfies signing.Signer.

What it hands back is believed only when it is what was asked for, signed by the account's key. Source: Web3Signer's
own code (github.com/Consensys/web3signer, core/.../jsonrpc/handlers/internalresponse): eth_signTransaction takes one
object and yields the raw transaction; eth_signTypedData takes address and JSON, eth_sign address and data, and both
yield 65 bytes r, s and v of 27 or 28. Errors come with status 200 or 400.
"""

import json
import re
import ssl
import time
import tomllib
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonError
from ledger_node.files import make_folder
from ledger_node.hexvalues import HexError, address_hex, data_hex, read_address, read_data
from ledger_node.keys import KeyFileError, open_signer, read_private
from ledger_node.secp256k1 import SignatureError, compact, recover
from ledger_node.settings import SignerSection
from ledger_node.signing import Signer, SignerError, TypedData, text_digest
from ledger_node.transactions import DynamicFee, Transaction, TransactionError, read_raw

MAX_ANSWER = 1024 * 1024
"""More than the raw bytes of any transaction that nodes take, in hexadecimal."""
_PAUSED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""What a connection that was kept says when the other side has closed it meanwhile."""
_BODIES = (200, 400)


class RemoteSigner:
    """Signs for one account through a signer elsewhere. For several threads; nothing is asked before it must sign."""

    def __init__(self, section: SignerSection) -> None:
        """Raises SignerError for certificates that cannot be used."""
        self._name, self._timeout = section.url, section.timeout_seconds
        self._address = section.address
        verify: ssl.SSLContext | bool = _context(section) if section.url.startswith("https") else False
        self._http = httpx.Client(verify=verify, timeout=self._timeout, trust_env=False, follow_redirects=False)
        self._ids = count(1)

    @property
    def address(self) -> bytes:
        """The 20-byte address of the account."""
        return self._address

    def check(self) -> None:
        """Raises SignerError unless the signer answers and has the account's key."""
        accounts = self._ask("eth_accounts")
        try:
            known = [read_address("eth_accounts", each) for each in accounts] if isinstance(accounts, list) else []
        except HexError as error:
            raise self._error(str(error)) from None
        if self._address not in known:
            raise self._error(f"has no key of account {address_hex(self._address)}")

    def sign_transaction(self, transaction: Transaction) -> bytes:
        """The raw bytes of the signed transaction. Raises SignerError, also when it signed anything else."""
        answer = self._ask("eth_signTransaction", _fields(transaction, self._address))
        try:
            raw = read_data("eth_signTransaction", answer)
            signed, sender = read_raw(raw)
        except (HexError, TransactionError) as error:
            raise self._error(f"eth_signTransaction: {error}") from None
        if signed != transaction:
            raise self._error(
                f"signed another transaction: its {_first_other(transaction, signed)} is not what was asked"
            )
        if sender != self._address:
            raise self._error(f"signed with another key, of account {address_hex(sender)}")
        return raw

    def sign_typed(self, data: TypedData) -> bytes:
        """The 64-byte signature (EIP-2098) of typed data. Raises SignerError, also when it signed anything else."""
        # As a text: the first versions that offer the method take no object.
        return self._signature("eth_signTypedData", json.dumps(data.document()), data.digest)

    def sign_text(self, text: bytes) -> bytes:
        """The 64-byte signature (EIP-2098) of a text. Raises SignerError, also when it signed anything else."""
        return self._signature("eth_sign", data_hex(text), text_digest(text))

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __repr__(self) -> str:
        return f"RemoteSigner({self._name}, {address_hex(self._address)})"

    def _signature(self, method: str, content: str, digest: bytes) -> bytes:
        answer = self._ask(method, address_hex(self._address), content)
        try:
            signature = read_data(method, answer, 65)
            signer = recover(digest, signature)
        except (HexError, SignatureError) as error:
            raise self._error(f"{method}: {error}") from None
        if signer != self._address:
            raise self._error(f"{method}: signed something else, or with another key than the account's")
        return compact(signature)

    def _ask(self, method: str, *params: object) -> Any:
        asked = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
        try:
            answer = canonical_json.loads(self._post(asked))
        except JsonError:
            raise self._error("does not answer in JSON-RPC") from None
        if not isinstance(answer, dict) or ("error" in answer) == ("result" in answer):
            raise self._error("does not answer in JSON-RPC")
        if "error" in answer:
            said = answer["error"] if isinstance(answer["error"], dict) else {}
            raise self._error(f"refuses {method}: {_plain(said.get('message'))} ({_plain(said.get('code'))})")
        if answer.get("id") != asked["id"]:
            raise self._error("answers another request")
        return answer["result"]

    def _post(self, asked: dict[str, object]) -> bytes:
        try:
            try:
                return self._exchange(asked)
            except _PAUSED:
                return self._exchange(asked)  # signing twice does no harm
        except httpx.HTTPError as error:
            raise self._error(f"does not answer: {_words(error)}") from None

    def _exchange(self, asked: dict[str, object]) -> bytes:
        body, end = bytearray(), time.monotonic() + self._timeout
        plain = {"Accept-Encoding": "identity", "Accept": "application/json"}
        with self._http.stream("POST", self._name, json=asked, headers=plain) as response:
            if response.status_code not in _BODIES:
                raise self._error(f"does not answer: HTTP status {response.status_code}")
            if "content-encoding" in response.headers:
                raise self._error("its answer is compressed")
            for part in response.iter_raw():
                body += part
                if len(body) > MAX_ANSWER:
                    raise self._error(f"its answer is longer than {MAX_ANSWER} bytes")
                if time.monotonic() > end:
                    raise self._error(f"does not answer: takes longer than {self._timeout:g} s")
        return bytes(body)

    def _error(self, words: str) -> SignerError:
        return SignerError(self._name, words)


def open_key(key_file: Path, elsewhere: SignerSection | None = None) -> Signer:
    """The signer elsewhere when there is one, else that of a key file, its passphrase beside it in .pass.

    A key file is made when there is none. Raises KeyFileError, SignerError; no signer elsewhere is asked yet.
    """
    if elsewhere is not None:
        return RemoteSigner(elsewhere)
    make_folder(key_file.parent, 0o700)
    return open_signer(key_file, key_file.with_suffix(".pass"))


def read_signer_file(path: Path) -> SignerSection:
    """The settings of a signer elsewhere in a TOML file of its own, which names it for a member.

    Paths in it lie beside it. Raises SignerError that names file, field and rule.
    """
    try:
        section = SignerSection(**tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise SignerError(str(path), f"{'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise SignerError(str(path), "is no TOML") from None
    except OSError as error:
        raise SignerError(str(path), str(error.strerror)) from None
    files = ("authority_file", "certificate_file", "key_file")
    return section.model_copy(
        update={name: path.parent / given for name in files if (given := getattr(section, name)) is not None}
    )


def _fields(transaction: Transaction, sender: bytes) -> dict[str, str]:
    fields = {
        "from": address_hex(sender),
        "gas": hex(transaction.gas),
        "nonce": hex(transaction.nonce),
        "value": hex(transaction.value),
        "data": data_hex(transaction.data),
    }
    if transaction.to is not None:
        fields["to"] = address_hex(transaction.to)
    if isinstance(transaction.fee, DynamicFee):
        fields["maxFeePerGas"] = hex(transaction.fee.max_fee)
        fields["maxPriorityFeePerGas"] = hex(transaction.fee.priority_fee)
    else:
        fields["gasPrice"] = hex(transaction.fee.gas_price)
    return fields


def _first_other(asked: Transaction, signed: Transaction) -> str:
    names = ("chain_id", "nonce", "to", "data", "gas", "fee", "value")
    return next((name.replace("_", " ") for name in names if getattr(asked, name) != getattr(signed, name)), "form")


def _context(section: SignerSection) -> ssl.SSLContext:
    file = section.authority_file
    try:
        context = ssl.create_default_context(cafile=file)
        if section.certificate_file is not None and section.key_file is not None:
            file = section.certificate_file
            read_private(section.key_file)
            context.load_cert_chain(section.certificate_file, section.key_file)
    except KeyFileError as error:
        raise SignerError(section.url, str(error)) from None
    except ssl.SSLError:
        raise SignerError(section.url, f"{file}: holds no certificate in PEM form, or its key is another one") from None
    except OSError as error:
        raise SignerError(section.url, f"{file}: {error.strerror}") from None
    return context


def _plain(said: object) -> str:
    """What the other side says, cut to a line that can stand in a log."""
    return "".join(each if each.isprintable() else " " for each in str(said)[:200])


def _words(error: httpx.HTTPError) -> str:
    """A library's error in two or three words; a refused certificate by name."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "its certificate is not one that is believed"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
