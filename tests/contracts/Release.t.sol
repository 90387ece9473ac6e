// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract ReleaseTest is Kit {
    bytes32 private receipt;
    Pledge private value;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        receipt = issued();
        (Pledge memory made, bytes32 made_) = pledged(receipt);
        (value, id) = (made, made_);
    }

    function signed(Release memory release_) private view returns (bytes memory) {
        return by(release_.pledgee, digestAt(address(receipts), Consents.hash(release_)));
    }

    function refuseRelease(Release memory release_, bytes memory error_) private {
        bytes memory signatures = signed(release_);
        refuse(error_);
        pledges.release(release_, value, signatures);
    }

    function test_an_unknown_pledge_is_refused() external {
        Release memory release_ = aRelease(value);
        release_.pledge = keccak256("none");
        refuseRelease(release_, abi.encodeWithSelector(IPledgeRegistry.PledgeUnknown.selector, keccak256("none")));
    }

    function test_another_pledge_than_the_named_one_is_refused() external {
        Release memory release_ = aRelease(value);
        bytes memory signatures = signed(release_);
        Pledge memory other = value;
        other.receipt = keccak256("another receipt");
        refuse(abi.encodeWithSelector(IPledgeRegistry.PledgeUnknown.selector, pledgeDigest(other)));
        pledges.release(release_, other, signatures);
    }

    function test_only_the_pledgee_releases() external {
        Release memory release_ = aRelease(value);
        release_.pledgee = OTHER_BANK;
        refuseRelease(release_, abi.encodeWithSelector(IPledgeRegistry.NotPledgee.selector, id, OTHER_BANK));
        release_.pledgee = BANK;
        bytes memory forged = by(OWNER, digestAt(address(receipts), Consents.hash(release_)));
        refuse(notConsented(BANK, key(OWNER)));
        pledges.release(release_, value, forged);
    }

    function test_a_release_of_another_state_of_the_pledge_is_refused() external {
        Release memory release_ = aRelease(value);
        release_.pledgeSeq = 2;
        refuseRelease(release_, abi.encodeWithSelector(IPledgeRegistry.StalePledgeConsent.selector, id, 2, 1));
    }

    function test_a_pledge_is_released_once() external {
        released(value);
        refuseRelease(aRelease(value), abi.encodeWithSelector(IPledgeRegistry.PledgeNotLive.selector, id, 2));
    }

    function test_a_release_unlocks_and_stands_in_the_receipts_history() external {
        Release memory release_ = aRelease(value);
        bytes memory signatures = signed(release_);
        bytes32 head = headIn(receipts, receipt);
        vm.expectEmit(address(receipts));
        emit IReceiptRegistry.Unlocked(uint256(receipt));
        pledges.release(release_, value, signatures);
        uint256 word = receipts.wordOf(receipt);
        vm.assertEq(field(word, 104, 8), 0);
        vm.assertEq(field(word, 112, 16), 1);
        vm.assertEq(headIn(receipts, receipt), nextHead(head, 3, ReceiptActs.RELEASE, word, abi.encode(release_)));
        vm.assertEq(field(pledges.pledges(id), 96, 8), PledgeStatus.RELEASED);
        vm.assertEq(field(pledges.pledges(id), 128, 32), 2);
    }

    function test_a_held_receipt_is_released_and_stays_locked() external {
        vm.prank(account(REGULATOR));
        holdDesk.place(receipt, ReceiptHold.COURT, keccak256("order"));
        vm.recordLogs();
        released(value);
        vm.assertEq(field(receipts.wordOf(receipt), 104, 8), 0);
        vm.assertTrue(receipts.locked(uint256(receipt)));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1);
        vm.assertEq(logs[0].topics[0], IHistory.Transition.selector);
    }
}
