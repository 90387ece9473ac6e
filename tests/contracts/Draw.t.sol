// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Credit.sol";

contract DrawTest is Credit {
    function refuseDraw(Drawdown memory value, bytes memory error_) private {
        bytes memory signatures = drawSigned(value);
        refuse(error_);
        book.draw(value, signatures);
    }

    function test_a_facility_that_is_not_open_is_refused() external {
        bytes32 none = keccak256("none");
        refuseDraw(aDrawdown(none, 0), abi.encodeWithSelector(ICreditBook.FacilityNotOpen.selector, none, 0));
    }

    function test_a_held_facility_is_refused() external {
        (bytes32 id,) = held();
        refuseDraw(aDrawdown(id, 0), abi.encodeWithSelector(ICreditBook.FacilityHeld.selector, id, 1));
    }

    function test_a_consent_draws_once() external {
        bytes32 id = opened();
        Drawdown memory value = aDrawdown(id, 0);
        book.draw(value, drawSigned(value));
        refuseDraw(value, abi.encodeWithSelector(ICreditBook.StaleDraw.selector, id, 0, 1));
    }

    function test_both_consent() external {
        Drawdown memory value = aDrawdown(opened(), 0);
        bytes32 digest = digestAt(address(book), Consents.hash(value));
        bytes memory forged = bytes.concat(sign(STRANGER, digest), by(OWNER, digest));
        refuse(notConsented(BANK, STRANGER));
        book.draw(value, forged);
    }

    function test_a_draw_is_counted_and_stands_in_the_history() external {
        bytes32 id = opened();
        bytes32 head = headIn(book, id);
        Drawdown memory value = aDrawdown(id, 0);
        book.draw(value, drawSigned(value));
        uint256 word = book.wordOf(id);
        vm.assertEq(field(word, 176, 16), 1);
        vm.assertEq(headIn(book, id), nextHead(head, 2, FacilityActs.DRAW, word, abi.encode(value)));
    }
}
