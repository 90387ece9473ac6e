// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract ReplaceTest is Kit {
    Issue private old;
    bytes32 private live;

    function setUp() public override {
        super.setUp();
        old = anIssue();
        live = issued(old, coils());
    }

    function successor() private view returns (Issue memory value) {
        value = anIssue();
        value.contentHash = keccak256("corrected");
        value.replaces = live;
    }

    function tryReplace(Issue memory value, bytes memory error_) private returns (bytes32) {
        bytes memory signatures = by(value.depositor, value.keeper, issueDigest(value));
        if (error_.length != 0) refuse(error_);
        return issueDesk.replace(value, coils(), noArrivals(), signatures, old, coils());
    }

    function test_another_receipts_issue_is_refused() external {
        Issue memory value = successor();
        bytes memory signatures = by(OWNER, KEEPER, issueDigest(value));
        Issue memory wrong = old;
        wrong.quantity = 1;
        refuse(abi.encodeWithSelector(IIssueDesk.ReplacedDiffers.selector, issueDigest(wrong), live));
        issueDesk.replace(value, coils(), noArrivals(), signatures, wrong, coils());
    }

    function test_the_old_units_must_all_be_given() external {
        Issue memory value = successor();
        bytes memory signatures = by(OWNER, KEEPER, issueDigest(value));
        bytes32[] memory none = new bytes32[](0);
        refuse(abi.encodeWithSelector(IIssueDesk.UnitKeysDiffer.selector, keccak256(""), old.unitKeysHash));
        issueDesk.replace(value, coils(), noArrivals(), signatures, old, none);
    }

    function test_another_owner_or_keeper_cannot_replace() external {
        Issue memory value = successor();
        value.depositor = OTHER_OWNER;
        tryReplace(value, abi.encodeWithSelector(IReceiptErrors.NotOwner.selector, live, OTHER_OWNER));
        value = successor();
        value.keeper = OTHER_KEEPER;
        tryReplace(value, abi.encodeWithSelector(IReceiptErrors.NotKeeper.selector, live, OTHER_KEEPER));
    }

    function test_a_pledged_receipt_is_not_replaced() external {
        pledged(live);
        tryReplace(successor(), abi.encodeWithSelector(IReceiptErrors.AlreadyPledged.selector, live, 1));
    }

    function test_a_held_receipt_is_not_replaced() external {
        vm.prank(account(KEEPER));
        holdDesk.place(live, ReceiptHold.MANUAL, keccak256("order"));
        tryReplace(successor(), abi.encodeWithSelector(IReceiptErrors.ReceiptHeld.selector, live, 8));
    }

    function test_a_receipt_is_replaced_once() external {
        tryReplace(successor(), "");
        Issue memory value = successor();
        value.contentHash = keccak256("corrected again");
        tryReplace(value, abi.encodeWithSelector(IReceiptErrors.ReceiptNotActive.selector, live, 3));
    }

    function test_cancel_and_replace_are_linked_both_ways_and_keys_pass_on() external {
        Issue memory value = successor();
        bytes32 head = headIn(receipts, live);
        bytes32 id = tryReplace(value, "");
        uint256 word = receipts.wordOf(live);
        vm.assertEq(field(word, 96, 8), ReceiptStatus.CANCELLED);
        vm.assertEq(headIn(receipts, live), nextHead(head, 2, ReceiptActs.CANCEL, word, abi.encode(Cancellation(id))));
        vm.assertEq(receipts.balanceOf(participants.entityAddress(OWNER)), 1);
        vm.assertEq(goods.claims(CELL), (uint256(id) >> 32 << 32) | 1);
        refuse(abi.encodeWithSelector(IReceiptRegistry.TokenUnknown.selector, uint256(live)));
        receipts.ownerOf(uint256(live));
    }

    function test_a_unit_that_the_correction_left_out_is_free_for_its_owner_alone() external {
        Issue memory value = successor();
        bytes32[] memory fewer = new bytes32[](1);
        fewer[0] = coils()[0];
        value.unitKeysHash = keccak256(abi.encodePacked(fewer));
        bytes memory signatures = by(OWNER, KEEPER, issueDigest(value));
        issueDesk.replace(value, fewer, noArrivals(), signatures, old, coils());
        vm.assertEq(goods.claims(coils()[1]), (uint256(live) >> 32 << 32) | 2);

        bytes32[] memory left = new bytes32[](1);
        left[0] = coils()[1];
        Issue memory again = anIssue();
        again.positionKey = keccak256("cell A-02");
        again.unitKeysHash = keccak256(abi.encodePacked(left));
        again.replaces = live;
        again.depositor = OTHER_OWNER;
        signatures = by(OTHER_OWNER, KEEPER, issueDigest(again));
        refuse(abi.encodeWithSelector(IReceiptErrors.NotOwner.selector, live, OTHER_OWNER));
        issueDesk.issue(again, left, noArrivals(), signatures);
        again.depositor = OWNER;
        bytes32 id = issued(again, left);
        vm.assertEq(goods.claims(coils()[1]), (uint256(id) >> 32 << 32) | 3);
    }
}
