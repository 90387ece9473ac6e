// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract TokenTest is Kit {
    bytes32 private receipt;

    function setUp() public override {
        super.setUp();
        receipt = issued();
    }

    function test_no_token_call_moves_a_receipt() external {
        bytes memory error_ = abi.encodeWithSelector(IReceiptRegistry.TransferByConsentOnly.selector);
        uint256 id = uint256(receipt);
        refuse(error_);
        receipts.approve(address(1), id);
        refuse(error_);
        receipts.setApprovalForAll(address(1), true);
        refuse(error_);
        receipts.transferFrom(address(this), address(1), id);
        refuse(error_);
        receipts.safeTransferFrom(address(this), address(1), id);
        refuse(error_);
        receipts.safeTransferFrom(address(this), address(1), id, "");
    }

    function test_a_number_without_a_receipt_is_unknown() external {
        bytes memory error_ = abi.encodeWithSelector(IReceiptRegistry.TokenUnknown.selector, 1);
        refuse(error_);
        receipts.ownerOf(1);
        refuse(error_);
        receipts.locked(1);
        refuse(error_);
        receipts.getApproved(1);
    }

    function test_the_zero_address_has_no_balance_to_ask_for() external {
        refuse(abi.encodeWithSelector(IReceiptRegistry.OwnerMissing.selector));
        receipts.balanceOf(address(0));
    }

    function test_an_address_with_an_entitys_number_but_another_prefix_owns_nothing() external view {
        vm.assertEq(receipts.balanceOf(address(uint160(OWNER))), 0);
        vm.assertEq(receipts.balanceOf(participants.entityAddress(OWNER)), 1);
    }

    function test_nobody_is_approved() external view {
        vm.assertEq(receipts.getApproved(uint256(receipt)), address(0));
        vm.assertFalse(receipts.isApprovedForAll(address(this), address(this)));
    }

    function test_it_says_which_standards_it_follows() external view {
        vm.assertTrue(receipts.supportsInterface(0x01ffc9a7));
        vm.assertTrue(receipts.supportsInterface(0x80ac58cd));
        vm.assertTrue(receipts.supportsInterface(0xb45a3c0e));
        vm.assertFalse(receipts.supportsInterface(0xffffffff));
    }
}
