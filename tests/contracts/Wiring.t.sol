// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract WiringTest is Kit {
    function refuseWire(address contract_, uint8 part, address to, bytes memory error_) private {
        refuse(error_);
        IAdministered(contract_).wire(part, to);
    }

    function test_only_the_operator_wires() external {
        address[5] memory all = [address(receipts), address(goods), address(book), address(board), address(covers)];
        for (uint256 i = 0; i < all.length; ++i) {
            refuse(unauthorized(address(0x57)));
            vm.prank(address(0x57));
            IAdministered(all[i]).wire(9, address(this));
        }
    }

    function test_a_part_is_filled_once_and_not_with_nothing() external {
        refuseWire(
            address(receipts), 1, address(this), abi.encodeWithSelector(IWiring.AlreadyWired.selector, 1, issueDesk)
        );
        refuseWire(address(book), 1, address(this), abi.encodeWithSelector(IWiring.AlreadyWired.selector, 1, engine));
        refuseWire(address(goods), 1, address(this), abi.encodeWithSelector(IWiring.AlreadyWired.selector, 1, issueDesk));
        refuseWire(address(receipts), 9, address(0), abi.encodeWithSelector(IWiring.WiringMissing.selector, 9));
    }

    function test_who_plays_a_part_can_be_read() external view {
        vm.assertEq(receipts.deskOf(ReceiptActs.PLEDGE), address(pledges));
        vm.assertEq(book.wired(CreditParts.REVIEW_BOARD), address(board));
        vm.assertTrue(goods.isDesk(address(deliveryDesk)));
    }

    function test_digests_are_bound_to_contract_and_chain() external {
        address[6] memory all =
            [address(receipts), address(hub), address(fleets), address(book), address(board), address(covers)];
        for (uint256 i = 0; i < all.length; ++i) {
            vm.assertEq(keccak256(abi.encodePacked(hex"1901", IDomain(all[i]).domainSeparator(), bytes32(0))),
                digestAt(all[i], 0));
        }
        vm.chainId(4242);
        for (uint256 i = 0; i < all.length; ++i) {
            vm.assertEq(keccak256(abi.encodePacked(hex"1901", IDomain(all[i]).domainSeparator(), bytes32(0))),
                digestAt(all[i], 0));
        }
    }
}
