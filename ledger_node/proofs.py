"""Merkle-Patricia proofs of accounts and storage slots, as `eth_getProof` answers them (EIP-1186), read strictly.

A walk from the root to the key uses every listed node exactly once. Nodes of less than 32 bytes stand inside their
parents and are never listed. Every form that a real trie cannot have is refused: a proof has one shape, or none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger_node.canonical_json import JsonValue
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import HexError, address_hex, data_hex, read_address, read_data, read_quantity
from ledger_node.rlp_strict import Item, RlpError, decode, encode, read_scalar

EMPTY_ROOT = keccak256(b"\x80")
"""The root of a trie that holds nothing."""
EMPTY_CODE_HASH = keccak256(b"")
"""The code hash of an account without code."""
_KEY_NIBBLES = 64


class ProofError(ValueError):
    """A proof fails; `step` says where: the account or slot, and the number of the node."""

    def __init__(self, step: str, rule: str) -> None:
        super().__init__(f"{step}: {rule}")
        self.step = step
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Account:
    """The state of an account: transactions sent or contracts made, wei, and the hashes of storage and code."""

    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes


NO_ACCOUNT = Account(0, 0, EMPTY_ROOT, EMPTY_CODE_HASH)
"""What an address without an account reads as."""


@dataclass(frozen=True, slots=True)
class SlotProof:
    """The claim that a storage slot holds `value`, with the nodes from the storage root down."""

    slot: int
    value: int
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StateProof:
    """The claim that `address` has the state `account`, with its nodes, and claims about its slots."""

    address: bytes
    account: Account
    nodes: tuple[bytes, ...]
    slots: tuple[SlotProof, ...]


def verify_state(state_root: bytes, proof: StateProof) -> None:
    """Check every claim of `proof` against the state root of a block. Raises ProofError at the first that fails."""
    step = f"account {data_hex(proof.address)}"
    if verify_account(state_root, proof.address, proof.nodes) != proof.account:
        raise ProofError(step, "the account claimed is not the account proved")
    for each in proof.slots:
        if verify_slot(proof.account.storage_root, each.slot, each.nodes) != each.value:
            raise ProofError(f"slot {each.slot:#066x}", "the value claimed is not the value proved")


def verify_account(state_root: bytes, address: bytes, nodes: Sequence[bytes]) -> Account:
    """The account of `address` under `state_root`, NO_ACCOUNT where its absence is proved. Raises ProofError."""
    step = f"account {data_hex(address)}"
    value = walk(state_root, keccak256(address), nodes, step)
    return NO_ACCOUNT if value is None else _account(value, step)


def verify_slot(storage_root: bytes, slot: int, nodes: Sequence[bytes]) -> int:
    """The value of a storage slot under `storage_root`, 0 where its absence is proved. Raises ProofError."""
    step = f"slot {slot:#066x}"
    value = walk(storage_root, keccak256(slot.to_bytes(32, "big")), nodes, step)
    if value is None:
        return 0
    try:
        number = read_scalar(decode(value))
    except RlpError as error:
        raise ProofError(step, f"the value is {error}") from None
    if number == 0:
        raise ProofError(step, "a trie holds no zero")
    return number


def walk(root: bytes, key: bytes, nodes: Sequence[bytes], step: str) -> bytes | None:
    """The value at the 32-byte `key` of a trie, or None where its absence is proved. Raises ProofError."""
    if root == EMPTY_ROOT:
        if tuple(nodes) not in ((), (b"\x80",)):
            raise ProofError(step, "nodes are listed for an empty trie")
        return None
    path = key.hex()
    if len(path) != _KEY_NIBBLES:
        raise ProofError(step, "a key has 32 bytes")
    reference: Item = root
    found: bytes | _Child | None
    used = 0
    under_extension = False
    while True:
        here = f"{step} node {used}"
        if isinstance(reference, bytes):
            node = _listed(reference, nodes, used, here)
            used += 1
        else:
            node = _embedded(reference, here)
        if len(node) == 17:
            path, found = _branch(node, path, here)
            under_extension = False
        else:
            if under_extension:
                raise ProofError(here, "a leaf or an extension follows an extension")
            path, found = _short(node, path, here)
            under_extension = True
        if not isinstance(found, _Child):
            if used != len(nodes):
                raise ProofError(f"{step} node {used}", "the node is more than the proof needs")
            return found
        reference = found.reference


@dataclass(frozen=True, slots=True)
class _Child:
    """Where the walk goes on: the hash of a listed node, or a node embedded in its parent."""

    reference: Item


def _listed(expected: bytes, nodes: Sequence[bytes], used: int, here: str) -> list[Item]:
    if used >= len(nodes):
        raise ProofError(here, "the node is missing")
    data = nodes[used]
    if keccak256(data) != expected:
        raise ProofError(here, "the node does not hash to what refers to it")
    if used and len(data) < 32:
        raise ProofError(here, "a node under 32 bytes stands inside its parent")
    try:
        return _node(decode(data), here)
    except RlpError as error:
        raise ProofError(here, str(error)) from None


def _embedded(item: list[Item], here: str) -> list[Item]:
    if len(encode(item)) >= 32:
        raise ProofError(here, "an embedded node has 32 bytes or more")
    return _node(item, here)


def _node(item: Item, here: str) -> list[Item]:
    if isinstance(item, bytes) or len(item) not in (2, 17):
        raise ProofError(here, "a node has 2 or 17 items")
    return item


def _child(item: Item, here: str) -> _Child:
    if isinstance(item, bytes) and len(item) != 32:
        raise ProofError(here, "a child is 32 bytes of hash or an embedded node")
    return _Child(item)


def _branch(node: list[Item], path: str, here: str) -> tuple[str, _Child | None]:
    if node[16] != b"":
        raise ProofError(here, "a branch holds a value where all keys have one length")
    if not path:
        raise ProofError(here, "a branch stands below the end of the key")
    children = [_child(item, here) for item in node[:16] if item != b""]
    if len(children) < 2:
        raise ProofError(here, "a branch has fewer than two children")
    item = node[int(path[0], 16)]
    return path[1:], None if item == b"" else _child(item, here)


def _short(node: list[Item], path: str, here: str) -> tuple[str, bytes | _Child | None]:
    """One step through a leaf or an extension: the rest of the path and what was found."""
    leaf, part = _compact(node[0], here)
    if leaf:
        value = node[1]
        if not isinstance(value, bytes) or not value:
            raise ProofError(here, "a leaf holds no value")
        if len(part) != len(path):
            raise ProofError(here, "a leaf does not end where the key ends")
        return "", value if part == path else None
    if not part or len(part) >= len(path):
        raise ProofError(here, "an extension has no part of the key, or all that is left of it")
    child = _child(node[1], here)
    if not path.startswith(part):
        return "", None
    return path[len(part) :], child


def _compact(item: Item, here: str) -> tuple[bool, str]:
    """Whether a node is a leaf, and its part of the path in nibbles (Yellow Paper, C: hex prefix)."""
    if not isinstance(item, bytes) or not item or item[0] >> 4 > 3:
        raise ProofError(here, "the part of the path has no valid prefix")
    digits, flag = item.hex(), item[0] >> 4
    if flag & 1:
        return flag >= 2, digits[1:]
    if digits[1] != "0":
        raise ProofError(here, "the padding of the path is not zero")
    return flag >= 2, digits[2:]


def _account(value: bytes, step: str) -> Account:
    try:
        fields = decode(value)
        if isinstance(fields, bytes) or len(fields) != 4:
            raise ProofError(step, "an account has 4 fields")
        nonce, balance = read_scalar(fields[0], 8), read_scalar(fields[1])
    except RlpError as error:
        raise ProofError(step, f"the account is {error}") from None
    storage_root, code_hash = fields[2], fields[3]
    if not isinstance(storage_root, bytes) or not isinstance(code_hash, bytes):
        raise ProofError(step, "the hashes of an account have 32 bytes")
    if len(storage_root) != 32 or len(code_hash) != 32:
        raise ProofError(step, "the hashes of an account have 32 bytes")
    return Account(nonce, balance, storage_root, code_hash)


_PROOF_FIELDS = ("address", "accountProof", "balance", "codeHash", "nonce", "storageHash", "storageProof")
_SLOT_FIELDS = ("key", "value", "proof")


def read_state_proof(answer: object) -> StateProof:
    """The claims and nodes of an `eth_getProof` answer, unchecked. Raises ProofError for an ill-formed one."""
    fields = _fields("proof", answer, _PROOF_FIELDS)
    try:
        return StateProof(
            address=read_address("proof.address", fields["address"]),
            account=_claimed(fields),
            nodes=_nodes("proof.accountProof", fields["accountProof"]),
            slots=tuple(
                _slot(f"proof.storageProof[{at}]", each)
                for at, each in enumerate(_list("proof.storageProof", fields["storageProof"]))
            ),
        )
    except HexError as error:
        raise ProofError("proof", str(error)) from None


def state_proof_json(proof: StateProof) -> dict[str, JsonValue]:
    """The `eth_getProof` answer that `read_state_proof` reads as `proof`; keys of slots have 32 bytes."""
    return {
        "address": address_hex(proof.address),
        "accountProof": [data_hex(node) for node in proof.nodes],
        "balance": hex(proof.account.balance),
        "codeHash": data_hex(proof.account.code_hash),
        "nonce": hex(proof.account.nonce),
        "storageHash": data_hex(proof.account.storage_root),
        "storageProof": [
            {"key": f"{each.slot:#066x}", "value": hex(each.value), "proof": [data_hex(node) for node in each.nodes]}
            for each in proof.slots
        ],
    }


def _claimed(fields: Mapping[str, object]) -> Account:
    """The account claimed; some nodes answer zero hashes for an address without an account."""
    account = Account(
        nonce=read_quantity("proof.nonce", fields["nonce"], 64),
        balance=read_quantity("proof.balance", fields["balance"]),
        storage_root=read_data("proof.storageHash", fields["storageHash"], 32),
        code_hash=read_data("proof.codeHash", fields["codeHash"], 32),
    )
    absent = account.storage_root in (EMPTY_ROOT, bytes(32)) and account.code_hash == bytes(32)
    return NO_ACCOUNT if absent and account.nonce == account.balance == 0 else account


def _slot(field: str, answer: object) -> SlotProof:
    fields = _fields(field, answer, _SLOT_FIELDS)
    key = fields["key"]
    padded = isinstance(key, str) and len(key) == 66
    return SlotProof(
        slot=int.from_bytes(read_data(f"{field}.key", key, 32), "big")
        if padded
        else read_quantity(f"{field}.key", key),
        value=read_quantity(f"{field}.value", fields["value"]),
        nodes=_nodes(f"{field}.proof", fields["proof"]),
    )


def _nodes(field: str, value: object) -> tuple[bytes, ...]:
    return tuple(read_data(f"{field}[{at}]", node) for at, node in enumerate(_list(field, value)))


def _list(field: str, value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise ProofError(field, "must be a list")
    return value


def _fields(field: str, answer: object, names: tuple[str, ...]) -> Mapping[str, object]:
    if not isinstance(answer, Mapping):
        raise ProofError(field, "must be an object")
    for name in names:
        if name not in answer:
            raise ProofError(f"{field}.{name}", "is missing")
    for name in answer:
        if name not in names:
            raise ProofError(f"{field}.{name}", "is unknown")
    return answer
