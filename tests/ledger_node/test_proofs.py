"""Merkle-Patricia proofs: one shape, or none."""

import contextlib
import copy
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trie import HexaryTrie  # type: ignore[attr-defined]

from ledger_node import proofs
from ledger_node.hashing import keccak256
from ledger_node.headers import read_header
from ledger_node.hexvalues import data_hex
from ledger_node.proofs import EMPTY_ROOT, NO_ACCOUNT, ProofError, read_state_proof, state_proof_json, verify_state
from ledger_node.rlp_strict import Item, encode, scalar
from tests.ledger_node.vectors import QBFT

KEY = bytes(range(32))
HASH = b"\xaa" * 32
ADDRESS = bytes.fromhex(QBFT["contract"][2:])


def root_of(number: int) -> bytes:
    return read_header(QBFT["headers"][number]).state_root


def vector(number: int) -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(QBFT["state_proofs"][number])
    return found


def listed(trie: HexaryTrie, key: bytes) -> list[bytes]:
    """The nodes as a node of the network lists them: those that stand inside their parents are left out."""
    nodes = [encode(list(node)) if isinstance(node, tuple | list) else encode(node) for node in trie.get_proof(key)]  # type: ignore[no-untyped-call]
    return [node for at, node in enumerate(nodes) if at == 0 or len(node) >= 32]


def leaf(path: str, value: bytes = b"v") -> list[Item]:
    odd = len(path) % 2
    return [bytes.fromhex(("3" if odd else "20") + path), value]


def extension(path: str, child: Item = HASH) -> list[Item]:
    odd = len(path) % 2
    return [bytes.fromhex(("1" if odd else "00") + path), child]


def branch(**children: Item) -> list[Item]:
    node: list[Item] = [b""] * 17
    for name, child in children.items():
        node[int(name[1:], 16)] = child
    return node


def refused(nodes: Sequence[Item], key: bytes = KEY) -> str:
    data = [encode(node) for node in nodes]
    with pytest.raises(ProofError) as caught:
        proofs.walk(keccak256(data[0]), key, data, "slot")
    return str(caught.value)


@pytest.mark.parametrize(
    ("node", "rule"),
    [
        (b"text" * 10, "2 or 17 items"),
        ([], "2 or 17 items"),
        ([b"", b"", b""], "2 or 17 items"),
        ([b"", b"v"], "no valid prefix"),
        ([[], b"v"], "no valid prefix"),
        ([b"\x40" + KEY, b"v"], "no valid prefix"),
        ([b"\x21" + KEY, b"v"], "padding of the path"),
        ([b"\x01" + KEY[1:], HASH], "padding of the path"),
        (leaf(KEY.hex(), b""), "holds no value"),
        ([b"\x20" + KEY, [b"v"]], "holds no value"),
        (leaf(KEY.hex()[:-1]), "does not end where the key ends"),
        (leaf(KEY.hex() + "0"), "does not end where the key ends"),
        (leaf("ff"), "does not end where the key ends"),
        (extension(""), "no part of the key"),
        (extension(KEY.hex()), "no part of the key, or all"),
        (extension("ff" * 32), "no part of the key, or all"),
        (extension("00", b"short"), "32 bytes of hash or an embedded node"),
        (extension("ff", b""), "32 bytes of hash or an embedded node"),
        (branch(c0=b"short", c1=HASH), "32 bytes of hash or an embedded node"),
        (branch(c0=HASH), "fewer than two children"),
        ([*branch(c0=HASH, c1=HASH)[:16], b"v"], "a branch holds a value"),
        (branch(c0=leaf("00" * 20, b"v" * 20), c1=HASH), "32 bytes or more"),
        (branch(c0=[b""], c1=HASH), "2 or 17 items"),
        (branch(c0=HASH, c1=HASH), "node 1: the node is missing"),
    ],
)
def test_a_node_that_no_trie_holds_is_refused(node: Item, rule: str) -> None:
    assert rule in refused([node])


def test_an_extension_or_a_leaf_below_an_extension_is_refused() -> None:
    below = extension(KEY.hex()[1:3])
    assert "follows an extension" in refused([extension("0", keccak256(encode(below))), below])
    last = leaf(KEY.hex()[1:])
    assert "follows an extension" in refused([extension("0", keccak256(encode(last))), last])


def test_a_branch_below_the_end_of_the_key_is_refused() -> None:
    last = branch(c0=HASH, c1=HASH)
    middle = branch(**{"c" + KEY.hex()[63]: keccak256(encode(last)), "c0": HASH})
    above = [extension(KEY.hex()[:63], keccak256(encode(middle))), middle, last]
    assert "below the end of the key" in refused(above)


def test_a_node_under_32_bytes_that_is_listed_is_refused() -> None:
    small = leaf("1f")
    deep = branch(c1=keccak256(encode(small)), c2=HASH)
    key = bytes(30) + b"\x01\x1f"
    nodes: list[Item] = [extension("0" * 61, keccak256(encode(deep))), deep, small]
    assert "stands inside its parent" in refused(nodes, key)


def test_text_that_is_not_canonical_rlp_is_refused() -> None:
    for data in (b"\x81\x05" + bytes(40), b"\xf8\x01\x05", b"\xb8\x01a", b"", b"\xc1", b"\xc0\xc0"):
        with pytest.raises(ProofError, match="not canonical RLP"):
            proofs.walk(keccak256(data), KEY, [data], "slot")


def test_nodes_for_an_empty_trie_are_refused() -> None:
    with pytest.raises(ProofError, match="empty trie"):
        proofs.walk(EMPTY_ROOT, KEY, [b"\x80", b"\x80"], "slot")
    assert proofs.walk(EMPTY_ROOT, KEY, [], "slot") is None


@pytest.mark.parametrize("value", [b"\x80", b"\x00", b"\x82\x00\x01", b"\xa1" + b"\x01" * 33, b"\xc1\x01"])
def test_a_slot_value_that_is_no_number_is_refused(value: bytes) -> None:
    node = encode(leaf(keccak256(bytes(32)).hex(), value))
    with pytest.raises(ProofError, match="slot 0x0+: "):
        proofs.verify_slot(keccak256(node), 0, [node])


@pytest.mark.parametrize(
    "fields",
    [
        [b"", b"", HASH],
        [b"\x00", b"", HASH, HASH],
        [b"\x01" * 9, b"", HASH, HASH],
        [b"", b"\x01" * 33, HASH, HASH],
        [b"", b"", HASH[:31], HASH],
        [b"", b"", HASH, []],
    ],
)
def test_an_ill_formed_account_is_refused(fields: list[Item]) -> None:
    node = encode(leaf(keccak256(ADDRESS).hex(), encode(fields)))
    with pytest.raises(ProofError, match="account 0x"):
        proofs.verify_account(keccak256(node), ADDRESS, [node])


@pytest.mark.parametrize("number", range(3))
def test_the_proofs_of_a_live_network_hold(number: int) -> None:
    found = vector(number)
    proof = read_state_proof(found["proof"])
    verify_state(root_of(found["block"]), proof)
    assert {each.value == 0 for each in proof.slots} == {True, False}
    assert read_state_proof(state_proof_json(proof)) == proof


@pytest.mark.parametrize("number", range(3))
def test_any_changed_byte_of_any_node_fails(number: int) -> None:
    found = vector(number)
    root = root_of(found["block"])
    lists = [found["proof"]["accountProof"], *(each["proof"] for each in found["proof"]["storageProof"])]
    for nodes in lists:
        for at, node in enumerate(list(nodes)):
            for byte in range(1, len(node) // 2, 7 if len(node) > 200 else 1):
                changed = int(node[2 * byte : 2 * byte + 2], 16) ^ 1
                nodes[at] = f"{node[: 2 * byte]}{changed:02x}{node[2 * byte + 2 :]}"
                with pytest.raises(ProofError, match="does not hash to what refers to it"):
                    verify_state(root, read_state_proof(found["proof"]))
            nodes[at] = node
    verify_state(root, read_state_proof(found["proof"]))


@pytest.mark.parametrize("where", ["accountProof", "storageProof"])
@pytest.mark.parametrize("change", ["append", "repeat", "drop", "swap"])
def test_a_list_of_nodes_longer_shorter_or_in_another_order_fails(where: str, change: str) -> None:
    found = vector(0)
    proof = found["proof"]
    nodes = proof[where] if where == "accountProof" else proof[where][0]["proof"]
    match change:
        case "append":
            nodes.append(nodes[0])
        case "repeat":
            nodes.insert(1, nodes[0])
        case "drop":
            nodes.pop()
        case _:
            nodes[0], nodes[1] = nodes[1], nodes[0]
    with pytest.raises(ProofError):
        verify_state(root_of(found["block"]), read_state_proof(proof))


@pytest.mark.parametrize("field", ["balance", "nonce", "codeHash", "storageHash"])
def test_a_claim_about_the_account_that_the_nodes_do_not_prove_fails(field: str) -> None:
    found = vector(0)
    found["proof"][field] = "0x5" if field in ("balance", "nonce") else "0x" + "05" * 32
    with pytest.raises(ProofError, match="not the account proved"):
        verify_state(root_of(found["block"]), read_state_proof(found["proof"]))


@pytest.mark.parametrize("at", range(8))
def test_a_claim_about_a_slot_that_the_nodes_do_not_prove_fails(at: int) -> None:
    found = vector(0)
    found["proof"]["storageProof"][at]["value"] = "0x5"
    with pytest.raises(ProofError, match="not the value proved"):
        verify_state(root_of(found["block"]), read_state_proof(found["proof"]))


def test_a_proof_under_the_root_of_another_block_fails() -> None:
    with pytest.raises(ProofError, match="node 0: the node does not hash"):
        verify_state(root_of(25), read_state_proof(vector(0)["proof"]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "0x00"),
        ("accountProof", "0x00"),
        ("accountProof", [None]),
        ("balance", "0x00"),
        ("nonce", 1),
        ("storageProof", {}),
        ("storageProof", [{"key": "0x0", "value": "0x0"}]),
        ("storageProof", [{"key": "0x0", "value": "0x0", "proof": [], "more": 1}]),
        ("storageProof", [{"key": "0x00", "value": "0x0", "proof": []}]),
        ("surplus", "0x0"),
    ],
)
def test_an_ill_formed_answer_is_refused(field: str, value: object) -> None:
    with pytest.raises(ProofError, match="proof"):
        read_state_proof({**vector(0)["proof"], field: value})


@pytest.mark.parametrize("code", [bytes(32), NO_ACCOUNT.code_hash])
@pytest.mark.parametrize("storage", [bytes(32), EMPTY_ROOT])
def test_an_absent_account_holds_zeros_in_every_slot(code: bytes, storage: bytes) -> None:
    trie = HexaryTrie({})
    for number in range(20):
        trie[keccak256(bytes([number]))] = encode([scalar(number), b"", EMPTY_ROOT, HASH])
    answer = {
        "address": data_hex(ADDRESS),
        "accountProof": [data_hex(node) for node in listed(trie, keccak256(ADDRESS))],
        "balance": "0x0",
        "nonce": "0x0",
        "codeHash": data_hex(code),
        "storageHash": data_hex(storage),
        "storageProof": [{"key": "0x1", "value": "0x0", "proof": []}],
    }
    if code == NO_ACCOUNT.code_hash and storage == bytes(32):
        with pytest.raises(ProofError, match="not the account proved"):
            verify_state(trie.root_hash, read_state_proof(answer))
    else:
        verify_state(trie.root_hash, read_state_proof(answer))
        answer["storageProof"] = [{"key": "0x1", "value": "0x1", "proof": []}]
        with pytest.raises(ProofError, match="not the value proved"):
            verify_state(trie.root_hash, read_state_proof(answer))


# Keys that share long beginnings make extensions, and leaves small enough to stand inside their parents.
near_keys = st.tuples(st.binary(max_size=2), st.binary(min_size=2, max_size=2)).map(
    lambda pair: pair[0] + bytes(30 - len(pair[0])) + pair[1]
)


@given(st.dictionaries(near_keys, st.binary(min_size=1, max_size=40), min_size=1), near_keys, st.data())
def test_every_key_of_a_trie_is_proved_in_or_out(held: dict[bytes, bytes], other: bytes, data: st.DataObject) -> None:
    trie = HexaryTrie({})
    for key, value in held.items():
        trie[key] = value
    key = data.draw(st.sampled_from([*held, other]))
    nodes = listed(trie, key)
    assert proofs.walk(trie.root_hash, key, nodes, "key") == held.get(key)
    with pytest.raises(ProofError):
        proofs.walk(trie.root_hash, key, [*nodes, nodes[-1]], "key")
    with pytest.raises(ProofError):
        proofs.walk(trie.root_hash, key, nodes[:-1], "key")


@given(st.binary(max_size=80))
def test_any_bytes_for_a_node_are_refused_or_read_and_never_crash(data: bytes) -> None:
    with contextlib.suppress(ProofError):
        proofs.walk(keccak256(data), KEY, [data], "key")
