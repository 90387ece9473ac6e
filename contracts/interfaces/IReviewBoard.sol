// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDomain, IHistory, IWiring} from "./IHistory.sol";

library ReviewStatus {
    uint8 internal constant OPEN = 1;
    uint8 internal constant DECIDED = 2;
}

library Verdict {
    uint8 internal constant CLEAR = 1;
    uint8 internal constant UPHOLD = 2;
}

library ReviewActs {
    uint8 internal constant OPEN = 1; // ReviewOpening
    uint8 internal constant DECIDE = 2; // ReviewOutcome
}

/// @notice Parts of `wire`.
library ReviewParts {
    uint8 internal constant RULE_ENGINE = 1;
}

/// @param action the action that opened it: a HOLD is cleared by this review alone
struct ReviewOpening {
    bytes32 facility;
    uint32 facilitySeq;
    uint8 rule;
    uint8 action;
    bytes32 evidence;
}

/// @param subject the facility
/// @param takenAt milliseconds
struct Inspection {
    bytes32 subject;
    uint32 inspector;
    bytes32 resultHash;
    uint64 takenAt;
}

/// @param inspection the EIP-712 digest of an Inspection, or 0
struct Decision {
    bytes32 review;
    uint8 verdict;
    bytes32 reason;
    bytes32 inspection;
    uint64 draftedAt;
}

/// @param inspection all 0 when `decision.inspection` is 0
/// @param members the members who signed, 32 bits each, the first in the lowest bits
struct ReviewOutcome {
    Decision decision;
    Inspection inspection;
    uint256 members;
}

/// @title Decisions of people, m of n
/// @notice A hold is cleared only by the review that opened with it, with an inspection newer than the hold. A review that
/// upheld its hold can be decided once more, to clear it, by a draft of later than that; a cleared one is final.
interface IReviewBoard is IHistory, IDomain, IWiring {
    /// @param members 32 bits each, the first in the lowest bits
    event PanelSet(uint16 indexed panel, uint8 required, uint256 members);

    /// @notice A panel has 1 to 8 members, ascending, and needs 1 to all of them.
    error PanelWrong(uint256 members, uint8 required);
    /// @notice The panel stands already: facilities name it, and agreed to these members.
    error PanelTaken(uint16 panel);
    error ReviewExists(bytes32 review);
    error ReviewUnknown(bytes32 review);
    error ReviewDecided(bytes32 review, uint8 verdict);
    /// @notice A draft from before the review was upheld does not clear it afterwards (both in milliseconds).
    error DecisionTooOld(uint64 draftedAt, uint64 upheldAt);
    error ReviewDiffers(bytes32 given, bytes32 signed);
    error VerdictUnknown(uint8 verdict);
    /// @notice Exactly as many members sign as the panel requires.
    error QuorumWrong(uint256 members, uint256 required);
    /// @notice The entity is no member of the panel, or is named twice or out of order.
    error NotOnPanel(uint16 panel, uint32 entity);
    error InspectionMissing(bytes32 review);
    error InspectionDiffers(bytes32 given, bytes32 signed);
    /// @notice The inspection is of something else.
    error WrongSubject(bytes32 subject, bytes32 facility);
    /// @notice The inspection was taken before the hold (both in milliseconds).
    error InspectionTooOld(uint64 takenAt, uint64 heldAt);

    /// @notice Sets a panel, once: other members are another panel. Consortium operator only.
    function setPanel(uint16 panel, uint8 required, uint32[] calldata members) external;

    /// @notice Rule engine: opens a review; `reviewPeriod` later is its deadline.
    /// @return id keccak256(abi.encode(facility, facilitySeq))
    function open(ReviewOpening calldata opening, uint16 panel) external returns (bytes32 id);

    /// @notice Decides a review; CLEAR of a HOLD clears the facility's bit.
    /// @param facility with facilitySeq, what the review's id was made from
    /// @param inspection what `decision.inspection` is the digest of; not looked at, nor kept, when that is 0
    /// @param inspectorSignature the inspector's, empty when there is no inspection
    /// @param members who of the panel signs, 32 bits each, ascending, the first in the lowest bits
    /// @param signatures the members', in that order
    function decide(
        Decision calldata decision,
        bytes32 facility,
        uint32 facilitySeq,
        Inspection calldata inspection,
        bytes calldata inspectorSignature,
        uint256 members,
        bytes calldata signatures
    ) external;

    function panels(uint16 panel) external view returns (uint256 members, uint8 required);

    /// @notice Seconds from the opening of a review to its deadline.
    function reviewPeriod() external view returns (uint64);
}
