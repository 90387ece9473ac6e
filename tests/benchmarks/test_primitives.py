from benchmarks.primitives import watch
from ledger_node.hashing import keccak256, sha256
from ledger_node.secp256k1 import address_of, recover, sign65, sign_digest
from oracle.formats.cose import DeviceKey


def test_what_goes_into_hashes_is_seen():
    seen = watch(lambda: (keccak256(b"a"), sha256(b"b"), sha256(b"c")))
    assert (seen.keccak, seen.sha256, seen.hashed, seen.checked) == ([b"a"], [b"b", b"c"], 3, 0)


def test_signature_checks_are_seen_and_hold_when_done_again_bare():
    key, device, digest = b"\x01" * 32, DeviceKey.from_secret(b"\x02" * 32), bytes(32)
    compact, long, signature = sign_digest(key, digest), sign65(key, digest), device.sign(b"message")

    def work():
        assert recover(digest, compact) == recover(digest, long) == address_of(key)
        device.public.verify(b"message", signature)

    seen = watch(work)
    assert (len(seen.recoveries), len(seen.p256)) == (2, 1)
    assert seen.recoveries[0] == seen.recoveries[1]
    seen.run()


def test_nothing_is_seen_after_the_work():
    seen = watch(lambda: None)
    keccak256(b"later")
    assert seen.hashed == 0
