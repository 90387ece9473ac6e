// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SlidingCount} from "../../contracts/libraries/SlidingCount.sol";
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
        (,,, uint32 since, uint128 counts) = engine.breaker();
        vm.assertEq(since, START);
        vm.assertEq(counts, 3);
    }

    function test_a_burst_over_the_edge_of_a_window_is_one_burst() external {
        fire(facilityOf(BANK, 1), T0);
        vm.warp(START + WINDOW - 1);
        fire(facilityOf(BANK, 2), T0 + 10 * HOUR);
        vm.warp(START + WINDOW);
        bytes32 third = facilityOf(BANK, 3);
        fire(third, T0 + 20 * HOUR);
        vm.assertEq(heldBy(third), 0);
    }

    function test_after_a_window_and_a_third_what_happened_is_forgotten() external {
        fire(facilityOf(BANK, 1), T0);
        fire(facilityOf(BANK, 2), T0 + 10 * HOUR);
        vm.warp(START + WINDOW + WINDOW / 3 - 1);
        bytes32 third = facilityOf(BANK, 3);
        fire(third, T0 + 20 * HOUR);
        vm.assertEq(heldBy(third), 0);
        vm.warp(START + WINDOW + WINDOW / 3);
        bytes32 fourth = facilityOf(BANK, 4);
        fire(fourth, T0 + 30 * HOUR);
        vm.assertEq(heldBy(fourth), 1);
    }

    function test_setting_it_anew_forgets_nothing() external {
        fire(facilityOf(BANK, 1), T0);
        fire(facilityOf(BANK, 2), T0 + 10 * HOUR);
        engine.setBreaker(WINDOW, LENDER_LIMIT, CONSORTIUM_LIMIT);
        bytes32 third = facilityOf(BANK, 3);
        fire(third, T0 + 20 * HOUR);
        vm.assertEq(heldBy(third), 0);
    }

    /// @dev The library beside a list of times: no window, wherever it ends, admits more than the limit, and nothing that
    /// happened before a window and a third (and the seconds of rounding) counts.
    function testFuzz_no_window_admits_more_than_the_limit(uint16[24] calldata gaps, uint16 span, uint8 limit_) external {
        uint32 window = uint32(span) + 1;
        uint256 limit = uint256(limit_) % 6 + 1;
        uint256[] memory times = new uint256[](gaps.length);
        uint256 admitted = 0;
        uint32 since = 0;
        uint128 counts = 0;
        for (uint256 i = 0; i < gaps.length; ++i) {
            vm.warp(block.timestamp + uint256(gaps[i]) % (window + 1));
            (since, counts) = SlidingCount.asOf(since, counts, window);
            bool admits = SlidingCount.sum(counts) < limit;
            if (admits) {
                (counts, times[admitted]) = (counts + 1, block.timestamp);
                ++admitted;
                vm.assertTrue(within(times, admitted, window) <= limit);
            } else {
                vm.assertTrue(within(times, admitted, uint256(window) + window / 3 + 4) >= limit);
            }
        }
    }

    function within(uint256[] memory times, uint256 count, uint256 window) private view returns (uint256 found) {
        for (uint256 i = 0; i < count; ++i) if (times[i] + window > block.timestamp) ++found;
    }
}
