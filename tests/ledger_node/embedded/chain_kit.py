"""Tiny contracts, written as bytes, and a person who sends transactions to them."""

from dataclasses import dataclass

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

CHAIN_ID = 20590
STORE_WORD = bytes.fromhex("60003580600055" + "60005260005160206000a100")
"""Stores the first word of its data in slot 0 and logs it as topic and data."""
REVERT_WITH_DATA = bytes.fromhex("366000600037366000fd")
"""Reverts with its call data."""
LOOP = bytes.fromhex("5b600056")
"""Runs until gas or time is over."""
RETURN_CONTEXT = bytes.fromhex("43600052426020526000544060405260606000f3")
"""Returns block number, timestamp and a block hash."""
BURN = bytes.fromhex("fe")
"""An invalid instruction."""


def creation(runtime: bytes) -> bytes:
    """Init code that makes a contract of `runtime`."""
    return bytes.fromhex(f"61{len(runtime):04x}600e60003961{len(runtime):04x}6000f3") + runtime


def word(number: int) -> bytes:
    """32 bytes."""
    return number.to_bytes(32, "big")


@dataclass
class Person:
    """An account that signs with nonces of its own counting."""

    account: LocalAccount
    nonce: int = 0

    @property
    def address(self) -> str:
        return self.account.address

    def sign(self, **fields) -> bytes:
        """A signed transaction; `fields` override the usual ones."""
        usual = {"chainId": CHAIN_ID, "gasPrice": 0, "nonce": self.nonce, "gas": 200_000, "value": 0}
        merged = {**usual, **fields}
        return bytes(self.account.sign_transaction(merged).raw_transaction)

    def send(self, w3: Web3, **fields) -> dict:
        """Send, wait, and return the receipt."""
        sent = w3.eth.send_raw_transaction(self.sign(**fields))
        self.nonce += 1
        return dict(w3.eth.wait_for_transaction_receipt(sent, timeout=120, poll_latency=0.02))

    def deploy(self, w3: Web3, runtime: bytes) -> str:
        """Make a contract; its address."""
        return self.send(w3, data=creation(runtime))["contractAddress"]


def new_person() -> Person:
    return Person(Account.create())
