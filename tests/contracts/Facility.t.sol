// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Credit.sol";

contract FacilityTest is Credit {
    function simple() private view returns (Facility memory) {
        return aFacility(twoKinds(0, RuleAction.HOLD), oneKind(1, RuleAction.DEFER, 3));
    }

    function refuseFacility(Facility memory value, bytes memory error_) private {
        bytes memory signatures = by(value.lender, value.borrower, facilityDigest(value));
        refuse(error_);
        book.openFacility(value, signatures);
    }

    function test_the_same_consents_open_once() external {
        bytes32 id = opened(simple());
        refuseFacility(simple(), abi.encodeWithSelector(ICreditBook.FacilityExists.selector, id));
    }

    function test_nobody_lends_to_itself() external {
        Facility memory value = simple();
        value.borrower = BANK;
        refuseFacility(value, abi.encodeWithSelector(ICreditBook.SameParty.selector, BANK));
    }

    function test_a_facility_has_at_most_32_rules_and_64_instalments() external {
        Facility memory value = simple();
        value.rules = 33;
        refuseFacility(value, abi.encodeWithSelector(ICreditBook.TooManyRules.selector, 33));
        value = simple();
        value.instalments = 65;
        refuseFacility(value, abi.encodeWithSelector(ICreditBook.TooManyInstalments.selector, 65));
    }

    function test_rules_and_instalments_have_roots() external {
        Facility memory value = simple();
        value.rulesRoot = 0;
        refuseFacility(value, abi.encodeWithSelector(ICreditBook.RulesRootMissing.selector));
        value = simple();
        value.scheduleRoot = 0;
        refuseFacility(value, abi.encodeWithSelector(ICreditBook.ScheduleRootMissing.selector));
    }

    function test_rules_need_a_panel_that_could_clear_their_holds() external {
        Facility memory value = simple();
        value.panel = 99;
        refuseFacility(value, abi.encodeWithSelector(ICreditBook.PanelUnknown.selector, 99));
    }

    function test_lender_and_borrower_are_of_their_kinds() external {
        Facility memory value = simple();
        value.lender = INSURER;
        refuseFacility(value, abi.encodeWithSelector(IParticipantRegistry.WrongKind.selector, INSURER, 3, 1));
        value = simple();
        value.borrower = KEEPER;
        refuseFacility(value, abi.encodeWithSelector(IParticipantRegistry.WrongKind.selector, KEEPER, 2, 4));
    }

    function test_both_consent() external {
        Facility memory value = simple();
        bytes32 digest = facilityDigest(value);
        bytes memory forged = bytes.concat(by(BANK, digest), sign(STRANGER, digest));
        refuse(notConsented(OWNER, STRANGER));
        book.openFacility(value, forged);
    }

    function test_an_open_facility_has_its_word_terms_and_history() external {
        Facility memory value = simple();
        bytes32 id = opened(value);
        uint256 word = BANK | (uint256(OWNER) << 32) | (uint256(1) << 96) | (uint256(2) << 104)
            | (uint256(2) << 112) | (uint256(1) << 128) | (uint256(PANEL) << 160) | (uint256(10_000) << 192);
        vm.assertEq(book.wordOf(id), word);
        vm.assertEq(headIn(book, id), nextHead(0, 1, FacilityActs.OPEN, word, abi.encode(value)));
        (bytes32 rulesRoot, bytes32 scheduleRoot, uint256 states) = book.terms(id);
        vm.assertEq(rulesRoot, value.rulesRoot);
        vm.assertEq(scheduleRoot, value.scheduleRoot);
        vm.assertEq(states, 0);
        vm.assertEq(vm.load(address(book), keccak256(abi.encode(id, uint256(3)))), rulesRoot);
    }

    function test_a_facility_without_rules_and_instalments_opens() external {
        Facility memory value = simple();
        (value.rules, value.instalments, value.rulesRoot, value.scheduleRoot, value.panel) = (0, 0, 0, 0, 0);
        opened(value);
    }

    function test_only_the_lender_closes_and_once() external {
        bytes32 id = opened(simple());
        refuse(abi.encodeWithSelector(ICreditBook.NotLender.selector, id, OWNER));
        vm.prank(account(OWNER));
        book.close(id);
        bytes32 head = headIn(book, id);
        vm.prank(account(BANK));
        book.close(id);
        uint256 word = book.wordOf(id);
        vm.assertEq(field(word, 96, 8), FacilityStatus.CLOSED);
        vm.assertEq(headIn(book, id), nextHead(head, 2, FacilityActs.CLOSE, word, abi.encode(Closing(BANK))));
        refuse(abi.encodeWithSelector(ICreditBook.FacilityNotOpen.selector, id, 2));
        vm.prank(account(BANK));
        book.close(id);
    }
}
