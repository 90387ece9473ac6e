// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Clearing, ICreditBook} from "./interfaces/ICreditBook.sol";
import {EntityKind, IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import "./interfaces/IReviewBoard.sol";
import {RuleAction} from "./interfaces/IRuleEngine.sol";
import {Book} from "./libraries/Book.sol";
import {Consents} from "./libraries/Consents.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Words} from "./libraries/Words.sol";

contract ReviewBoard is Book, IReviewBoard {
    using Words for uint256;

    uint256 private constant RULE = 16;
    uint256 private constant STATUS = 24;
    uint256 private constant VERDICT = 32;
    uint256 private constant ACTION = 40;
    uint256 private constant DEADLINE = 64;
    uint256 private constant REASON = 160;
    uint256 private constant DECIDED_AT = 224;
    uint256 private constant MAX_MEMBERS = 8;

    struct Panel {
        uint256 members;
        uint8 required;
    }

    mapping(uint16 => Panel) public override panels;
    uint64 public immutable override reviewPeriod;

    ICreditBook private immutable _book;

    constructor(address authority_, IParticipantRegistry participants, ICreditBook book, uint64 reviewPeriod_)
        Book(authority_, participants)
    {
        _book = book;
        reviewPeriod = reviewPeriod_;
    }

    function setPanel(uint16 panel, uint8 required, uint32[] calldata members) external restricted {
        uint256 packed;
        uint32 previous;
        bool sound = required != 0 && required <= members.length && members.length <= MAX_MEMBERS;
        for (uint256 i = 0; sound && i < members.length; ++i) {
            sound = members[i] > previous;
            previous = members[i];
            packed |= uint256(previous) << (32 * i);
        }
        if (!sound) revert PanelWrong(packed, required);
        if (panels[panel].required != 0) revert PanelTaken(panel);
        panels[panel] = Panel(packed, required);
        emit PanelSet(panel, required, packed);
    }

    function open(ReviewOpening calldata opening, uint16 panel)
        external
        onlyWired(ReviewParts.RULE_ENGINE)
        returns (bytes32 id)
    {
        id = _reviewId(opening.facility, opening.facilitySeq);
        if (records[id].word != 0) revert ReviewExists(id);
        uint256 word = uint256(panel) | (uint256(opening.rule) << RULE) | (uint256(ReviewStatus.OPEN) << STATUS)
            | (uint256(opening.action) << ACTION) | ((block.timestamp + reviewPeriod) << DEADLINE);
        _advance(id, ReviewActs.OPEN, word, abi.encode(opening));
    }

    function decide(
        Decision calldata decision,
        bytes32 facility,
        uint32 facilitySeq,
        Inspection calldata inspection,
        bytes calldata inspectorSignature,
        uint256 members,
        bytes calldata signatures
    ) external {
        bytes32 id = decision.review;
        uint256 word = _undecided(decision);
        bytes32 given = _reviewId(facility, facilitySeq);
        if (given != id) revert ReviewDiffers(given, id);
        bool clears = decision.verdict == Verdict.CLEAR && word.u8(ACTION) == RuleAction.HOLD;
        Inspection memory inspected;
        if (decision.inspection != 0) {
            _requireInspection(decision, facility, inspection, inspectorSignature);
            inspected = inspection;
        } else if (clears) {
            revert InspectionMissing(id);
        }
        uint64 heldAt = (uint64(word >> DEADLINE) - reviewPeriod) * 1000;
        if (clears && inspection.takenAt <= heldAt) revert InspectionTooOld(inspection.takenAt, heldAt);
        _requireQuorum(word.u16(0), members, signatures.length / Signatures.LENGTH);
        _participants.checkConsents(_digest(Consents.hash(decision)), decision.draftedAt, members, signatures);
        word = word.set(STATUS, 8, ReviewStatus.DECIDED).set(VERDICT, 8, decision.verdict);
        word = word.set(REASON, 64, uint256(decision.reason) >> 192).set(DECIDED_AT, 32, block.timestamp);
        _advance(id, ReviewActs.DECIDE, word, abi.encode(ReviewOutcome(decision, inspected, members)));
        if (clears) _book.clearHold(facility, Clearing(word.u8(RULE), id));
    }

    /// @dev The word of a review that this may decide: an open one, or an upheld one that is cleared by a later draft.
    function _undecided(Decision calldata decision) private view returns (uint256 word) {
        bytes32 id = decision.review;
        uint8 verdict = decision.verdict;
        word = records[id].word;
        if (word == 0) revert ReviewUnknown(id);
        if (verdict != Verdict.CLEAR && verdict != Verdict.UPHOLD) revert VerdictUnknown(verdict);
        if (word.u8(STATUS) == ReviewStatus.OPEN) return word;
        if (word.u8(VERDICT) != Verdict.UPHOLD || verdict != Verdict.CLEAR) {
            revert ReviewDecided(id, word.u8(VERDICT));
        }
        uint64 upheldAt = uint64(word.u32(DECIDED_AT)) * 1000;
        if (decision.draftedAt <= upheldAt) revert DecisionTooOld(decision.draftedAt, upheldAt);
    }

    function _requireInspection(
        Decision calldata decision,
        bytes32 facility,
        Inspection calldata inspection,
        bytes calldata signature
    ) private view {
        bytes32 digest = _digest(Consents.hash(inspection));
        if (digest != decision.inspection) revert InspectionDiffers(digest, decision.inspection);
        if (inspection.subject != facility) revert WrongSubject(inspection.subject, facility);
        uint256 kinds = _participants.checkConsents(digest, inspection.takenAt, inspection.inspector, signature);
        Consents.requireKind(inspection.inspector, kinds, 0, EntityKind.INSPECTOR);
    }

    /// @dev As many members as the panel requires, each of it, ascending.
    function _requireQuorum(uint16 panel, uint256 members, uint256 count) private view {
        Panel memory set = panels[panel];
        if (count != set.required) revert QuorumWrong(count, set.required);
        uint256 place = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint32 member = members.u32(32 * i);
            while (place < MAX_MEMBERS && set.members.u32(32 * place) != member) ++place;
            if (place == MAX_MEMBERS || member == 0) revert NotOnPanel(panel, member);
            ++place;
        }
    }

    function _reviewId(bytes32 facility, uint32 facilitySeq) private pure returns (bytes32) {
        return keccak256(abi.encode(facility, facilitySeq));
    }
}
