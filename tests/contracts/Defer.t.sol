// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Credit.sol";

contract DeferTest is Credit {
    bytes32 private facility;

    function setUp() public override {
        super.setUp();
        facility = opened(aFacility(oneKind(0, RuleAction.DEFER, 3), oneKind(1, RuleAction.DEFER, 3)));
    }

    function run(uint8 index, ObservationProof[][] memory evidence, bytes memory data, bytes memory error_) private {
        Rule memory rule = oneKind(index, RuleAction.DEFER, 3);
        Rule memory first = oneKind(0, RuleAction.DEFER, 3);
        Rule memory second = oneKind(1, RuleAction.DEFER, 3);
        bytes32[] memory path = proofOf(ruleLeaves(first, second), index);
        if (error_.length != 0) refuse(error_);
        engine.execute(facility, rule, path, evidence, data);
    }

    function test_an_instalment_that_is_not_in_the_schedule_is_refused() external {
        bytes memory data =
            abi.encode(uint16(0), T0, DUE + 1, keccak256("amount 0"), proofOf(instalmentLeaves(), 0));
        run(0, lightOnly(T0, 3), data, abi.encodeWithSelector(IRuleEngine.InstalmentUnproven.selector, facility, 0));
        data = abi.encode(uint16(1), T0, DUE, keccak256("amount 0"), proofOf(instalmentLeaves(), 0));
        run(0, lightOnly(T0 + HOUR * 9, 3), data,
            abi.encodeWithSelector(IRuleEngine.InstalmentUnproven.selector, facility, 1));
    }

    function test_evidence_of_another_period_is_refused() external {
        bytes memory error_ =
            abi.encodeWithSelector(IRuleEngine.OutsideInstalment.selector, DUE, T0, DUE);
        run(0, lightOnly(DUE - 2 * HOUR, 3), deferData(0), error_);
        error_ = abi.encodeWithSelector(IRuleEngine.OutsideInstalment.selector, T0 + 2 * HOUR, DUE, DUE + 1000 * HOUR);
        run(0, lightOnly(T0, 3), deferData(1), error_);
    }

    function test_a_paid_instalment_is_not_deferred() external {
        repaid(facility, 0);
        run(0, lightOnly(T0, 3), deferData(0),
            abi.encodeWithSelector(ICreditBook.InstalmentPaid.selector, facility, 0));
    }

    function test_an_instalment_is_deferred_once() external {
        run(0, lightOnly(T0, 3), deferData(0), "");
        run(1, lightOnly(T0 + 9 * HOUR, 3), deferData(0),
            abi.encodeWithSelector(ICreditBook.InstalmentDeferred.selector, facility, 0));
    }

    function test_the_date_moves_by_the_agreed_days_and_the_history_says_so() external {
        bytes32 head = headIn(book, facility);
        ObservationProof[][] memory evidence = lightOnly(T0, 3);
        run(0, evidence, deferData(0), "");
        Rule memory rule = oneKind(0, RuleAction.DEFER, 3);
        uint256 word = book.wordOf(facility);
        vm.assertEq(field(word, 208, 16), 1);
        vm.assertEq(book.instalmentState(facility, 0), InstalmentState.DEFERRED);
        Firing memory act = Firing(
            0,
            RuleAction.DEFER,
            leafOf(abi.encode(rule)),
            keccak256(firingOf(rule, evidence)),
            T0 + 2 * HOUR,
            0,
            DUE + 30 * 24 * HOUR
        );
        vm.assertEq(headIn(book, facility), nextHead(head, 2, FacilityActs.DEFER, word, abi.encode(act)));
    }

    function test_a_deferred_instalment_can_be_paid() external {
        run(0, lightOnly(T0, 3), deferData(0), "");
        repaid(facility, 0);
        vm.assertEq(book.instalmentState(facility, 0), InstalmentState.PAID);
    }
}
