// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAttestationHub, ObservationProof} from "./interfaces/IAttestationHub.sol";
import {ICoverBook} from "./interfaces/ICoverBook.sol";
import {FacilityStatus, Firing, ICreditBook} from "./interfaces/ICreditBook.sol";
import {IReviewBoard, ReviewOpening} from "./interfaces/IReviewBoard.sol";
import {Condition, IRuleEngine, Rule, RuleAction} from "./interfaces/IRuleEngine.sol";
import {Conditions} from "./libraries/Conditions.sol";
import {Evidence} from "./libraries/Evidence.sol";
import {PaddedMerkle} from "./libraries/PaddedMerkle.sol";
import {Rounds} from "./libraries/Rounds.sol";
import {SlidingCount} from "./libraries/SlidingCount.sol";
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
        uint32 since;
        uint128 counts;
    }

    struct Tally {
        uint32 since;
        uint128 counts;
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
        (uint256 word, bytes32 rulesRoot) = _book.covenant(facility);
        if (word.u8(96) != FacilityStatus.OPEN) revert FacilityNotOpen(facility, word.u8(96));
        bytes32 leaf = Evidence.leaf(rule);
        if (rule.index >= word.u8(104) || !PaddedMerkle.verify(rulesRoot, leaf, rule.index, ruleProof)) {
            revert RuleUnproven(facility, rule.index);
        }
        uint64 slot = _evaluate(facility, rule, evidence);
        bytes memory firing = Evidence.firing(rule, evidence);
        Evidence.fired(facility, leaf, word.seq() + 1, firing);
        Firing memory act = Firing({
            rule: rule.index,
            action: _tripped(facility, word.u32(0), rule.action) ? RuleAction.REVIEW : rule.action,
            ruleLeaf: leaf,
            evidence: keccak256(firing),
            slot: slot,
            target: 0,
            dueMs: 0
        });
        if (act.action == RuleAction.DEFER) _defer(facility, act, rule.parameter, actionData);
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

    /// @dev Whoever executes names the cover; the cover book takes only the one that the rule has at this slot.
    function _openClaim(bytes32 facility, Firing memory act, bytes32 cover) private {
        act.target = cover;
        _book.note(facility, act);
        _covers.openClaim(cover, facility, act.rule, act.evidence, act.slot);
    }

    function _defer(bytes32 facility, Firing memory act, uint32 daysLater, bytes calldata actionData) private {
        (uint16 ordinal, uint64 start, uint64 due, bytes32 amountHash) =
            abi.decode(actionData, (uint16, uint64, uint64, bytes32));
        bytes32[] calldata proof;
        assembly {
            // The fifth member of the same encoding. Wherever it points, a proof is only siblings to try.
            let at := add(actionData.offset, calldataload(add(actionData.offset, 0x80)))
            proof.offset := add(at, 0x20)
            proof.length := calldataload(at)
        }
        (, bytes32 scheduleRoot,) = _book.terms(facility);
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
        (all.since, all.counts) = SlidingCount.asOf(all.since, all.counts, all.window);
        (own.since, own.counts) = SlidingCount.asOf(own.since, own.counts, all.window);
        uint256 actions = SlidingCount.sum(own.counts);
        if (actions >= all.lenderLimit) {
            emit BreakerTripped(facility, lender, uint32(actions));
            return true;
        }
        actions = SlidingCount.sum(all.counts);
        if (actions >= all.consortiumLimit) {
            emit BreakerTripped(facility, 0, uint32(actions));
            return true;
        }
        (breaker.since, breaker.counts) = (all.since, all.counts + 1);
        _tallies[lender] = Tally(own.since, own.counts + 1);
        return false;
    }

    function _setBreaker(uint32 window, uint32 lenderLimit, uint32 consortiumLimit) private {
        if (window == 0 || lenderLimit == 0 || consortiumLimit == 0) revert BreakerZero();
        (breaker.window, breaker.lenderLimit, breaker.consortiumLimit) = (window, lenderLimit, consortiumLimit);
        emit BreakerSet(window, lenderLimit, consortiumLimit);
    }

    /// @dev The latest slot of evidence that meets every condition, is anchored, and is newer than what the rule acted on;
    /// from now on the rule has acted on it.
    function _evaluate(bytes32 facility, Rule calldata rule, ObservationProof[][] calldata evidence)
        private
        returns (uint64 latest)
    {
        Condition[] calldata conditions = rule.conditions;
        _requireShape(rule, conditions, evidence);
        uint64 earliest = type(uint64).max;
        for (uint256 i = 0; i < conditions.length; ++i) {
            ObservationProof[] calldata run = evidence[i];
            (uint64 first, uint64 last) = Conditions.check(i, conditions[i], run);
            if (first < earliest) earliest = first;
            if (last > latest) latest = last;
            for (uint256 j = 0; j < run.length; ++j) {
                Rounds.requireObserved(_hub, run[j]);
            }
        }
        if (latest - earliest > rule.windowMs) revert OutsideWindow(latest - earliest, rule.windowMs);
        mapping(uint8 => uint64) storage guards = lastSlot[facility];
        uint64 acted = guards[rule.index];
        if (earliest <= acted) revert EvidenceNotNewer(earliest, acted);
        guards[rule.index] = latest;
    }

    function _requireShape(
        Rule calldata rule,
        Condition[] calldata conditions,
        ObservationProof[][] calldata evidence
    ) private pure {
        uint8 action = rule.action;
        bool supported = action == RuleAction.HOLD || action == RuleAction.REVIEW || action == RuleAction.DEFER
            || action == RuleAction.OPEN_CLAIM || action == RuleAction.NOTIFY;
        if (!supported) revert ActionUnsupported(action);
        uint256 count = conditions.length;
        if (count == 0 || count > MAX_CONDITIONS || count != evidence.length) {
            revert ConditionCount(count, evidence.length);
        }
        uint256 observations = 0;
        uint8 kind = conditions[0].kind;
        bool secondKind = false;
        for (uint256 i = 0; i < count; ++i) {
            observations += evidence[i].length;
            if (conditions[i].kind != kind) secondKind = true;
        }
        if (observations > MAX_OBSERVATIONS) revert TooMuchEvidence(observations);
        if (action == RuleAction.HOLD && !rule.singleKind && !secondKind) revert OneKindOnly(kind);
    }
}
