// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Credit.sol";

contract ReviewTest is Credit {
    bytes32 private facility;
    bytes32 private review;

    function setUp() public override {
        super.setUp();
        (facility, review) = held();
        vm.warp(START + 1 hours);
    }

    function anInspection() private view returns (Inspection memory) {
        return Inspection(facility, INSPECTOR, keccak256("recount"), nowMs());
    }

    function digestOf(Inspection memory value) private view returns (bytes32) {
        return digestAt(address(board), Consents.hash(value));
    }

    function aDecision(uint8 verdict, bytes32 inspection) private view returns (Decision memory) {
        return Decision(review, verdict, keccak256("reason"), inspection, nowMs());
    }

    function decide(Decision memory value, Inspection memory inspection, uint32 a, uint32 b, bytes memory error_)
        private
    {
        bytes memory inspector = value.inspection == 0 ? bytes("") : by(inspection.inspector, digestOf(inspection));
        bytes memory signatures = by(a, b, digestAt(address(board), Consents.hash(value)));
        if (error_.length != 0) refuse(error_);
        board.decide(value, facility, 2, inspection, inspector, Consents.parties(a, b), signatures);
    }

    function cleared(bytes memory error_) private {
        Inspection memory inspection = anInspection();
        decide(aDecision(Verdict.CLEAR, digestOf(inspection)), inspection, BANK, INSURER, error_);
    }

    function upheld() private {
        Inspection memory none;
        decide(aDecision(Verdict.UPHOLD, 0), none, BANK, REGULATOR, "");
    }

    function test_only_the_operator_sets_panels() external {
        refuse(unauthorized(address(0x57)));
        vm.prank(address(0x57));
        board.setPanel(1, 1, new uint32[](1));
    }

    function test_a_panel_is_ascending_and_its_quorum_is_within_it() external {
        uint32[] memory members = new uint32[](2);
        (members[0], members[1]) = (BANK, INSURER);
        uint256 packed = Consents.parties(BANK, INSURER);
        refuse(abi.encodeWithSelector(IReviewBoard.PanelWrong.selector, 0, 0));
        board.setPanel(1, 0, members);
        refuse(abi.encodeWithSelector(IReviewBoard.PanelWrong.selector, 0, 3));
        board.setPanel(1, 3, members);
        (members[0], members[1]) = (INSURER, BANK);
        refuse(abi.encodeWithSelector(IReviewBoard.PanelWrong.selector, Consents.parties(INSURER, BANK), 1));
        board.setPanel(1, 1, members);
        members[0] = BANK;
        refuse(abi.encodeWithSelector(IReviewBoard.PanelWrong.selector, Consents.parties(BANK, BANK), 1));
        board.setPanel(1, 1, members);
        refuse(abi.encodeWithSelector(IReviewBoard.PanelWrong.selector, 0, 1));
        board.setPanel(1, 1, new uint32[](9));
        members[1] = INSURER;
        board.setPanel(1, 2, members);
        (uint256 read, uint8 required) = board.panels(1);
        vm.assertEq(read, packed);
        vm.assertEq(required, 2);
    }

    function test_the_operator_does_not_replace_the_reviewers_that_a_facility_agreed_to() external {
        uint32[] memory members = new uint32[](1);
        members[0] = OTHER_BANK;
        refuse(abi.encodeWithSelector(IReviewBoard.PanelTaken.selector, PANEL));
        board.setPanel(PANEL, 1, members);
    }

    function test_a_draft_from_before_the_review_was_upheld_does_not_clear_it() external {
        Inspection memory inspection = anInspection();
        Decision memory early = aDecision(Verdict.CLEAR, digestOf(inspection));
        vm.warp(block.timestamp + 1 hours);
        upheld();
        uint64 upheldAt = nowMs();
        vm.warp(block.timestamp + 1);
        bytes memory error_ =
            abi.encodeWithSelector(IReviewBoard.DecisionTooOld.selector, early.draftedAt, upheldAt);
        decide(early, inspection, BANK, INSURER, error_);
        cleared("");
    }

    function test_only_the_engine_opens_and_a_review_opens_once() external {
        ReviewOpening memory opening;
        refuse(abi.encodeWithSelector(IWiring.NotWired.selector, 1, address(this)));
        board.open(opening, PANEL);
        opening = ReviewOpening(facility, 2, 0, 1, 0);
        refuse(abi.encodeWithSelector(IReviewBoard.ReviewExists.selector, review));
        vm.prank(address(engine));
        board.open(opening, PANEL);
    }

    function test_an_unknown_review_or_verdict_is_refused() external {
        Inspection memory none;
        Decision memory value = aDecision(3, 0);
        decide(value, none, BANK, INSURER, abi.encodeWithSelector(IReviewBoard.VerdictUnknown.selector, 3));
        value.review = keccak256("none");
        decide(
            value, none, BANK, INSURER, abi.encodeWithSelector(IReviewBoard.ReviewUnknown.selector, value.review)
        );
    }

    function test_the_facility_must_be_the_reviews_own() external {
        Decision memory value = aDecision(Verdict.UPHOLD, 0);
        Inspection memory none;
        bytes memory signatures = by(BANK, INSURER, digestAt(address(board), Consents.hash(value)));
        refuse(abi.encodeWithSelector(IReviewBoard.ReviewDiffers.selector, reviewOf(facility, 3), review));
        board.decide(value, facility, 3, none, "", Consents.parties(BANK, INSURER), signatures);
    }

    function test_a_hold_is_not_cleared_without_an_inspection() external {
        Inspection memory none;
        decide(
            aDecision(Verdict.CLEAR, 0),
            none,
            BANK,
            INSURER,
            abi.encodeWithSelector(IReviewBoard.InspectionMissing.selector, review)
        );
    }

    function test_an_inspection_from_before_the_hold_is_refused() external {
        Inspection memory inspection = anInspection();
        inspection.takenAt = uint64(START * 1000);
        decide(
            aDecision(Verdict.CLEAR, digestOf(inspection)),
            inspection,
            BANK,
            INSURER,
            abi.encodeWithSelector(IReviewBoard.InspectionTooOld.selector, START * 1000, START * 1000)
        );
    }

    function test_another_inspection_than_the_decided_one_is_refused() external {
        Inspection memory inspection = anInspection();
        Decision memory value = aDecision(Verdict.CLEAR, keccak256("another"));
        decide(
            value,
            inspection,
            BANK,
            INSURER,
            abi.encodeWithSelector(
                IReviewBoard.InspectionDiffers.selector, digestOf(inspection), keccak256("another")
            )
        );
    }

    function test_an_inspection_of_something_else_is_refused() external {
        Inspection memory inspection = anInspection();
        inspection.subject = keccak256("another facility");
        decide(
            aDecision(Verdict.CLEAR, digestOf(inspection)),
            inspection,
            BANK,
            INSURER,
            abi.encodeWithSelector(IReviewBoard.WrongSubject.selector, inspection.subject, facility)
        );
    }

    function test_only_an_inspector_inspects() external {
        Inspection memory inspection = anInspection();
        inspection.inspector = KEEPER;
        decide(
            aDecision(Verdict.CLEAR, digestOf(inspection)),
            inspection,
            BANK,
            INSURER,
            abi.encodeWithSelector(IParticipantRegistry.WrongKind.selector, KEEPER, 2, 5)
        );
    }

    function test_exactly_the_required_number_of_members_signs() external {
        Decision memory value = aDecision(Verdict.UPHOLD, 0);
        Inspection memory none;
        bytes32 digest = digestAt(address(board), Consents.hash(value));
        bytes memory one = by(BANK, digest);
        bytes memory three = by(BANK, INSURER, REGULATOR, digest);
        refuse(abi.encodeWithSelector(IReviewBoard.QuorumWrong.selector, 1, 2));
        board.decide(value, facility, 2, none, "", BANK, one);
        refuse(abi.encodeWithSelector(IReviewBoard.QuorumWrong.selector, 3, 2));
        board.decide(value, facility, 2, none, "", Consents.parties(BANK, INSURER, REGULATOR), three);
    }

    function test_members_are_of_the_panel_each_once_and_in_order() external {
        Decision memory value = aDecision(Verdict.UPHOLD, 0);
        Inspection memory none;
        decide(
            value, none, BANK, OWNER, abi.encodeWithSelector(IReviewBoard.NotOnPanel.selector, PANEL, OWNER)
        );
        decide(value, none, BANK, BANK, abi.encodeWithSelector(IReviewBoard.NotOnPanel.selector, PANEL, BANK));
        decide(
            value, none, REGULATOR, BANK, abi.encodeWithSelector(IReviewBoard.NotOnPanel.selector, PANEL, BANK)
        );
        decide(value, none, 0, BANK, abi.encodeWithSelector(IReviewBoard.NotOnPanel.selector, PANEL, 0));
    }

    function test_each_member_signs_for_itself() external {
        Decision memory value = aDecision(Verdict.UPHOLD, 0);
        Inspection memory none;
        bytes32 digest = digestAt(address(board), Consents.hash(value));
        bytes memory forged = bytes.concat(by(BANK, digest), by(BANK, digest));
        refuse(notConsented(INSURER, key(BANK)));
        board.decide(value, facility, 2, none, "", Consents.parties(BANK, INSURER), forged);
    }

    function test_an_inspection_that_the_decision_does_not_name_is_not_kept() external {
        bytes32 head = headIn(board, review);
        Decision memory value = aDecision(Verdict.UPHOLD, 0);
        decide(value, anInspection(), BANK, REGULATOR, "");
        Inspection memory none;
        bytes memory data = abi.encode(ReviewOutcome(value, none, Consents.parties(BANK, REGULATOR)));
        vm.assertEq(headIn(board, review), nextHead(head, 2, ReviewActs.DECIDE, wordIn(board, review), data));
    }

    function test_a_cleared_review_is_final() external {
        cleared("");
        Inspection memory none;
        bytes memory error_ = abi.encodeWithSelector(IReviewBoard.ReviewDecided.selector, review, Verdict.CLEAR);
        decide(aDecision(Verdict.UPHOLD, 0), none, BANK, INSURER, error_);
        cleared(error_);
    }

    function test_an_upheld_hold_stays_and_can_be_cleared_later() external {
        upheld();
        vm.assertEq(field(book.wordOf(facility), 64, 32), 1);
        Inspection memory none;
        decide(
            aDecision(Verdict.UPHOLD, 0),
            none,
            BANK,
            INSURER,
            abi.encodeWithSelector(IReviewBoard.ReviewDecided.selector, review, Verdict.UPHOLD)
        );
        vm.warp(block.timestamp + 1);
        cleared("");
        vm.assertEq(field(book.wordOf(facility), 64, 32), 0);
    }

    function test_a_clear_verdict_clears_the_bit_and_both_histories_say_so() external {
        bytes32 reviewHead = headIn(board, review);
        bytes32 facilityHead = headIn(book, facility);
        Inspection memory inspection = anInspection();
        Decision memory value = aDecision(Verdict.CLEAR, digestOf(inspection));
        decide(value, inspection, INSURER, REGULATOR, "");
        uint256 word = wordIn(board, review);
        vm.assertEq(field(word, 24, 8), ReviewStatus.DECIDED);
        vm.assertEq(field(word, 32, 8), Verdict.CLEAR);
        vm.assertEq(field(word, 160, 64), uint256(value.reason) >> 192);
        vm.assertEq(field(word, 224, 32), block.timestamp);
        bytes memory data = abi.encode(ReviewOutcome(value, inspection, Consents.parties(INSURER, REGULATOR)));
        vm.assertEq(headIn(board, review), nextHead(reviewHead, 2, ReviewActs.DECIDE, word, data));
        word = book.wordOf(facility);
        vm.assertEq(field(word, 64, 32), 0);
        data = abi.encode(Clearing(0, review));
        vm.assertEq(headIn(book, facility), nextHead(facilityHead, 3, FacilityActs.CLEAR_HOLD, word, data));
        Drawdown memory drawdown = aDrawdown(facility, 0);
        book.draw(drawdown, drawSigned(drawdown));
    }

    function test_a_review_without_a_hold_needs_no_inspection_and_clears_no_bit() external {
        Rule memory rule = oneKind(1, RuleAction.REVIEW, 3);
        Rule memory first = twoKinds(0, RuleAction.HOLD);
        Facility memory value = aFacility(first, rule);
        facility = opened(value);
        engine.execute(facility, first, proofOf(ruleLeaves(first, rule), 0), lightAndMoved(T0 + 20 * HOUR), "");
        engine.execute(facility, rule, proofOf(ruleLeaves(first, rule), 1), lightOnly(T0 + 40 * HOUR, 3), "");
        review = reviewOf(facility, 3);
        Inspection memory none;
        Decision memory decision = aDecision(Verdict.CLEAR, 0);
        bytes memory signatures = by(BANK, INSURER, digestAt(address(board), Consents.hash(decision)));
        board.decide(decision, facility, 3, none, "", Consents.parties(BANK, INSURER), signatures);
        vm.assertEq(field(book.wordOf(facility), 64, 32), 1);
    }

    function test_two_rules_hold_apart_and_each_review_clears_its_own() external {
        Rule memory first = twoKinds(0, RuleAction.HOLD);
        Rule memory second = twoKinds(1, RuleAction.HOLD);
        facility = opened(aFacility(first, second));
        engine.setBreaker(WINDOW, 100, 100);
        ObservationProof[][] memory evidence = lightAndMoved(T0 + 20 * HOUR);
        engine.execute(facility, first, proofOf(ruleLeaves(first, second), 0), evidence, "");
        engine.execute(facility, second, proofOf(ruleLeaves(first, second), 1), evidence, "");
        vm.assertEq(field(book.wordOf(facility), 64, 32), 3);
        vm.warp(block.timestamp + 1);
        review = reviewOf(facility, 2);
        cleared("");
        vm.assertEq(field(book.wordOf(facility), 64, 32), 2);
    }

    function test_a_bit_that_is_not_set_is_not_cleared() external {
        refuse(abi.encodeWithSelector(ICreditBook.RuleNotHolding.selector, facility, 5));
        vm.prank(address(board));
        book.clearHold(facility, Clearing(5, review));
    }
}
