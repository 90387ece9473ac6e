"""A signer elsewhere: Web3Signer's eth1 JSON-RPC (eth_accounts, eth_signTransaction), or anything that speaks it.

What it hands back is believed only when it is the transaction that was asked for, signed by the account's key.
Source: docs.web3signer.consensys.io, "Web3Signer JSON-RPC API".
"""

import json
import re
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from ledger_node.hexvalues import HexError, address_hex, data_hex, read_address, read_data
from ledger_node.keys import KeyFileError, read_private
from ledger_node.settings import SignerSection
from ledger_node.signing import SignerError
from ledger_node.transactions import DynamicFee, Transaction, TransactionError, read_raw

_MAX_ANSWER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SignerAccess:
    """How a remote signer is reached: its address, whom to believe there, and what this side shows.

    `url` is https, or http to this machine, without user, password and query. `authority_file` holds the certificates
    (PEM) that vouch for the signer, the system's when it is None; `certificate_file` and `key_file` what it knows
    this side by. `timeout` in seconds.
    """

    url: str
    authority_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    timeout: float = 10.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise SignerError("signer url: must hold no user, password, query or fragment")
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(parts.hostname)):
            raise SignerError("signer url: must be https, or http to this machine")
        if (self.certificate_file is None) != (self.key_file is None):
            raise SignerError("signer: certificate_file and key_file must be given together")


class RemoteSigner:
    """Signs the transactions of one account through a signer elsewhere. For several threads."""

    def __init__(self, access: SignerAccess, address: bytes) -> None:
        """`address` is the 20-byte address of the account. Raises SignerError unless the signer has its key."""
        self._name = access.url
        self._address = address
        verify: ssl.SSLContext | bool = _context(access) if access.url.startswith("https") else False
        self._http = httpx.Client(verify=verify, timeout=access.timeout, trust_env=False, follow_redirects=False)
        accounts = self._ask("eth_accounts")
        try:
            known = [read_address("eth_accounts", each) for each in accounts] if isinstance(accounts, list) else []
        except HexError as error:
            raise self._error(str(error)) from None
        if address not in known:
            raise self._error(f"has no key of account {address_hex(address)}")

    @property
    def address(self) -> bytes:
        """The 20-byte address of the account."""
        return self._address

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

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __repr__(self) -> str:
        return f"RemoteSigner({self._name}, {address_hex(self._address)})"

    def _ask(self, method: str, *params: object) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            response = self._http.post(self._name, json=body)
            response.raise_for_status()
            answer = json.loads(response.content[:_MAX_ANSWER])
        except httpx.HTTPStatusError as error:
            raise self._error(f"does not answer: HTTP status {error.response.status_code}") from None
        except httpx.HTTPError as error:
            raise self._error(f"does not answer: {_words(error)}") from None
        except ValueError:
            raise self._error("does not answer in JSON-RPC") from None
        if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
            said = answer["error"]
            raise self._error(f"refuses {method}: {str(said.get('message', ''))[:200]} ({said.get('code')})")
        if not isinstance(answer, dict) or "result" not in answer:
            raise self._error("does not answer in JSON-RPC")
        return answer["result"]

    def _error(self, words: str) -> SignerError:
        return SignerError(f"signer {self._name}: {words}")


def open_remote(section: SignerSection) -> RemoteSigner:
    """The signer of a settings' section, asked once whether it has the account's key. Raises SignerError."""
    files = section.authority_file, section.certificate_file, section.key_file
    access = SignerAccess(section.url, *files, section.timeout_seconds)
    return RemoteSigner(access, read_address("account", section.account.lower()))


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


def _context(access: SignerAccess) -> ssl.SSLContext:
    file = access.authority_file
    try:
        context = ssl.create_default_context(cafile=file)
        if access.certificate_file is not None and access.key_file is not None:
            file = access.certificate_file
            read_private(access.key_file)
            context.load_cert_chain(access.certificate_file, access.key_file)
    except KeyFileError as error:
        raise SignerError(str(error)) from None
    except ssl.SSLError:
        raise SignerError(f"{file}: holds no certificate in PEM form, or its key is another one") from None
    except OSError as error:
        raise SignerError(f"{file}: {error.strerror}") from None
    return context


def _is_this_machine(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _words(error: httpx.HTTPError) -> str:
    """A library's error in two or three words; a refused certificate by name."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "its certificate is not one that is believed"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
