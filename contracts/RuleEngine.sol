// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAttestationHub, Observation, ObservationProof} from "./interfaces/IAttestationHub.sol";
import {ICoverBook} from "./interfaces/ICoverBook.sol";
import {FacilityStatus, Firing, ICreditBook} from "./interfaces/ICreditBook.sol";
import {IReviewBoard, ReviewOpening} from "./interfaces/IReviewBoard.sol";
import {IRuleEngine, Rule, RuleAction} from "./interfaces/IRuleEngine.sol";
import {Conditions} from "./libraries/Conditions.sol";
import {PaddedMerkle} from "./libraries/PaddedMerkle.sol";
import {Rounds} from "./libraries/Rounds.sol";
import {Words} from "./libraries/Words.sol";

contract RuleEngine is IRuleEngine, AccessManaged {
    using Words for uint256;

    uint256 private constant MAX_CONDITIONS = 8;
    uint256 private constant MAX_OBSERVATIONS = 64;
    uint64 private constant DAY_MS = 86_400_000;

    struct Breaker {
        uint32 window;
        uint32 lenderLimit;
        uint32 consortiumLimit;
        uint64 windowStart;
        uint32 actions;
    }

    struct Tally {
        uint64 windowStart;
        uint32 actions;
    }

    Breaker public override breaker;
    mapping(uint32 => Tally) private _tallies;
    mapping(bytes32 => mapping(uint8 => uint64)) public override lastSlot;

    IAttestationHub private immutable _hub;
    ICreditBook private immutable _book;
    IReviewBoard private immutable _board;
    ICoverBook private immutable _covers;

    constructor(
        address authority_,
        IAttestationHub hub,
        ICreditBook book,
        IReviewBoard board,
        ICoverBook covers,
        uint32 window,
        uint32 lenderLimit,
        uint32 consortiumLimit
    ) AccessManaged(authority_) {
        _hub = hub;
        _book = book;
        _board = board;
        _covers = covers;
        _setBreaker(window, lenderLimit, consortiumLimit);
    }

    function setBreaker(uint32 window, uint32 lenderLimit, uint32 consortiumLimit) external restricted {
        _setBreaker(window, lenderLimit, consortiumLimit);
    }

    function execute(
        bytes32 facility,
        Rule calldata rule,
        bytes32[] calldata ruleProof,
        ObservationProof[][] calldata evidence,
        bytes calldata actionData
    ) external {
        uint256 word = _book.wordOf(facility);
        if (word.u8(96) != FacilityStatus.OPEN) revert FacilityNotOpen(facility, word.u8(96));
        (bytes32 rulesRoot, bytes32 scheduleRoot,) = _book.terms(facility);
        bytes32 leaf = PaddedMerkle.leaf(abi.encode(rule));
        if (rule.index >= word.u8(104) || !PaddedMerkle.verify(rulesRoot, leaf, rule.index, ruleProof)) {
            revert RuleUnproven(facility, rule.index);
        }
        uint64 slot = _evaluate(facility, rule, evidence);
        lastSlot[facility][rule.index] = slot;
        bytes memory firing = abi.encode(rule, _observations(evidence));
        emit RuleFired(facility, leaf, word.seq() + 1, firing);
        Firing memory act = Firing({
            rule: rule.index,
            action: _tripped(facility, word.u32(0), rule.action) ? RuleAction.REVIEW : rule.action,
            ruleLeaf: leaf,
            evidence: keccak256(firing),
            slot: slot,
            target: 0,
            dueMs: 0
        });
        if (act.action == RuleAction.DEFER) _defer(facility, act, scheduleRoot, rule.parameter, actionData);
        else if (act.action == RuleAction.OPEN_CLAIM) _openClaim(facility, act, abi.decode(actionData, (bytes32)));
        else if (act.action == RuleAction.NOTIFY) _book.note(facility, act);
        else _review(facility, act, word);
    }

    /// @dev HOLD and REVIEW: both open a review, the first one with the bit that it alone can clear.
    function _review(bytes32 facility, Firing memory act, uint256 word) private {
        uint32 seq = word.seq() + 1;
        act.target = keccak256(abi.encode(facility, seq));
        if (act.action == RuleAction.HOLD) _book.hold(facility, act);
        else _book.note(facility, act);
        _board.open(ReviewOpening(facility, seq, act.rule, act.action, act.evidence), word.u16(160));
    }

    function _openClaim(bytes32 facility, Firing memory act, bytes32 cover) private {
        act.target = cover;
        _book.note(facility, act);
        _covers.openClaim(cover, facility, act.evidence, act.slot);
    }

    function _defer(
        bytes32 facility,
        Firing memory act,
        bytes32 scheduleRoot,
        uint32 daysLater,
        bytes calldata actionData
    ) private {
        (uint16 ordinal, uint64 start, uint64 due, bytes32 amountHash, bytes32[] memory proof) =
            abi.decode(actionData, (uint16, uint64, uint64, bytes32, bytes32[]));
        bytes32 leaf = PaddedMerkle.leaf(abi.encode(ordinal, start, due, amountHash));
        if (!PaddedMerkle.verify(scheduleRoot, leaf, ordinal, proof)) revert InstalmentUnproven(facility, ordinal);
        if (act.slot < start || act.slot >= due) revert OutsideInstalment(act.slot, start, due);
        act.target = bytes32(uint256(ordinal));
        act.dueMs = due + uint64(daysLater) * DAY_MS;
        _book.defer(facility, act);
    }

    /// @dev Whether the breaker turns this action into a review; counts it otherwise.
    function _tripped(bytes32 facility, uint32 lender, uint8 action) private returns (bool) {
        if (action == RuleAction.REVIEW || action == RuleAction.NOTIFY) return false;
        Breaker memory all = breaker;
        Tally memory own = _tallies[lender];
        uint64 time = uint64(block.timestamp);
        if (time >= all.windowStart + all.window) (all.windowStart, all.actions) = (time, 0);
        if (time >= own.windowStart + all.window) (own.windowStart, own.actions) = (time, 0);
        if (own.actions >= all.lenderLimit) {
            emit BreakerTripped(facility, lender, own.actions);
            return true;
        }
        if (all.actions >= all.consortiumLimit) {
            emit BreakerTripped(facility, 0, all.actions);
            return true;
        }
        (breaker.windowStart, breaker.actions) = (all.windowStart, all.actions + 1);
        _tallies[lender] = Tally(own.windowStart, own.actions + 1);
        return false;
    }

    function _setBreaker(uint32 window, uint32 lenderLimit, uint32 consortiumLimit) private {
        if (window == 0 || lenderLimit == 0 || consortiumLimit == 0) revert BreakerZero();
        (breaker.window, breaker.lenderLimit, breaker.consortiumLimit) = (window, lenderLimit, consortiumLimit);
        emit BreakerSet(window, lenderLimit, consortiumLimit);
    }

    /// @dev The latest slot of evidence that meets every condition, is anchored, and is newer than what the rule acted on.
    function _evaluate(bytes32 facility, Rule calldata rule, ObservationProof[][] calldata evidence)
        private
        view
        returns (uint64 latest)
    {
        _requireShape(rule, evidence);
        uint64 earliest = type(uint64).max;
        for (uint256 i = 0; i < evidence.length; ++i) {
            (uint64 first, uint64 last) = Conditions.check(i, rule.conditions[i], evidence[i]);
            if (first < earliest) earliest = first;
            if (last > latest) latest = last;
            for (uint256 j = 0; j < evidence[i].length; ++j) {
                Rounds.requireObserved(_hub, evidence[i][j]);
            }
        }
        if (latest - earliest > rule.windowMs) revert OutsideWindow(latest - earliest, rule.windowMs);
        uint64 acted = lastSlot[facility][rule.index];
        if (earliest <= acted) revert EvidenceNotNewer(earliest, acted);
    }

    function _requireShape(Rule calldata rule, ObservationProof[][] calldata evidence) private pure {
        uint8 action = rule.action;
        bool supported = action == RuleAction.HOLD || action == RuleAction.REVIEW || action == RuleAction.DEFER
            || action == RuleAction.OPEN_CLAIM || action == RuleAction.NOTIFY;
        if (!supported) revert ActionUnsupported(action);
        uint256 conditions = rule.conditions.length;
        if (conditions == 0 || conditions > MAX_CONDITIONS || conditions != evidence.length) {
            revert ConditionCount(conditions, evidence.length);
        }
        uint256 observations = 0;
        bool secondKind = false;
        for (uint256 i = 0; i < conditions; ++i) {
            observations += evidence[i].length;
            if (rule.conditions[i].kind != rule.conditions[0].kind) secondKind = true;
        }
        if (observations > MAX_OBSERVATIONS) revert TooMuchEvidence(observations);
        if (action == RuleAction.HOLD && !rule.singleKind && !secondKind) revert OneKindOnly(rule.conditions[0].kind);
    }

    function _observations(ObservationProof[][] calldata evidence)
        private
        pure
        returns (Observation[][] memory observations)
    {
        observations = new Observation[][](evidence.length);
        for (uint256 i = 0; i < evidence.length; ++i) {
            observations[i] = new Observation[](evidence[i].length);
            for (uint256 j = 0; j < evidence[i].length; ++j) {
                observations[i][j] = evidence[i][j].observation;
            }
        }
    }
}
