// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract AccountsTest is Kit {
    address private constant FRESH = address(0xf4e5);

    function test_a_stranger_can_neither_add_nor_revoke() external {
        refuse(unauthorized(vm.addr(STRANGER)));
        vm.prank(vm.addr(STRANGER));
        participants.addAccount(BANK, FRESH, AccountRole.SIGNER);
        refuse(unauthorized(vm.addr(STRANGER)));
        vm.prank(vm.addr(STRANGER));
        participants.revokeAccount(account(BANK));
    }

    function test_an_admin_of_another_entity_cannot_add() external {
        refuse(unauthorized(account(KEEPER)));
        vm.prank(account(KEEPER));
        participants.addAccount(BANK, FRESH, AccountRole.SIGNER);
    }

    function test_a_signer_is_no_admin() external {
        participants.addAccount(BANK, FRESH, AccountRole.SIGNER);
        refuse(unauthorized(FRESH));
        vm.prank(FRESH);
        participants.addAccount(BANK, address(1), AccountRole.SIGNER);
    }

    function test_an_unknown_entity_role_or_account_is_refused() external {
        refuse(abi.encodeWithSelector(IParticipantRegistry.EntityUnknown.selector, 99));
        participants.addAccount(99, FRESH, AccountRole.SIGNER);
        refuse(abi.encodeWithSelector(IParticipantRegistry.RoleUnknown.selector, 3));
        participants.addAccount(BANK, FRESH, 3);
        refuse(abi.encodeWithSelector(IParticipantRegistry.AccountUnknown.selector, FRESH));
        participants.revokeAccount(FRESH);
    }

    function test_an_entity_has_at_most_65535_accounts() external {
        bytes32 slot = keccak256(abi.encode(uint256(BANK), uint256(0)));
        vm.store(address(participants), slot, vm.load(address(participants), slot) | bytes32(uint256(0xffff) << 16));
        refuse(abi.encodeWithSelector(IParticipantRegistry.TooManyAccounts.selector, BANK));
        participants.addAccount(BANK, FRESH, AccountRole.SIGNER);
    }

    function test_a_revoked_account_never_returns() external {
        participants.revokeAccount(account(BANK));
        refuse(abi.encodeWithSelector(IParticipantRegistry.AccountTaken.selector, account(BANK), BANK));
        participants.addAccount(OTHER_BANK, account(BANK), AccountRole.SIGNER);
        refuse(abi.encodeWithSelector(IParticipantRegistry.AccountUnknown.selector, account(BANK)));
        participants.actsFor(account(BANK));
    }

    function test_an_admin_rotates_its_keys_and_the_history_follows() external {
        bytes32 id = bytes32(uint256(BANK));
        bytes32 head = headIn(participants, id);
        vm.prank(account(BANK));
        participants.addAccount(BANK, FRESH, AccountRole.ADMIN);
        vm.assertEq(participants.accounts(FRESH), BANK | (uint256(2) << 32) | (uint256(1) << 40));
        head = nextHead(
            head, 2, EntityActs.ADD_ACCOUNT, wordIn(participants, id), abi.encode(AccountChange(FRESH, AccountRole.ADMIN))
        );
        vm.assertEq(headIn(participants, id), head);
        vm.prank(FRESH);
        participants.revokeAccount(account(BANK));
        vm.assertEq(participants.accounts(account(BANK)), BANK | (uint256(2) << 32) | (uint256(2) << 40));
        uint256 word = wordIn(participants, id);
        vm.assertEq(field(word, 16, 16), 1);
        AccountChange memory change = AccountChange(account(BANK), AccountRole.ADMIN);
        vm.assertEq(
            headIn(participants, id), nextHead(head, 3, EntityActs.REVOKE_ACCOUNT, word, abi.encode(change))
        );
    }
}
