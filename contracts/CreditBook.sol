// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./interfaces/ICreditBook.sol";
import {EntityKind, IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IReviewBoard} from "./interfaces/IReviewBoard.sol";
import {Book} from "./libraries/Book.sol";
import {Consents} from "./libraries/Consents.sol";
import {Words} from "./libraries/Words.sol";

contract CreditBook is Book, ICreditBook {
    using Words for uint256;

    uint256 private constant BORROWER = 32;
    uint256 private constant HOLDS = 64;
    uint256 private constant STATUS = 96;
    uint256 private constant RULES = 104;
    uint256 private constant INSTALMENTS = 112;
    uint256 private constant PANEL = 160;
    uint256 private constant DRAWS = 176;
    uint256 private constant LIMIT = 192;
    uint256 private constant DEFERRALS = 208;
    uint256 private constant MAX_RULES = 32;
    uint256 private constant MAX_INSTALMENTS = 64;
    uint256 private constant FULL_LIMIT_BPS = 10_000;

    struct Terms {
        bytes32 rulesRoot;
        bytes32 scheduleRoot;
        uint256 instalmentStates;
    }

    mapping(bytes32 => Terms) public override terms;

    constructor(address authority_, IParticipantRegistry participants) Book(authority_, participants) {}

    function openFacility(Facility calldata facility, bytes calldata signatures) external returns (bytes32 id) {
        id = _digest(Consents.hash(facility));
        if (records[id].word != 0) revert FacilityExists(id);
        if (facility.lender == facility.borrower) revert SameParty(facility.lender);
        _requireSound(facility);
        uint256 parties = Consents.parties(facility.lender, facility.borrower);
        uint256 kinds = _participants.checkConsents(id, facility.draftedAt, parties, signatures);
        Consents.requireKind(facility.lender, kinds, 0, EntityKind.BANK);
        Consents.requireKind(facility.borrower, kinds, 1, EntityKind.DEPOSITOR);
        terms[id] = Terms(facility.rulesRoot, facility.scheduleRoot, 0);
        uint256 word = parties | (uint256(FacilityStatus.OPEN) << STATUS) | (uint256(facility.rules) << RULES)
            | (uint256(facility.instalments) << INSTALMENTS) | (uint256(facility.panel) << PANEL)
            | (FULL_LIMIT_BPS << LIMIT);
        _advance(id, FacilityActs.OPEN, word, abi.encode(facility));
    }

    function draw(Drawdown calldata drawdown, bytes calldata signatures) external {
        bytes32 id = drawdown.facility;
        uint256 word = _open(id);
        if (word.u32(HOLDS) != 0) revert FacilityHeld(id, word.u32(HOLDS));
        uint16 draws = word.u16(DRAWS);
        if (drawdown.draw != draws) revert StaleDraw(id, drawdown.draw, draws);
        uint256 parties = Consents.parties(word.u32(0), word.u32(BORROWER));
        _participants.checkConsents(_digest(Consents.hash(drawdown)), drawdown.draftedAt, parties, signatures);
        _advance(id, FacilityActs.DRAW, word.set(DRAWS, 16, draws + 1), abi.encode(drawdown));
    }

    function repay(Repayment calldata repayment, bytes calldata signatures) external {
        bytes32 id = repayment.facility;
        uint256 word = _open(id);
        _requireUnpaid(id, word, repayment.instalment);
        _participants.checkConsents(
            _digest(Consents.hash(repayment)), repayment.draftedAt, word.u32(0), signatures
        );
        _setState(id, repayment.instalment, InstalmentState.PAID);
        _advance(id, FacilityActs.REPAY, word, abi.encode(repayment));
    }

    function close(bytes32 id) external {
        uint256 word = _open(id);
        (uint32 entity,) = _participants.actsFor(msg.sender);
        if (entity != word.u32(0)) revert NotLender(id, entity);
        _advance(id, FacilityActs.CLOSE, word.set(STATUS, 8, FacilityStatus.CLOSED), abi.encode(Closing(entity)));
    }

    function hold(bytes32 id, Firing calldata firing) external onlyWired(CreditParts.RULE_ENGINE) {
        uint256 word = _open(id);
        uint256 bit = HOLDS + firing.rule;
        if (word.get(bit, 1) != 0) revert RuleHolding(id, firing.rule);
        _advance(id, FacilityActs.HOLD, word.set(bit, 1, 1), abi.encode(firing));
    }

    function defer(bytes32 id, Firing calldata firing) external onlyWired(CreditParts.RULE_ENGINE) {
        uint256 word = _open(id);
        uint16 instalment = uint16(uint256(firing.target));
        _requireUnpaid(id, word, instalment);
        if (instalmentState(id, instalment) == InstalmentState.DEFERRED) revert InstalmentDeferred(id, instalment);
        _setState(id, instalment, InstalmentState.DEFERRED);
        word = word.set(DEFERRALS, 16, word.u16(DEFERRALS) + 1);
        _advance(id, FacilityActs.DEFER, word, abi.encode(firing));
    }

    function note(bytes32 id, Firing calldata firing) external onlyWired(CreditParts.RULE_ENGINE) {
        _advance(id, FacilityActs.NOTE, _open(id), abi.encode(firing));
    }

    function clearHold(bytes32 id, Clearing calldata clearing) external onlyWired(CreditParts.REVIEW_BOARD) {
        uint256 word = records[id].word;
        uint256 bit = HOLDS + clearing.rule;
        if (word.get(bit, 1) == 0) revert RuleNotHolding(id, clearing.rule);
        _advance(id, FacilityActs.CLEAR_HOLD, word.set(bit, 1, 0), abi.encode(clearing));
    }

    function wordOf(bytes32 id) external view returns (uint256) {
        return records[id].word;
    }

    function covenant(bytes32 id) external view returns (uint256 word, bytes32 rulesRoot) {
        return (records[id].word, terms[id].rulesRoot);
    }

    function wired(uint8 part) external view returns (address) {
        return _wired[part];
    }

    function instalmentState(bytes32 id, uint16 instalment) public view returns (uint8) {
        if (instalment >= MAX_INSTALMENTS) return 0;
        return uint8(terms[id].instalmentStates.get(4 * uint256(instalment), 4));
    }

    function _setState(bytes32 id, uint16 instalment, uint8 state) private {
        terms[id].instalmentStates = terms[id].instalmentStates.set(4 * uint256(instalment), 4, state);
    }

    function _open(bytes32 id) private view returns (uint256 word) {
        word = records[id].word;
        if (word.u8(STATUS) != FacilityStatus.OPEN) revert FacilityNotOpen(id, word.u8(STATUS));
    }

    function _requireUnpaid(bytes32 id, uint256 word, uint16 instalment) private view {
        if (instalment >= word.u16(INSTALMENTS)) revert InstalmentUnknown(id, instalment);
        if (instalmentState(id, instalment) == InstalmentState.PAID) revert InstalmentPaid(id, instalment);
    }

    /// @dev A facility with rules names a panel that exists, or its holds could never be cleared.
    function _requireSound(Facility calldata facility) private view {
        if (facility.rules > MAX_RULES) revert TooManyRules(facility.rules);
        if (facility.instalments > MAX_INSTALMENTS) revert TooManyInstalments(facility.instalments);
        if (facility.instalments != 0 && facility.scheduleRoot == 0) revert ScheduleRootMissing();
        if (facility.rules == 0) return;
        if (facility.rulesRoot == 0) revert RulesRootMissing();
        (uint256 members,) = IReviewBoard(_wired[CreditParts.REVIEW_BOARD]).panels(facility.panel);
        if (members == 0) revert PanelUnknown(facility.panel);
    }
}
