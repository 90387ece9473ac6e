// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Credit.sol";

contract BreakerTest is Credit {
    function fire(bytes32 facility, uint64 from) private {
        Rule memory rule = twoKinds(0, RuleAction.HOLD);
        bytes32[] memory path = proofOf(ruleLeaves(rule, rule), 0);
        engine.execute(facility, rule, path, lightAndMoved(from), "");
    }

    function facilityOf(uint32 lender, uint256 number) private returns (bytes32) {
        Facility memory value = aFacility(twoKinds(0, RuleAction.HOLD), twoKinds(0, RuleAction.HOLD));
        value.lender = lender;
        value.termsHash = keccak256(abi.encode(number));
        return opened(value);
    }

    function heldBy(bytes32 facility) private view returns (uint256) {
        return field(book.wordOf(facility), 64, 32);
    }

    function test_only_the_operator_sets_it_and_not_to_nothing() external {
        refuse(unauthorized(address(0x57)));
        vm.prank(address(0x57));
        engine.setBreaker(1, 1, 1);
        refuse(abi.encodeWithSelector(IRuleEngine.BreakerZero.selector));
        engine.setBreaker(0, 1, 1);
        refuse(abi.encodeWithSelector(IRuleEngine.BreakerZero.selector));
        engine.setBreaker(1, 0, 1);
        refuse(abi.encodeWithSelector(IRuleEngine.BreakerZero.selector));
        engine.setBreaker(1, 1, 0);
    }

    function test_beyond_a_lenders_limit_a_hold_becomes_a_review() external {
        fire(facilityOf(BANK, 1), T0);
        fire(facilityOf(BANK, 2), T0 + 10 * HOUR);
        bytes32 third = facilityOf(BANK, 3);
        Rule memory rule = twoKinds(0, RuleAction.HOLD);
        ObservationProof[][] memory evidence = lightAndMoved(T0 + 20 * HOUR);
        vm.expectEmit(address(engine));
        emit IRuleEngine.RuleFired(third, leafOf(abi.encode(rule)), 2, firingOf(rule, evidence));
        vm.expectEmit(address(engine));
        emit IRuleEngine.BreakerTripped(third, BANK, 2);
        engine.execute(third, rule, proofOf(ruleLeaves(rule, rule), 0), evidence, "");
        vm.assertEq(heldBy(third), 0);
        vm.assertEq(field(wordIn(board, reviewOf(third, 2)), 40, 8), RuleAction.REVIEW);
    }

    function test_beyond_the_consortiums_limit_too() external {
        fire(facilityOf(BANK, 1), T0);
        fire(facilityOf(BANK, 2), T0 + 10 * HOUR);
        fire(facilityOf(OTHER_BANK, 3), T0 + 20 * HOUR);
        bytes32 fourth = facilityOf(OTHER_BANK, 4);
        fire(fourth, T0 + 30 * HOUR);
        vm.assertEq(heldBy(fourth), 0);
        (,,, uint64 since, uint32 actions) = engine.breaker();
        vm.assertEq(since, START);
        vm.assertEq(actions, 3);
    }

    function test_the_next_window_starts_anew() external {
        fire(facilityOf(BANK, 1), T0);
        fire(facilityOf(BANK, 2), T0 + 10 * HOUR);
        vm.warp(START + WINDOW);
        bytes32 third = facilityOf(BANK, 3);
        fire(third, T0 + 20 * HOUR);
        vm.assertEq(heldBy(third), 1);
    }
}
