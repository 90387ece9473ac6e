// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract ConsentsTest is Kit {
    bytes32 private constant DIGEST = keccak256("a draft");
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    function check(uint256 entities, bytes memory signatures) private view returns (uint256) {
        return participants.checkConsents(DIGEST, nowMs(), entities, signatures);
    }

    function test_no_signature_is_refused() external {
        refuse(abi.encodeWithSelector(IParticipantRegistry.SignatureCount.selector, 0, 0));
        check(0, "");
    }

    function test_signatures_that_are_not_64_bytes_each_are_refused() external {
        bytes memory signature = by(BANK, DIGEST);
        refuse(abi.encodeWithSelector(IParticipantRegistry.SignatureCount.selector, 1, 65));
        check(BANK, bytes.concat(signature, hex"00"));
    }

    function test_a_party_without_a_signature_is_refused() external {
        bytes memory signature = by(BANK, DIGEST);
        refuse(abi.encodeWithSelector(IParticipantRegistry.SignatureCount.selector, 1, 64));
        check(Consents.parties(BANK, KEEPER), signature);
    }

    function test_a_ninth_signature_is_refused() external {
        bytes memory signatures = new bytes(9 * 64);
        refuse(abi.encodeWithSelector(IParticipantRegistry.SignatureCount.selector, 9, 576));
        check(BANK, signatures);
    }

    function test_another_entitys_signature_is_refused() external {
        bytes memory signature = by(KEEPER, DIGEST);
        refuse(notConsented(BANK, key(KEEPER)));
        check(BANK, signature);
    }

    function test_a_strangers_signature_is_refused_also_for_entity_zero() external {
        bytes memory signature = sign(STRANGER, DIGEST);
        refuse(notConsented(BANK, STRANGER));
        check(BANK, signature);
        refuse(notConsented(0, STRANGER));
        check(0, signature);
    }

    function test_signatures_in_another_order_are_refused() external {
        bytes memory signatures = by(KEEPER, BANK, DIGEST);
        refuse(notConsented(BANK, key(KEEPER)));
        check(Consents.parties(BANK, KEEPER), signatures);
    }

    function test_a_signature_of_zeros_is_refused() external {
        refuse(notConsented(BANK, 0));
        check(BANK, new bytes(64));
    }

    function test_a_high_s_is_no_signature() external {
        (bytes32 r,) = vm.signCompact(key(BANK), DIGEST);
        refuse(notConsented(BANK, 0));
        check(BANK, abi.encodePacked(r, HALF_ORDER + 1));
        bytes memory low = abi.encodePacked(r, HALF_ORDER);
        (bool passed, bytes memory error_) = address(participants).call(
            abi.encodeCall(participants.checkConsents, (DIGEST, nowMs(), BANK, low))
        );
        vm.assertFalse(passed);
        vm.assertTrue(keccak256(error_) != keccak256(notConsented(BANK, 0)));
    }

    function test_a_revoked_account_no_longer_consents() external {
        bytes memory signature = by(BANK, DIGEST);
        participants.revokeAccount(account(BANK));
        refuse(notConsented(BANK, key(BANK)));
        check(BANK, signature);
    }

    function test_a_suspended_entity_does_not_consent() external {
        bytes memory signature = by(BANK, DIGEST);
        participants.setStatus(BANK, EntityStatus.SUSPENDED, 0);
        refuse(abi.encodeWithSelector(IParticipantRegistry.EntitySuspended.selector, BANK));
        check(BANK, signature);
    }

    function test_a_consent_drafted_before_the_withdrawal_is_refused() external {
        bytes memory signature = by(BANK, DIGEST);
        vm.prank(account(BANK));
        participants.withdrawConsentsBefore(nowMs() + 1);
        refuse(abi.encodeWithSelector(IParticipantRegistry.ConsentWithdrawn.selector, BANK));
        check(BANK, signature);
        participants.checkConsents(DIGEST, nowMs() + 1, BANK, signature);
    }

    function test_a_withdrawn_draft_is_refused_for_its_entity_alone() external {
        bytes memory signature = by(BANK, DIGEST);
        vm.prank(account(BANK));
        participants.withdrawDraft(DIGEST);
        refuse(abi.encodeWithSelector(IParticipantRegistry.DraftWithdrawn.selector, DIGEST, BANK));
        check(BANK, signature);
        check(KEEPER, by(KEEPER, DIGEST));
    }

    function test_a_draft_of_the_future_is_refused_or_no_withdrawal_would_reach_it() external {
        bytes memory signature = by(BANK, DIGEST);
        uint64 latest = nowMs() + 3_600_000;
        refuse(abi.encodeWithSelector(IParticipantRegistry.TimeInFuture.selector, latest + 1, latest));
        participants.checkConsents(DIGEST, latest + 1, BANK, signature);
        participants.checkConsents(DIGEST, latest, BANK, signature);
    }

    function test_withdrawals_are_for_live_accounts() external {
        refuse(abi.encodeWithSelector(IParticipantRegistry.AccountUnknown.selector, address(this)));
        participants.withdrawConsentsBefore(1);
        refuse(abi.encodeWithSelector(IParticipantRegistry.AccountUnknown.selector, address(this)));
        participants.withdrawDraft(DIGEST);
    }

    function test_a_withdrawal_goes_forward_only_and_not_into_the_future() external {
        uint64 latest = nowMs() + 3_600_000;
        refuse(abi.encodeWithSelector(IParticipantRegistry.TimeInFuture.selector, latest + 1, latest));
        vm.prank(account(BANK));
        participants.withdrawConsentsBefore(latest + 1);
        vm.prank(account(BANK));
        participants.withdrawConsentsBefore(1000);
        refuse(abi.encodeWithSelector(IParticipantRegistry.WithdrawalNotLater.selector, 1000, 1000));
        vm.prank(account(BANK));
        participants.withdrawConsentsBefore(1000);
    }

    function test_a_draft_is_withdrawn_once_and_stands_in_the_history() external {
        bytes32 id = bytes32(uint256(BANK));
        bytes32 head = headIn(participants, id);
        vm.prank(account(BANK));
        participants.withdrawDraft(DIGEST);
        uint256 word = wordIn(participants, id);
        bytes memory data = abi.encode(DraftWithdrawal(DIGEST));
        vm.assertEq(headIn(participants, id), nextHead(head, 2, EntityActs.WITHDRAW_DRAFT, word, data));
        refuse(abi.encodeWithSelector(IParticipantRegistry.DraftAlreadyWithdrawn.selector, DIGEST, BANK));
        vm.prank(account(BANK));
        participants.withdrawDraft(DIGEST);
    }

    function test_eight_parties_consent_in_one_call_and_their_kinds_come_back() external view {
        uint256 entities;
        bytes memory signatures;
        for (uint32 i = 0; i < 8; ++i) {
            entities |= uint256(i + 1) << (32 * i);
            signatures = bytes.concat(signatures, by(i + 1, DIGEST));
        }
        vm.assertEq(check(entities, signatures), 0x0503040402020101);
    }

    function testFuzz_no_random_bytes_pass_for_a_consent(bytes32 r, bytes32 vs) external {
        (bool passed,) = address(participants).call(
            abi.encodeCall(participants.checkConsents, (DIGEST, nowMs(), BANK, abi.encodePacked(r, vs)))
        );
        vm.assertFalse(passed);
    }
}
