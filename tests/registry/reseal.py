"""What a forger can do without a key: recompute every digest, up to the state root and the block that holds it."""

from typing import Any

import rlp
from sha3 import keccak_256

Json = Any


def keccak(data: bytes) -> bytes:
    return keccak_256(data).digest()


def unhex(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def reseal(bundle: Json) -> Json:
    """The bundle with heads, slots, trie nodes, storage roots and state root made to fit its records, in place."""
    for record in bundle["records"]:
        proof = bundle["proofs"].get(record["contract"])
        if proof is not None:
            _fit_record(record, proof)
    for proof in bundle["proofs"].values():
        _fit_slots(proof)
    _fit_tries(bundle)
    return bundle


def _fit_record(record: Json, proof: Json) -> None:
    """Word and head of the record in the claimed slots, as its transitions give them."""
    try:
        head = bytes(32)
        for transition in record["transitions"]:
            word = int(transition["word"], 16)
            fields = [transition["act"], word, transition["block"], transition["time"]]
            digest = keccak(b"".join(_word(each) for each in fields) + keccak(unhex(transition["data"])))
            head = keccak(head + _word(word >> 128 & 0xFFFFFFFF) + digest)
        first = int.from_bytes(keccak(unhex(record["id"]) + bytes(32)), "big")
    except (ValueError, TypeError, OverflowError):
        return
    for slot in proof["storageProof"]:
        if slot["key"] == f"{first:#066x}":
            slot["value"] = hex(word)
        if slot["key"] == f"{first + 1:#066x}":
            slot["value"] = hex(int.from_bytes(head, "big"))


def _fit_slots(proof: Json) -> None:
    """Each slot's leaf holds the value that is claimed."""
    for slot in proof["storageProof"]:
        try:
            path, _ = rlp.decode(unhex(slot["proof"][-1]))
            value = int(slot["value"], 16)
            leaf = rlp.encode([path, rlp.encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))])
        except (ValueError, TypeError, rlp.DecodingError, IndexError):
            continue
        slot["old leaf"], slot["new leaf"] = slot["proof"][-1], "0x" + leaf.hex()


def _fit_tries(bundle: Json) -> None:
    leaves = {}
    for proof in bundle["proofs"].values():
        for slot in proof["storageProof"]:
            leaves[slot.pop("old leaf", "")] = slot.pop("new leaf", "")
    proofs = list(bundle["proofs"].values())
    nodes = {node for proof in proofs for node in proof["accountProof"]}
    nodes |= {node for proof in proofs for slot in proof["storageProof"] for node in slot["proof"]}
    fitted = _Fitted({keccak(unhex(node)): unhex(node) for node in nodes if _is_hex(node)}, leaves)
    for proof in proofs:
        for slot in proof["storageProof"]:
            slot["proof"] = [fitted.text(node) for node in slot["proof"]]
        old = proof["accountProof"]
        proof["accountProof"] = [fitted.text(node) for node in old]
        proof["storageHash"] = fitted.hash(proof["storageHash"])
    bundle["header"]["stateRoot"] = fitted.hash(bundle["header"]["stateRoot"])


def _is_hex(text: str) -> bool:
    try:
        return bool(unhex(text))
    except (ValueError, TypeError):
        return False


class _Fitted:
    def __init__(self, nodes: dict[bytes, bytes], leaves: dict[str, str]) -> None:
        self._nodes = nodes
        self._leaves = {unhex(old): unhex(new) for old, new in leaves.items() if old and old != new}
        self._done: dict[bytes, bytes] = {}

    def text(self, node: str) -> str:
        return "0x" + self.node(unhex(node)).hex() if _is_hex(node) else node

    def hash(self, hash_: str) -> str:
        known = self._nodes.get(unhex(hash_)) if _is_hex(hash_) else None
        return hash_ if known is None else "0x" + keccak(self.node(known)).hex()

    def node(self, node: bytes) -> bytes:
        if node not in self._done:
            self._done[node] = self._leaves.get(node, node)
            made = self._done[node]
            for hash_, child in self._nodes.items():
                if hash_ in made and child != node:
                    made = made.replace(hash_, keccak(self.node(child)))
            self._done[node] = made
        return self._done[node]


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
