// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract RegisterTest is Kit {
    bytes32 private constant ID = keccak256("LEI of a newcomer");
    address private constant NEWCOMER = address(0xbeef);

    function test_a_stranger_cannot_register() external {
        refuse(unauthorized(address(0x57)));
        vm.prank(address(0x57));
        participants.register(EntityKind.BANK, ID, NEWCOMER);
    }

    function test_an_unknown_kind_is_refused() external {
        refuse(abi.encodeWithSelector(IParticipantRegistry.KindUnknown.selector, 0));
        participants.register(0, ID, NEWCOMER);
        refuse(abi.encodeWithSelector(IParticipantRegistry.KindUnknown.selector, 7));
        participants.register(7, ID, NEWCOMER);
    }

    function test_a_missing_identifier_is_refused() external {
        refuse(abi.encodeWithSelector(IParticipantRegistry.IdMissing.selector));
        participants.register(EntityKind.BANK, 0, NEWCOMER);
    }

    function test_a_legal_identifier_enters_once() external {
        bytes32 taken = keccak256(abi.encode("LEI", BANK));
        refuse(abi.encodeWithSelector(IParticipantRegistry.IdTaken.selector, taken, BANK));
        participants.register(EntityKind.BANK, taken, NEWCOMER);
    }

    function test_the_zero_account_is_refused() external {
        refuse(abi.encodeWithSelector(IParticipantRegistry.AccountMissing.selector));
        participants.register(EntityKind.BANK, ID, address(0));
    }

    function test_an_account_of_another_entity_is_refused() external {
        refuse(abi.encodeWithSelector(IParticipantRegistry.AccountTaken.selector, account(KEEPER), KEEPER));
        participants.register(EntityKind.BANK, ID, account(KEEPER));
    }

    function test_a_new_entity_is_active_with_one_account_and_a_history_of_one() external {
        uint32 entity = participants.register(EntityKind.INSURER, ID, NEWCOMER);
        vm.assertEq(entity, 10);
        vm.assertEq(participants.entityCount(), 10);
        vm.assertEq(participants.entityOf(ID), 10);
        uint256 word = 3 | (uint256(1) << 8) | (uint256(1) << 16) | (uint256(1) << 128);
        vm.assertEq(wordIn(participants, bytes32(uint256(10))), word);
        bytes memory data = abi.encode(Registration(EntityKind.INSURER, ID, NEWCOMER));
        vm.assertEq(headIn(participants, bytes32(uint256(10))), nextHead(0, 1, EntityActs.REGISTER, word, data));
        (uint32 actor, uint8 kind) = participants.actsFor(NEWCOMER);
        vm.assertEq(actor, 10);
        vm.assertEq(kind, EntityKind.INSURER);
    }

    function test_an_entity_has_a_stable_address() external view {
        bytes32 seed = keccak256(abi.encode("cangdan/entity", block.chainid, address(participants)));
        vm.assertEq(participants.entityAddress(5), address(bytes20(bytes.concat(bytes16(seed), bytes4(uint32(5))))));
    }
}
