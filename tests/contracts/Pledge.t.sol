// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Credit.sol";

contract PledgeTest is Credit {
    bytes32 private receipt;

    function setUp() public override {
        super.setUp();
        receipt = issued();
    }

    function refusePledge(Pledge memory value, bytes memory error_) private {
        bytes memory signatures = pledgeSigned(value);
        refuse(error_);
        pledges.pledge(value, signatures);
    }

    function test_a_replayed_consent_is_refused_while_the_pledge_lives_and_after_its_release() external {
        (Pledge memory value, bytes32 id) = pledged(receipt);
        refusePledge(value, abi.encodeWithSelector(IPledgeRegistry.PledgeExists.selector, id));
        released(value);
        refusePledge(value, abi.encodeWithSelector(IPledgeRegistry.PledgeExists.selector, id));
    }

    function test_an_unknown_receipt_is_refused() external {
        Pledge memory value = aPledge(keccak256("none"));
        refusePledge(value, abi.encodeWithSelector(IReceiptErrors.ReceiptNotActive.selector, value.receipt, 0));
    }

    function test_a_delivered_receipt_is_refused() external {
        delivered(receipt, anIssue(), coils());
        refusePledge(
            aPledge(receipt), abi.encodeWithSelector(IReceiptErrors.ReceiptNotActive.selector, receipt, 2)
        );
    }

    function test_a_consent_from_before_another_pledge_is_refused() external {
        Pledge memory early = aPledge(receipt);
        early.pledgee = OTHER_BANK;
        pledged(receipt);
        refusePledge(early, abi.encodeWithSelector(IReceiptErrors.StaleConsent.selector, receipt, 1, 2));
    }

    function test_a_pledged_receipt_is_refused_to_another_bank() external {
        pledged(receipt);
        Pledge memory value = aPledge(receipt);
        value.pledgee = OTHER_BANK;
        refusePledge(value, abi.encodeWithSelector(IReceiptErrors.AlreadyPledged.selector, receipt, 1));
    }

    function test_a_held_receipt_is_refused() external {
        vm.prank(account(REGULATOR));
        holdDesk.place(receipt, ReceiptHold.COURT, keccak256("order"));
        refusePledge(aPledge(receipt), abi.encodeWithSelector(IReceiptErrors.ReceiptHeld.selector, receipt, 1));
    }

    function test_a_keeper_of_the_pledgors_group_is_refused() external {
        participants.setGroup(KEEPER, 5);
        participants.setGroup(OWNER, 5);
        refusePledge(
            aPledge(receipt), abi.encodeWithSelector(IPledgeRegistry.AffiliatedKeeper.selector, KEEPER, OWNER)
        );
    }

    function test_only_the_owner_pledges() external {
        Pledge memory value = aPledge(receipt);
        value.pledgor = OTHER_OWNER;
        refusePledge(value, abi.encodeWithSelector(IReceiptErrors.NotOwner.selector, receipt, OTHER_OWNER));
    }

    function test_only_the_receipts_keeper_acknowledges() external {
        Pledge memory value = aPledge(receipt);
        value.keeper = OTHER_KEEPER;
        refusePledge(value, abi.encodeWithSelector(IReceiptErrors.NotKeeper.selector, receipt, OTHER_KEEPER));
    }

    function test_a_facility_that_was_never_opened_is_refused() external {
        Pledge memory value = aPledge(receipt);
        value.facility = keccak256("nowhere");
        refusePledge(value, abi.encodeWithSelector(ICreditBook.FacilityNotOpen.selector, value.facility, 0));
    }

    function test_a_closed_facility_is_refused() external {
        Pledge memory value = aPledge(receipt);
        value.facility = opened();
        vm.prank(account(BANK));
        book.close(value.facility);
        refusePledge(value, abi.encodeWithSelector(ICreditBook.FacilityNotOpen.selector, value.facility, 2));
    }

    function test_another_banks_facility_is_refused() external {
        Pledge memory value = aPledge(receipt);
        value.facility = opened();
        value.pledgee = OTHER_BANK;
        refusePledge(value, abi.encodeWithSelector(ICreditBook.NotLender.selector, value.facility, OTHER_BANK));
    }

    function test_a_pledge_secures_an_open_facility_of_its_pledgee_held_or_not() external {
        (Pledge memory value, bytes32 review) = (aPledge(receipt), bytes32(0));
        (value.facility, review) = held();
        pledges.pledge(value, pledgeSigned(value));
        vm.assertEq(field(pledges.pledges(pledgeDigest(value)), 96, 8), PledgeStatus.LIVE);
    }

    function test_a_third_party_pledges_for_a_borrower() external {
        Facility memory credit = aFacility(twoKinds(0, RuleAction.HOLD), oneKind(1, RuleAction.DEFER, 3));
        credit.borrower = OTHER_OWNER;
        Pledge memory value = aPledge(receipt);
        value.facility = opened(credit);
        pledges.pledge(value, pledgeSigned(value));
        vm.assertTrue(receipts.locked(uint256(receipt)));
    }

    function test_each_of_the_three_consents_is_needed() external {
        Pledge memory value = aPledge(receipt);
        bytes32 digest = pledgeDigest(value);
        bytes memory forged = sign(STRANGER, digest);
        bytes memory signatures = bytes.concat(forged, by(KEEPER, BANK, digest));
        refuse(notConsented(OWNER, STRANGER));
        pledges.pledge(value, signatures);
        signatures = bytes.concat(by(OWNER, digest), forged, by(BANK, digest));
        refuse(notConsented(KEEPER, STRANGER));
        pledges.pledge(value, signatures);
        signatures = bytes.concat(by(OWNER, KEEPER, digest), forged);
        refuse(notConsented(BANK, STRANGER));
        pledges.pledge(value, signatures);
        signatures = by(OWNER, KEEPER, digest);
        refuse(abi.encodeWithSelector(IParticipantRegistry.SignatureCount.selector, 2, 128));
        pledges.pledge(value, signatures);
    }

    function test_a_withdrawn_draft_is_refused() external {
        Pledge memory value = aPledge(receipt);
        vm.prank(account(KEEPER));
        participants.withdrawDraft(pledgeDigest(value));
        refusePledge(
            value, abi.encodeWithSelector(IParticipantRegistry.DraftWithdrawn.selector, pledgeDigest(value), KEEPER)
        );
    }

    function test_the_pledgee_is_a_bank() external {
        Pledge memory value = aPledge(receipt);
        value.pledgee = INSURER;
        refusePledge(value, abi.encodeWithSelector(IParticipantRegistry.WrongKind.selector, INSURER, 3, 1));
    }

    function test_a_receipt_has_at_most_65535_pledges() external {
        bytes32 slot = keccak256(abi.encode(receipt, uint256(0)));
        vm.store(address(receipts), slot, vm.load(address(receipts), slot) | bytes32(uint256(0xffff) << 112));
        refusePledge(aPledge(receipt), abi.encodeWithSelector(IReceiptRegistry.TooManyPledges.selector, receipt));
    }

    function test_only_its_desk_encumbers() external {
        refuse(abi.encodeWithSelector(IWiring.NotWired.selector, ReceiptActs.PLEDGE, address(this)));
        receipts.pledge(receipt, "");
        refuse(abi.encodeWithSelector(IWiring.NotWired.selector, ReceiptActs.RELEASE, address(this)));
        receipts.release(receipt, "");
    }

    function test_a_pledge_stands_in_its_word_and_in_the_receipts_history() external {
        Pledge memory value = aPledge(receipt);
        bytes32 id = pledgeDigest(value);
        bytes32 head = headIn(receipts, receipt);
        uint256 word = receipts.wordOf(receipt) + (1 << 104) + (1 << 112) + (1 << 128);
        bytes memory signatures = pledgeSigned(value);
        vm.expectEmit(address(receipts));
        emit IReceiptRegistry.Locked(uint256(receipt));
        vm.expectEmit(address(receipts));
        emit IHistory.Transition(receipt, ReceiptActs.PLEDGE, 2, word, abi.encode(value));
        vm.assertEq(pledges.pledge(value, signatures), id);
        vm.assertEq(receipts.wordOf(receipt), word);
        vm.assertEq(headIn(receipts, receipt), nextHead(head, 2, ReceiptActs.PLEDGE, word, abi.encode(value)));
        vm.assertEq(
            pledges.pledges(id),
            BANK | (uint256(OWNER) << 32) | (uint256(1) << 96) | (uint256(1) << 104) | (uint256(1) << 112)
                | (uint256(1) << 128) | (uint256(receipt) >> 160 << 160)
        );
        vm.assertEq(vm.load(address(pledges), keccak256(abi.encode(id, uint256(0)))), bytes32(pledges.pledges(id)));
        vm.assertTrue(receipts.locked(uint256(receipt)));
        vm.assertEq(receipts.ownerOf(uint256(receipt)), participants.entityAddress(OWNER));
    }

    function test_the_second_pledge_after_a_release_has_ordinal_two() external {
        (Pledge memory value,) = pledged(receipt);
        released(value);
        (, bytes32 id) = pledged(receipt);
        vm.assertEq(field(pledges.pledges(id), 112, 16), 2);
    }
}
