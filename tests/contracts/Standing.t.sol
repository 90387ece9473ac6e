// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract StandingTest is Kit {
    function test_only_the_registrar_sets_group_and_status() external {
        refuse(unauthorized(account(BANK)));
        vm.prank(account(BANK));
        participants.setGroup(BANK, 4);
        refuse(unauthorized(account(BANK)));
        vm.prank(account(BANK));
        participants.setStatus(KEEPER, EntityStatus.SUSPENDED, 0);
    }

    function test_an_unknown_entity_is_refused() external {
        refuse(abi.encodeWithSelector(IParticipantRegistry.EntityUnknown.selector, 99));
        participants.setGroup(99, 4);
        refuse(abi.encodeWithSelector(IParticipantRegistry.EntityUnknown.selector, 99));
        participants.setStatus(99, EntityStatus.SUSPENDED, 0);
    }

    function test_what_would_change_nothing_is_refused() external {
        refuse(abi.encodeWithSelector(IParticipantRegistry.GroupUnchanged.selector, BANK, 0));
        participants.setGroup(BANK, 0);
        refuse(abi.encodeWithSelector(IParticipantRegistry.StatusUnchanged.selector, BANK, 1));
        participants.setStatus(BANK, EntityStatus.ACTIVE, 0);
        refuse(abi.encodeWithSelector(IParticipantRegistry.StatusUnchanged.selector, BANK, 3));
        participants.setStatus(BANK, 3, 0);
    }

    function test_a_suspended_entity_acts_for_nobody_until_reinstated() external {
        participants.setStatus(BANK, EntityStatus.SUSPENDED, keccak256("licence withdrawn"));
        vm.assertEq(field(wordIn(participants, bytes32(uint256(BANK))), 8, 8), EntityStatus.SUSPENDED);
        refuse(abi.encodeWithSelector(IParticipantRegistry.EntitySuspended.selector, BANK));
        participants.actsFor(account(BANK));
        participants.setStatus(BANK, EntityStatus.ACTIVE, 0);
        (uint32 entity,) = participants.actsFor(account(BANK));
        vm.assertEq(entity, BANK);
    }

    function test_entities_of_one_group_are_affiliated() external {
        vm.assertFalse(participants.affiliated(KEEPER, OWNER));
        participants.setGroup(KEEPER, 4);
        vm.assertFalse(participants.affiliated(KEEPER, OWNER));
        participants.setGroup(OWNER, 4);
        vm.assertTrue(participants.affiliated(KEEPER, OWNER));
        vm.assertTrue(participants.affiliated(BANK, BANK));
    }
}
