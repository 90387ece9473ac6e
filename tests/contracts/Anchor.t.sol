// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract AnchorTest is Kit {
    bytes32 private constant SCHEMA = keccak256("schema");
    bytes32 private constant ROOT = keccak256("root");
    uint64 private constant SLOT = 1_700_000_000_000;

    function digest(bytes32 root) private view returns (bytes32) {
        return digestAt(address(hub), Consents.hash(Round(hub.configDigest(), SCHEMA, SLOT, root, 5)));
    }

    function signed(bytes32 root, uint256 a, uint256 b) private view returns (bytes memory) {
        return bytes.concat(sign(oracleKey(a), digest(root)), sign(oracleKey(b), digest(root)));
    }

    function anchor(bytes32 root, uint32 mask, bytes memory signatures, bytes memory error_) private {
        if (error_.length != 0) refuse(error_);
        hub.anchor(SCHEMA, SLOT, root, 5, mask, signatures);
    }

    function test_a_round_has_a_root() external {
        anchor(0, 3, signed(0, 0, 1), abi.encodeWithSelector(IAttestationHub.RootMissing.selector));
    }

    function test_exactly_f_plus_one_signatures_are_asked() external {
        bytes memory one = sign(oracleKey(0), digest(ROOT));
        anchor(ROOT, 1, one, abi.encodeWithSelector(IAttestationHub.SignatureCount.selector, 2, 64));
        bytes memory three = bytes.concat(signed(ROOT, 0, 1), sign(oracleKey(2), digest(ROOT)));
        anchor(ROOT, 7, three, abi.encodeWithSelector(IAttestationHub.SignatureCount.selector, 2, 192));
    }

    function test_the_mask_names_exactly_the_signers() external {
        bytes memory two = signed(ROOT, 0, 1);
        anchor(ROOT, 1, two, abi.encodeWithSelector(IAttestationHub.QuorumWrong.selector, 1, 2));
        anchor(ROOT, 7, two, abi.encodeWithSelector(IAttestationHub.QuorumWrong.selector, 3, 2));
        anchor(ROOT, 19, two, abi.encodeWithSelector(IAttestationHub.QuorumWrong.selector, 2, 2));
    }

    function test_one_oracle_does_not_sign_for_two() external {
        anchor(
            ROOT,
            3,
            signed(ROOT, 0, 0),
            abi.encodeWithSelector(IAttestationHub.NotAttested.selector, 1, vm.addr(oracleKey(0)))
        );
    }

    function test_a_stranger_and_a_broken_signature_are_refused() external {
        bytes memory forged = bytes.concat(sign(STRANGER, digest(ROOT)), sign(oracleKey(1), digest(ROOT)));
        anchor(ROOT, 3, forged, abi.encodeWithSelector(IAttestationHub.NotAttested.selector, 0, vm.addr(STRANGER)));
        anchor(
            ROOT, 3, new bytes(128), abi.encodeWithSelector(IAttestationHub.NotAttested.selector, 0, address(0))
        );
    }

    function test_signatures_under_an_earlier_set_are_refused() external {
        bytes memory old = signed(ROOT, 0, 1);
        hub.setOracles(hub.oracles(), 1);
        (bool passed,) = address(hub).call(abi.encodeCall(hub.anchor, (SCHEMA, SLOT, ROOT, 5, 3, old)));
        vm.assertFalse(passed);
    }

    function test_another_root_for_an_anchored_round_is_refused_with_both() external {
        anchor(ROOT, 3, signed(ROOT, 0, 1), "");
        bytes32 other = keccak256("other");
        bytes32 roundId = keccak256(abi.encode(SCHEMA, SLOT));
        anchor(
            other,
            12,
            signed(other, 2, 3),
            abi.encodeWithSelector(IAttestationHub.RoundContradicted.selector, roundId, ROOT, other)
        );
    }

    function test_a_contradiction_counts_only_when_a_quorum_signed_it() external {
        anchor(ROOT, 3, signed(ROOT, 0, 1), "");
        anchor(
            keccak256("other"),
            3,
            new bytes(128),
            abi.encodeWithSelector(IAttestationHub.NotAttested.selector, 0, address(0))
        );
    }

    function test_the_same_root_again_changes_nothing_whoever_sends_it() external {
        anchor(ROOT, 3, signed(ROOT, 0, 1), "");
        vm.recordLogs();
        anchor(ROOT, 12, signed(ROOT, 2, 3), "");
        anchor(ROOT, 0, "", "");
        vm.assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_any_two_of_four_anchor_a_round() external {
        bytes32 roundId = keccak256(abi.encode(SCHEMA, SLOT));
        bytes memory signatures = signed(ROOT, 1, 3);
        vm.expectEmit(address(hub));
        emit IAttestationHub.RoundAnchored(roundId, SCHEMA, SLOT, ROOT, 5, 10, 1);
        anchor(ROOT, 10, signatures, "");
        vm.assertEq(hub.roots(roundId), ROOT);
        vm.assertEq(vm.load(address(hub), keccak256(abi.encode(roundId, uint256(1)))), ROOT);
    }
}
