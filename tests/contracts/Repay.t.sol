// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Credit.sol";

contract RepayTest is Credit {
    function refuseRepay(Repayment memory value, uint32 signer, bytes memory error_) private {
        bytes memory signatures = by(signer, digestAt(address(book), Consents.hash(value)));
        refuse(error_);
        book.repay(value, signatures);
    }

    function test_an_instalment_outside_the_schedule_is_refused() external {
        bytes32 id = opened();
        refuseRepay(
            Repayment(id, 2, 0, nowMs()), BANK, abi.encodeWithSelector(ICreditBook.InstalmentUnknown.selector, id, 2)
        );
        vm.assertEq(book.instalmentState(id, 999), 0);
    }

    function test_an_instalment_is_paid_once() external {
        bytes32 id = opened();
        repaid(id, 0);
        refuseRepay(
            Repayment(id, 0, 0, nowMs()), BANK, abi.encodeWithSelector(ICreditBook.InstalmentPaid.selector, id, 0)
        );
    }

    function test_only_the_lender_says_that_it_was_paid() external {
        bytes32 id = opened();
        refuseRepay(Repayment(id, 0, 0, nowMs()), OWNER, notConsented(BANK, key(OWNER)));
    }

    function test_a_repayment_stands_in_state_and_history() external {
        bytes32 id = opened();
        bytes32 head = headIn(book, id);
        Repayment memory value = Repayment(id, 1, keccak256("amount"), nowMs());
        book.repay(value, by(BANK, digestAt(address(book), Consents.hash(value))));
        (,, uint256 states) = book.terms(id);
        vm.assertEq(states, 0x10);
        vm.assertEq(book.instalmentState(id, 1), InstalmentState.PAID);
        vm.assertEq(headIn(book, id), nextHead(head, 2, FacilityActs.REPAY, book.wordOf(id), abi.encode(value)));
    }

    function test_repayment_works_while_held() external {
        (bytes32 id,) = held();
        repaid(id, 0);
        vm.assertEq(book.instalmentState(id, 0), InstalmentState.PAID);
    }
}
