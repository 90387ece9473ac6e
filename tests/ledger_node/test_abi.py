"""Calls, logs, acts and causes of reverts, by the shipped interfaces."""

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from ledger_node import abi
from ledger_node.abi_types import AbiError
from ledger_node.bindings import structs
from ledger_node.bindings.events import Transition
from ledger_node.eip712 import Domain, digest
from ledger_node.hashing import keccak256

EMITTER = b"\x0e" * 20
WORD = b"\x07" * 32
words = st.binary(min_size=32, max_size=32)
deliveries = st.builds(
    structs.Delivery,
    receipt=words,
    seq=st.integers(0, 2**32 - 1),
    holder=st.integers(0, 2**32 - 1),
    keeper=st.integers(0, 2**32 - 1),
    order_hash=words,
    drafted_at=st.integers(0, 2**64 - 1),
)


def transition(data: bytes, act: int = 4) -> tuple[list[bytes], bytes]:
    topics = [Transition.TOPIC, WORD, act.to_bytes(32, "big")]
    return topics, encode(["uint32", "uint256", "bytes"], [3, 99, data])


def test_a_log_with_a_topic_too_few_is_no_event_of_ours() -> None:
    topics, data = transition(b"")
    assert abi.decode_log(EMITTER, topics[:2], data) is None


@pytest.mark.parametrize("topics", [[], [bytes(32)]])
def test_a_log_that_no_contract_declares_is_told_apart(topics: list[bytes]) -> None:
    assert abi.decode_log(EMITTER, topics, b"") is None


@pytest.mark.parametrize("cut", [b"", b"\x00" * 31])
def test_a_log_with_ill_formed_data_is_refused(cut: bytes) -> None:
    with pytest.raises(AbiError, match="no encoding"):
        abi.decode_log(EMITTER, transition(b"")[0], cut)


def test_a_topic_that_does_not_fit_its_type_is_refused() -> None:
    topics, data = transition(b"")
    with pytest.raises(AbiError):
        abi.decode_log(EMITTER, [topics[0], topics[1], b"\xff" * 32], data)


def test_an_act_that_the_contract_does_not_have_is_refused() -> None:
    with pytest.raises(AbiError, match="ReceiptRegistry: has no act 99"):
        abi.decode_act("ReceiptRegistry", 99, b"")
    with pytest.raises(AbiError, match="Stranger: has no act 1"):
        abi.decode_act("Stranger", 1, b"")


def test_a_struct_with_a_value_out_of_range_is_refused() -> None:
    with pytest.raises(AbiError, match="does not fit"):
        structs.Cancellation(replaced_by=bytes(33)).encode()


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (("ReceiptRegistry", "sell"), "is unknown"),
        (("ReceiptRegistry", "safeTransferFrom"), "is overloaded"),
        (("ReceiptRegistry", "wordOf"), "takes 1 arguments, 0 are given"),
        (("ReceiptRegistry", "wordOf", "text"), "does not fit"),
    ],
)
def test_a_call_that_the_contract_does_not_have_is_refused(call: tuple[str, ...], rule: str) -> None:
    with pytest.raises(AbiError, match=rule):
        abi.encode_call(*call)


@given(deliveries)
def test_a_transition_reads_back_to_the_act_that_was_written(delivery: structs.Delivery) -> None:
    topics, data = transition(delivery.encode())
    event = abi.decode_log(EMITTER, topics, data)
    assert isinstance(event, Transition)
    assert (event.emitter, event.id, event.act, event.seq, event.word) == (EMITTER, WORD, 4, 3, 99)
    assert abi.decode_act("ReceiptRegistry", event.act, event.data) == ("DELIVER", delivery)


@given(deliveries)
def test_a_struct_is_the_message_that_is_signed(delivery: structs.Delivery) -> None:
    domain = Domain("Cangdan", "1", 20590, EMITTER)
    members = "bytes32 receipt,uint32 seq,uint32 holder,uint32 keeper,bytes32 orderHash,uint64 draftedAt"
    hashed = keccak256(keccak256(f"Delivery({members})".encode()) + delivery.encode())
    separator = keccak256(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [
                keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(b"Cangdan"),
                keccak256(b"1"),
                20590,
                EMITTER,
            ],
        )
    )
    assert digest(domain, structs.Delivery.TYPE, delivery.message()) == keccak256(b"\x19\x01" + separator + hashed)


def test_calls_take_structs_and_results_come_back() -> None:
    selector = keccak256(b"wordOf(bytes32)")[:4]
    assert abi.encode_call("ReceiptRegistry", "wordOf", WORD) == selector + WORD
    assert abi.decode_result("ReceiptRegistry", "ownerOf", bytes(12) + EMITTER) == (EMITTER,)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"", "Reverted()"),
        (b"\x01", "UnknownError(data=0x01)"),
        (bytes.fromhex("deadbeef") + bytes(32), "UnknownError(data=0xdeadbeef" + "00" * 32 + ")"),
        (keccak256(b"Error(string)")[:4] + encode(["string"], ["no"]), "Error(message=no)"),
        (keccak256(b"Error(string)")[:4], "UnknownError(data=0x08c379a0)"),
        (keccak256(b"Panic(uint256)")[:4] + encode(["uint256"], [0x11]), "Panic(code=17, meaning=arithmetic overflow)"),
        (
            keccak256(b"AlreadyPledged(bytes32,uint16)")[:4] + encode(["bytes32", "uint16"], [WORD, 2]),
            f"AlreadyPledged(receipt=0x{WORD.hex()}, ordinal=2)",
        ),
        (keccak256(b"AlreadyPledged(bytes32,uint16)")[:4], "UnknownError(data=0x"),
    ],
)
def test_the_cause_of_a_revert_is_named(data: bytes, shown: str) -> None:
    assert str(abi.decode_revert(data)).startswith(shown)
