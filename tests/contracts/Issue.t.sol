// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract IssueTest is Kit {
    function refuseIssue(Issue memory value, bytes32[] memory keys, bytes memory error_) private {
        bytes memory signatures = by(value.depositor, value.keeper, issueDigest(value));
        refuse(error_);
        issueDesk.issue(value, keys, noArrivals(), signatures);
    }

    function test_one_consent_is_not_enough() external {
        Issue memory value = anIssue();
        bytes memory signature = by(OWNER, issueDigest(value));
        refuse(abi.encodeWithSelector(IParticipantRegistry.SignatureCount.selector, 1, 64));
        issueDesk.issue(value, coils(), noArrivals(), signature);
    }

    function test_a_forged_keepers_consent_is_refused() external {
        Issue memory value = anIssue();
        bytes32 digest = issueDigest(value);
        bytes memory signatures = bytes.concat(by(OWNER, digest), sign(STRANGER, digest));
        refuse(notConsented(KEEPER, STRANGER));
        issueDesk.issue(value, coils(), noArrivals(), signatures);
    }

    function test_consents_for_other_content_are_refused() external {
        Issue memory value = anIssue();
        bytes memory signatures = by(OWNER, KEEPER, issueDigest(value));
        value.quantity += 1;
        (bool passed,) = address(issueDesk).call(
            abi.encodeCall(issueDesk.issue, (value, coils(), noArrivals(), signatures))
        );
        vm.assertFalse(passed);
    }

    function test_a_bank_does_not_keep_goods() external {
        Issue memory value = anIssue();
        value.keeper = BANK;
        refuseIssue(value, coils(), abi.encodeWithSelector(IParticipantRegistry.WrongKind.selector, BANK, 1, 2));
    }

    function test_a_keeper_does_not_deposit_its_own_goods() external {
        Issue memory value = anIssue();
        value.depositor = OTHER_KEEPER;
        refuseIssue(value, coils(), abi.encodeWithSelector(IParticipantRegistry.WrongKind.selector, OTHER_KEEPER, 2, 4));
    }

    function test_a_receipt_over_nothing_is_refused() external {
        Issue memory value = anIssue();
        value.quantity = 0;
        refuseIssue(value, coils(), abi.encodeWithSelector(IIssueDesk.QuantityMissing.selector));
    }

    function test_unit_keys_other_than_the_signed_ones_are_refused() external {
        Issue memory value = anIssue();
        bytes32[] memory others = units(keccak256("coil 1"), keccak256("coil 3"));
        refuseIssue(
            value,
            others,
            abi.encodeWithSelector(
                IIssueDesk.UnitKeysDiffer.selector, keccak256(abi.encodePacked(others)), value.unitKeysHash
            )
        );
    }

    function test_the_same_consents_issue_once() external {
        bytes32 id = issued();
        refuseIssue(anIssue(), coils(), abi.encodeWithSelector(IReceiptRegistry.ReceiptExists.selector, id));
    }

    function test_a_receipt_that_replaces_a_live_one_is_refused_here() external {
        Issue memory value = anIssue();
        value.replaces = issued();
        refuseIssue(
            value,
            coils(),
            abi.encodeWithSelector(IIssueDesk.ReplacedNotCancelled.selector, value.replaces, ReceiptStatus.ACTIVE)
        );
    }

    function test_only_its_desk_mints() external {
        refuse(abi.encodeWithSelector(IWiring.NotWired.selector, ReceiptActs.ISSUE, address(this)));
        receipts.issue(keccak256("id"), anIssue());
    }

    function test_an_issued_receipt_has_its_word_its_history_and_its_token() external {
        Issue memory value = anIssue();
        bytes32 id = issueDigest(value);
        uint256 word = OWNER | (uint256(KEEPER) << 32) | (uint256(1) << 96) | (uint256(1) << 128)
            | (uint256(3) << 160) | (uint256(25_000) << 176) | (uint256(9) << 240);
        bytes memory signatures = by(OWNER, KEEPER, id);
        vm.expectEmit(address(receipts));
        emit IReceiptRegistry.Transfer(address(0), participants.entityAddress(OWNER), uint256(id));
        vm.expectEmit(address(receipts));
        emit IHistory.Transition(id, ReceiptActs.ISSUE, 1, word, abi.encode(value));
        vm.assertEq(issueDesk.issue(value, coils(), noArrivals(), signatures), id);
        vm.assertEq(receipts.wordOf(id), word);
        vm.assertEq(headIn(receipts, id), nextHead(0, 1, ReceiptActs.ISSUE, word, abi.encode(value)));
        vm.assertEq(receipts.ownerOf(uint256(id)), participants.entityAddress(OWNER));
        vm.assertEq(receipts.balanceOf(participants.entityAddress(OWNER)), 1);
    }

    function test_word_and_head_lie_in_adjacent_slots_of_mapping_zero() external {
        bytes32 id = issued();
        uint256 slot = uint256(keccak256(abi.encode(id, uint256(0))));
        vm.assertEq(uint256(vm.load(address(receipts), bytes32(slot))), receipts.wordOf(id));
        vm.assertEq(vm.load(address(receipts), bytes32(slot + 1)), headIn(receipts, id));
    }
}
