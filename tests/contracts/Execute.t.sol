// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Credit.sol";

contract ExecuteTest is Credit {
    bytes32 private facility;

    function open(Rule memory rule) private {
        facility = opened(aFacility(rule, oneKind(1, RuleAction.NOTIFY, 1)));
    }

    function proof(Rule memory rule) private pure returns (bytes32[] memory) {
        return proofOf(ruleLeaves(rule, oneKind(1, RuleAction.NOTIFY, 1)), 0);
    }

    function run(Rule memory rule, ObservationProof[][] memory evidence, bytes memory data, bytes memory error_)
        private
    {
        bytes32[] memory path = proof(rule);
        if (error_.length != 0) refuse(error_);
        engine.execute(facility, rule, path, evidence, data);
    }

    /// @dev Fires a rule with one condition over hourly weights, flags beside them.
    function weights(int64[3] memory values, uint8[3] memory flags)
        private
        returns (ObservationProof[][] memory evidence)
    {
        evidence = new ObservationProof[][](1);
        evidence[0] = new ObservationProof[](3);
        for (uint256 i = 0; i < 3; ++i) {
            evidence[0][i] = anchored(weighed(T0 + uint64(i) * HOUR, values[i], flags[i]));
        }
    }

    function test_a_facility_that_is_not_open_is_refused() external {
        Rule memory rule = twoKinds(0, RuleAction.HOLD);
        open(rule);
        vm.prank(account(BANK));
        book.close(facility);
        run(rule, lightAndMoved(T0), "", abi.encodeWithSelector(IRuleEngine.FacilityNotOpen.selector, facility, 2));
    }

    function test_a_rule_that_was_not_agreed_is_refused() external {
        Rule memory rule = twoKinds(0, RuleAction.HOLD);
        open(rule);
        rule.conditions[0].threshold = 99_999;
        bytes memory error_ = abi.encodeWithSelector(IRuleEngine.RuleUnproven.selector, facility, 0);
        ObservationProof[][] memory evidence = lightAndMoved(T0);
        bytes32[] memory path = proof(twoKinds(0, RuleAction.HOLD));
        refuse(error_);
        engine.execute(facility, rule, path, evidence, "");
    }

    function test_a_rule_outside_the_agreed_number_is_refused() external {
        Rule memory rule = twoKinds(2, RuleAction.HOLD);
        Facility memory value = aFacility(rule, rule);
        bytes32[] memory leaves = new bytes32[](3);
        leaves[2] = leafOf(abi.encode(rule));
        value.rulesRoot = rootOf(leaves);
        facility = opened(value);
        ObservationProof[][] memory evidence = lightAndMoved(T0);
        bytes32[] memory path = proofOf(leaves, 2);
        refuse(abi.encodeWithSelector(IRuleEngine.RuleUnproven.selector, facility, 2));
        engine.execute(facility, rule, path, evidence, "");
    }

    function test_an_action_of_a_later_version_is_refused() external {
        Rule memory rule = twoKinds(0, RuleAction.LIMIT);
        open(rule);
        run(rule, lightAndMoved(T0), "", abi.encodeWithSelector(IRuleEngine.ActionUnsupported.selector, 3));
    }

    function test_each_condition_has_its_run() external {
        Rule memory rule = twoKinds(0, RuleAction.HOLD);
        open(rule);
        run(rule, lightOnly(T0, 2), "", abi.encodeWithSelector(IRuleEngine.ConditionCount.selector, 2, 1));
        rule = aRule(0, RuleAction.NOTIFY);
        rule.clause = keccak256("a rule without conditions");
        open(rule);
        run(rule, new ObservationProof[][](0), "", abi.encodeWithSelector(IRuleEngine.ConditionCount.selector, 0, 0));
    }

    function test_at_most_64_observations_are_looked_at() external {
        Rule memory rule = oneKind(0, RuleAction.NOTIFY, 65);
        open(rule);
        ObservationProof[][] memory evidence = new ObservationProof[][](1);
        evidence[0] = new ObservationProof[](65);
        run(rule, evidence, "", abi.encodeWithSelector(IRuleEngine.TooMuchEvidence.selector, 65));
    }

    function test_one_kind_of_evidence_does_not_hold() external {
        Rule memory rule = oneKind(0, RuleAction.HOLD, 3);
        open(rule);
        run(rule, lightOnly(T0, 3), "", abi.encodeWithSelector(IRuleEngine.OneKindOnly.selector, 1));
    }

    function test_one_kind_holds_where_the_parties_agreed_so() external {
        Rule memory rule = oneKind(0, RuleAction.HOLD, 3);
        rule.singleKind = true;
        open(rule);
        run(rule, lightOnly(T0, 3), "", "");
        vm.assertEq(field(book.wordOf(facility), 64, 32), 1);
    }

    function test_an_unknown_comparator_is_refused() external {
        Rule memory rule = oneKind(0, RuleAction.NOTIFY, 1);
        rule.conditions[0].comparator = 7;
        open(rule);
        run(rule, lightOnly(T0, 1), "", abi.encodeWithSelector(IRuleEngine.ComparatorUnknown.selector, 7));
    }

    function test_every_comparator_compares_as_its_name_says() external {
        int64[3] memory values = [int64(-1), 0, 1];
        bool[3][6] memory expected = [
            [true, false, false],
            [true, true, false],
            [false, false, true],
            [false, true, true],
            [false, true, false],
            [true, false, true]
        ];
        for (uint8 c = 0; c < 6; ++c) {
            for (uint256 v = 0; v < 3; ++v) {
                Rule memory rule = oneKind(0, RuleAction.NOTIFY, 1);
                (rule.conditions[0].comparator, rule.conditions[0].threshold) = (c + 1, 0);
                rule.salt = keccak256(abi.encode(c, v));
                open(rule);
                ObservationProof[][] memory evidence = new ObservationProof[][](1);
                evidence[0] = new ObservationProof[](1);
                evidence[0][0] = anchored(weighed(T0 + (uint64(c) * 3 + uint64(v)) * HOUR, values[v], 1));
                bytes memory unmet = abi.encodeWithSelector(IRuleEngine.ConditionUnmet.selector, 0, 0);
                run(rule, evidence, "", expected[c][v] ? bytes("") : unmet);
            }
        }
    }

    function test_an_observation_of_something_else_is_refused() external {
        Rule memory rule = oneKind(0, RuleAction.NOTIFY, 3);
        open(rule);
        ObservationProof[][] memory evidence = lightOnly(T0, 3);
        bytes memory error_ = abi.encodeWithSelector(IRuleEngine.WrongObservation.selector, 0, 1);
        evidence[0][1].observation.subject = keccak256("coil 2");
        run(rule, evidence, "", error_);
        evidence[0][1].observation.subject = COIL;
        evidence[0][1].observation.metric = keccak256("humidity");
        run(rule, evidence, "", error_);
        evidence[0][1].observation.metric = WEIGHT;
        evidence[0][1].observation.schema = GATES;
        run(rule, evidence, "", error_);
    }

    function test_a_gap_or_a_repetition_breaks_the_run() external {
        Rule memory rule = oneKind(0, RuleAction.NOTIFY, 3);
        open(rule);
        ObservationProof[][] memory evidence = lightOnly(T0, 3);
        evidence[0][2] = anchored(weighed(T0 + 3 * HOUR, 9000, 1));
        run(rule, evidence, "", abi.encodeWithSelector(IRuleEngine.NotConsecutive.selector, 0, 2));
        evidence[0][2] = evidence[0][1];
        run(rule, evidence, "", abi.encodeWithSelector(IRuleEngine.NotConsecutive.selector, 0, 2));
    }

    function test_one_event_does_not_count_twice() external {
        Rule memory rule = aRule(0, RuleAction.NOTIFY);
        rule.conditions = new Condition[](1);
        rule.conditions[0] = movedOnce();
        rule.conditions[0].count = 2;
        open(rule);
        ObservationProof[][] memory evidence = new ObservationProof[][](1);
        evidence[0] = new ObservationProof[](2);
        evidence[0][0] = anchored(moved(T0));
        evidence[0][1] = evidence[0][0];
        run(rule, evidence, "", abi.encodeWithSelector(IRuleEngine.NotConsecutive.selector, 0, 1));
        evidence[0][1] = anchored(moved(T0 + 17));
        run(rule, evidence, "", "");
    }

    function test_a_good_reading_between_resets() external {
        Rule memory rule = oneKind(0, RuleAction.NOTIFY, 2);
        open(rule);
        run(
            rule,
            weights([int64(9000), 9900, 9000], [1, 1, 1]),
            "",
            abi.encodeWithSelector(IRuleEngine.ConditionUnmet.selector, 0, 1)
        );
    }

    function test_a_suspect_reading_does_not_count() external {
        Rule memory rule = oneKind(0, RuleAction.NOTIFY, 3);
        open(rule);
        run(
            rule,
            weights([int64(9000), 9000, 9000], [1, 1, 3]),
            "",
            abi.encodeWithSelector(IRuleEngine.ConditionUnmet.selector, 0, 2)
        );
    }

    function test_a_missing_reading_may_stand_between_but_not_at_an_end() external {
        Rule memory rule = oneKind(0, RuleAction.NOTIFY, 2);
        open(rule);
        ObservationProof[][] memory evidence = weights([int64(9000), 0, 9000], [1, 9, 1]);
        run(rule, evidence, "", "");
        Rule memory strict = oneKind(0, RuleAction.NOTIFY, 2);
        strict.conditions[0].missingSkips = false;
        open(strict);
        run(strict, evidence, "", abi.encodeWithSelector(IRuleEngine.ConditionUnmet.selector, 0, 1));
    }

    function test_a_missing_reading_at_an_end_does_not_count() external {
        Rule memory rule = oneKind(0, RuleAction.NOTIFY, 2);
        open(rule);
        ObservationProof[][] memory evidence = weights([int64(9000), 9000, 0], [1, 1, 9]);
        run(rule, evidence, "", abi.encodeWithSelector(IRuleEngine.RunWrong.selector, 0, 2, 2));
        ObservationProof memory last = evidence[0][2];
        evidence[0] = new ObservationProof[](1);
        evidence[0][0] = last;
        run(rule, evidence, "", abi.encodeWithSelector(IRuleEngine.ConditionUnmet.selector, 0, 0));
    }

    function test_neither_fewer_nor_more_than_the_agreed_number_fire() external {
        Rule memory rule = oneKind(0, RuleAction.NOTIFY, 3);
        open(rule);
        run(rule, lightOnly(T0, 2), "", abi.encodeWithSelector(IRuleEngine.RunWrong.selector, 0, 2, 3));
        run(rule, lightOnly(T0 + 10 * HOUR, 4), "", abi.encodeWithSelector(IRuleEngine.RunWrong.selector, 0, 4, 3));
        ObservationProof[][] memory none = new ObservationProof[][](1);
        run(rule, none, "", abi.encodeWithSelector(IRuleEngine.RunWrong.selector, 0, 0, 3));
    }

    function test_evidence_that_is_not_anchored_or_not_proven_is_refused() external {
        Rule memory rule = oneKind(0, RuleAction.NOTIFY, 3);
        open(rule);
        ObservationProof[][] memory evidence = lightOnly(T0, 3);
        bytes32 roundId = keccak256(abi.encode(SCALES, T0 + 2 * HOUR));
        evidence[0][2].observation.value = 8000;
        bytes memory unproven = abi.encodeWithSelector(IAttestationHub.ObservationUnproven.selector, roundId, 2);
        run(rule, evidence, "", unproven);
        evidence[0][2].observation.value = 9000;
        evidence[0][2].index = 3;
        run(rule, evidence, "", abi.encodeWithSelector(IAttestationHub.ObservationUnproven.selector, roundId, 3));
        evidence[0][2].index = 6;
        run(rule, evidence, "", abi.encodeWithSelector(IAttestationHub.ObservationUnproven.selector, roundId, 6));
        evidence = new ObservationProof[][](1);
        evidence[0] = new ObservationProof[](3);
        for (uint64 i = 0; i < 3; ++i) evidence[0][i].observation = weighed(T0 + (50 + i) * HOUR, 9000, 1);
        roundId = keccak256(abi.encode(SCALES, T0 + 50 * HOUR));
        run(rule, evidence, "", abi.encodeWithSelector(IAttestationHub.RoundUnknown.selector, roundId));
    }

    function test_all_evidence_lies_within_the_window() external {
        Rule memory rule = twoKinds(0, RuleAction.HOLD);
        open(rule);
        ObservationProof[][] memory evidence = new ObservationProof[][](2);
        evidence[0] = lightRun(T0, 2);
        evidence[1] = new ObservationProof[](1);
        evidence[1][0] = anchored(moved(T0 + 5 * HOUR + 1));
        run(rule, evidence, "", abi.encodeWithSelector(IRuleEngine.OutsideWindow.selector, 5 * HOUR + 1, 5 * HOUR));
        evidence[1][0] = anchored(moved(T0 + 5 * HOUR));
        run(rule, evidence, "", "");
    }

    function test_the_same_evidence_fires_once() external {
        Rule memory rule = oneKind(0, RuleAction.NOTIFY, 3);
        open(rule);
        ObservationProof[][] memory evidence = lightOnly(T0, 5);
        ObservationProof[][] memory early = new ObservationProof[][](1);
        early[0] = new ObservationProof[](3);
        ObservationProof[][] memory late = new ObservationProof[][](1);
        late[0] = new ObservationProof[](3);
        for (uint256 i = 0; i < 3; ++i) (early[0][i], late[0][i]) = (evidence[0][i], evidence[0][i + 2]);
        run(rule, early, "", "");
        vm.assertEq(engine.lastSlot(facility, 0), T0 + 2 * HOUR);
        bytes memory error_ =
            abi.encodeWithSelector(IRuleEngine.EvidenceNotNewer.selector, T0 + 2 * HOUR, T0 + 2 * HOUR);
        run(rule, late, "", error_);
        run(rule, lightOnly(T0 + 5 * HOUR, 3), "", "");
    }

    function test_a_rule_that_holds_cannot_hold_again() external {
        Rule memory rule = twoKinds(0, RuleAction.HOLD);
        open(rule);
        run(rule, lightAndMoved(T0), "", "");
        run(
            rule,
            lightAndMoved(T0 + 10 * HOUR),
            "",
            abi.encodeWithSelector(ICreditBook.RuleHolding.selector, facility, 0)
        );
    }

    function test_only_the_engine_changes_a_facility_by_rule() external {
        Rule memory rule = twoKinds(0, RuleAction.HOLD);
        open(rule);
        Firing memory firing;
        bytes memory error_ = abi.encodeWithSelector(IWiring.NotWired.selector, 1, address(this));
        refuse(error_);
        book.hold(facility, firing);
        refuse(error_);
        book.defer(facility, firing);
        refuse(error_);
        book.note(facility, firing);
        refuse(abi.encodeWithSelector(IWiring.NotWired.selector, 2, address(this)));
        book.clearHold(facility, Clearing(0, 0));
    }

    function test_a_hold_sets_the_rules_bit_opens_a_review_and_carries_its_evidence() external {
        Rule memory rule = twoKinds(0, RuleAction.HOLD);
        open(rule);
        bytes32 head = headIn(book, facility);
        ObservationProof[][] memory evidence = lightAndMoved(T0);
        bytes memory firing = firingOf(rule, evidence);
        bytes32 leaf = leafOf(abi.encode(rule));
        bytes32[] memory path = proof(rule);
        vm.expectEmit(address(engine));
        emit IRuleEngine.RuleFired(facility, leaf, 2, firing);
        engine.execute(facility, rule, path, evidence, "");
        uint256 word = book.wordOf(facility);
        vm.assertEq(field(word, 64, 32), 1);
        bytes32 review = reviewOf(facility, 2);
        Firing memory act = Firing(0, RuleAction.HOLD, leaf, keccak256(firing), T0 + HOUR, review, 0);
        vm.assertEq(headIn(book, facility), nextHead(head, 2, FacilityActs.HOLD, word, abi.encode(act)));
        uint256 opening = PANEL | (uint256(1) << 24) | (uint256(1) << 40)
            | ((START + REVIEW_PERIOD) << 64) | (uint256(1) << 128);
        vm.assertEq(wordIn(board, review), opening);
        bytes memory data = abi.encode(ReviewOpening(facility, 2, 0, RuleAction.HOLD, keccak256(firing)));
        vm.assertEq(headIn(board, review), nextHead(0, 1, ReviewActs.OPEN, opening, data));
    }

    function test_a_review_rule_opens_a_review_and_holds_nothing() external {
        Rule memory rule = oneKind(0, RuleAction.REVIEW, 3);
        open(rule);
        run(rule, lightOnly(T0, 3), "", "");
        vm.assertEq(field(book.wordOf(facility), 64, 32), 0);
        vm.assertEq(field(wordIn(board, reviewOf(facility, 2)), 24, 8), ReviewStatus.OPEN);
        vm.assertEq(field(wordIn(board, reviewOf(facility, 2)), 40, 8), RuleAction.REVIEW);
    }

    function test_a_notice_is_kept_in_the_history_alone() external {
        Rule memory rule = oneKind(0, RuleAction.NOTIFY, 3);
        open(rule);
        bytes32 head = headIn(book, facility);
        ObservationProof[][] memory evidence = lightOnly(T0, 3);
        run(rule, evidence, "", "");
        bytes32 shown = keccak256(firingOf(rule, evidence));
        Firing memory act =
            Firing(0, RuleAction.NOTIFY, leafOf(abi.encode(rule)), shown, T0 + 2 * HOUR, 0, 0);
        vm.assertEq(
            headIn(book, facility), nextHead(head, 2, FacilityActs.NOTE, book.wordOf(facility), abi.encode(act))
        );
        vm.assertEq(wordIn(board, reviewOf(facility, 2)), 0);
    }
}
