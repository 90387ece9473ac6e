// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ObservationProof} from "./IAttestationHub.sol";

library RuleAction {
    uint8 internal constant HOLD = 1;
    uint8 internal constant REVIEW = 2;
    uint8 internal constant LIMIT = 3;
    uint8 internal constant RATE = 4;
    uint8 internal constant DEFER = 5;
    uint8 internal constant WAIVE = 6;
    uint8 internal constant RELEASE = 7;
    uint8 internal constant MARGIN_CALL = 8;
    uint8 internal constant PREMIUM = 9;
    uint8 internal constant COVER = 10;
    uint8 internal constant OPEN_CLAIM = 11;
    uint8 internal constant NOTIFY = 12;
}

library Comparator {
    uint8 internal constant BELOW = 1;
    uint8 internal constant AT_MOST = 2;
    uint8 internal constant ABOVE = 3;
    uint8 internal constant AT_LEAST = 4;
    uint8 internal constant EQUAL = 5;
    uint8 internal constant UNEQUAL = 6;
}

/// @notice `count` observations of one metric of one subject, period after period, whose values compare so.
/// @param periodMs 0 for events, whose slots only rise
/// @param kind class of evidence: 1 MASS, 2 MOVEMENT, 3 IMAGE, 4 CLIMATE, 5 ENERGY, 6 COUNT, 7 STATE
/// @param missingSkips a missing observation may stand between without counting
/// @param flagMask bit n accepts the flag with code n
struct Condition {
    bytes32 schema;
    bytes32 subject;
    bytes32 metric;
    uint64 periodMs;
    uint8 kind;
    uint8 comparator;
    uint8 count;
    bool missingSkips;
    uint16 flagMask;
    int64 threshold;
}

/// @param parameter of DEFER: days
/// @param singleKind a HOLD may rest on one kind of evidence
/// @param windowMs all slots lie within it
/// @param clause commitment of the clause's text
struct Rule {
    uint8 index;
    uint8 action;
    uint32 parameter;
    bool singleKind;
    uint64 windowMs;
    bytes32 clause;
    bytes32 salt;
    Condition[] conditions;
}

/// @title Executes the covenants of facilities from attested observations
/// @notice Whoever holds the proofs may call. docs/formats/ledger.md has the meaning of rules to the byte.
interface IRuleEngine {
    /// @param firing abi.encode(Rule, Observation[][]); its keccak256 is `evidence` in the facility's transition
    event RuleFired(bytes32 indexed facility, bytes32 indexed ruleLeaf, uint32 facilitySeq, bytes firing);
    /// @notice As many actions as one window admits were done: this one became a review. `lender` is 0 for the consortium's
    /// limit; `actions` counts those of the last window, and up to a third of the one before.
    event BreakerTripped(bytes32 indexed facility, uint32 indexed lender, uint32 actions);
    event BreakerSet(uint32 window, uint32 lenderLimit, uint32 consortiumLimit);

    error BreakerZero();
    error FacilityNotOpen(bytes32 facility, uint8 status);
    /// @notice The rule is not the leaf at its index under the facility's rulesRoot.
    error RuleUnproven(bytes32 facility, uint8 index);
    /// @notice The action is not one that this engine carries out.
    error ActionUnsupported(uint8 action);
    /// @notice A rule has 1 to 8 conditions, with one run of evidence each.
    error ConditionCount(uint256 conditions, uint256 runs);
    /// @notice At most 64 observations in all.
    error TooMuchEvidence(uint256 observations);
    /// @notice A HOLD needs two kinds of evidence unless the rule says otherwise.
    error OneKindOnly(uint8 kind);
    error ComparatorUnknown(uint8 comparator);
    /// @notice The observation is of another schema, subject or metric.
    error WrongObservation(uint256 condition, uint256 position);
    /// @notice The observation is not one period after the one before.
    error NotConsecutive(uint256 condition, uint256 position);
    /// @notice The observation does not meet the condition and may not stand in its run.
    error ConditionUnmet(uint256 condition, uint256 position);
    /// @notice Not exactly as many observations count as the condition asks, or a missing one is at an end.
    error RunWrong(uint256 condition, uint256 counted, uint256 required);
    error OutsideWindow(uint64 span, uint64 windowMs);
    /// @notice The rule acted on evidence up to this slot already.
    error EvidenceNotNewer(uint64 slot, uint64 lastSlot);
    error InstalmentUnproven(bytes32 facility, uint16 ordinal);
    /// @notice The latest evidence does not lie within the instalment's period.
    error OutsideInstalment(uint64 slot, uint64 periodStartMs, uint64 dueMs);

    /// @notice Sets the circuit breaker: at most so many actions within any window of so many seconds, wherever it begins.
    /// What was counted before stays counted. Consortium operator only.
    function setBreaker(uint32 window, uint32 lenderLimit, uint32 consortiumLimit) external;

    /// @notice Checks a rule against its evidence and applies its action.
    /// @param ruleProof siblings of the rule's leaf, from the leaf up
    /// @param evidence for each condition its run, oldest first
    /// @param actionData of DEFER abi.encode(uint16 ordinal, uint64 periodStartMs, uint64 dueMs, bytes32 amountHash,
    /// bytes32[] proof), of OPEN_CLAIM abi.encode(bytes32 cover), the one that the rule has at the latest slot, else empty
    function execute(
        bytes32 facility,
        Rule calldata rule,
        bytes32[] calldata ruleProof,
        ObservationProof[][] calldata evidence,
        bytes calldata actionData
    ) external;

    /// @notice The last slot that a rule of a facility acted on.
    function lastSlot(bytes32 facility, uint8 rule) external view returns (uint64);

    /// @notice The breaker and the consortium's actions in four buckets of a third of the window each: when the newest one
    /// began (seconds), and 32 bits of count for each bucket, the newest in the lowest bits.
    function breaker()
        external
        view
        returns (uint32 window, uint32 lenderLimit, uint32 consortiumLimit, uint32 since, uint128 counts);
}
