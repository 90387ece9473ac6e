// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDomain, IHistory, IWiring} from "./IHistory.sol";

library CoverStatus {
    uint8 internal constant ACTIVE = 1;
}

/// @notice States of a claim, 4 bits each in `claimStates`.
library ClaimState {
    uint8 internal constant OPEN = 1;
    uint8 internal constant ACCEPTED = 2;
    uint8 internal constant REJECTED = 3;
}

library CoverActs {
    uint8 internal constant REGISTER = 1; // Cover
    uint8 internal constant OPEN_CLAIM = 2; // ClaimOpening
    uint8 internal constant DECIDE_CLAIM = 3; // ClaimDecision
}

/// @notice Parts of `wire`.
library CoverParts {
    uint8 internal constant RULE_ENGINE = 1;
}

/// @param insured lender or borrower of the facility
/// @param facility the open facility whose rules may open claims
/// @param rules bit n: rule n of the facility opens its claims under this cover, and under no other in the same period
/// @param start first millisecond of event time that is covered
/// @param end first millisecond of event time that is not
struct Cover {
    uint32 insurer;
    uint32 insured;
    bytes32 facility;
    uint32 rules;
    bytes32 termsHash;
    uint64 start;
    uint64 end;
    uint64 draftedAt;
}

/// @param claim its number, from 0
/// @param evidence keccak256 of the `firing` that RuleFired carries
/// @param slot the latest slot of the evidence
struct ClaimOpening {
    uint16 claim;
    bytes32 facility;
    bytes32 evidence;
    uint64 slot;
}

/// @param verdict the claim's new state, 2 or 3
struct ClaimDecision {
    bytes32 cover;
    uint16 claim;
    uint8 verdict;
    bytes32 reason;
    uint64 draftedAt;
}

/// @title Insurance cover and claims that rules open
/// @notice The id of a cover is the EIP-712 digest of its Cover. `terms` has slot 3: facility, then start 0-63,
/// end 64-127 and rules 128-159, then claimStates. Insurer, lender and borrower consent to each cover, and of a rule's covers
/// each begins when the one before has ended or later. So at any moment of event time there is at most one that the rule can
/// open a claim under, whoever executes it.
interface ICoverBook is IHistory, IDomain, IWiring {
    error CoverExists(bytes32 cover);
    error CoverUnknown(bytes32 cover);
    error SameParty(uint32 entity);
    error PeriodWrong(uint64 start, uint64 end);
    /// @notice Only the lender or the borrower of a facility is insured on it.
    error NotPartyOfFacility(bytes32 facility, uint32 entity);
    /// @notice The cover names a rule that the facility has not.
    error RulesUnknown(bytes32 facility, uint32 rules);
    /// @notice Another cover takes the rule's claims until then.
    error RuleCovered(bytes32 facility, uint8 rule, uint64 until);
    error WrongFacility(bytes32 cover, bytes32 facility);
    /// @notice The rule does not open claims under this cover.
    error WrongRule(bytes32 cover, uint8 rule);
    /// @notice The evidence lies outside the cover's period.
    error CoverNotInForce(bytes32 cover, uint64 slot);
    /// @notice The cover had 64 claims.
    error TooManyClaims(bytes32 cover);
    error ClaimNotOpen(bytes32 cover, uint16 claim, uint8 state);
    error VerdictUnknown(uint8 verdict);

    /// @notice Registers a cover. @param signatures insurer, lender, borrower
    function register(Cover calldata cover, bytes calldata signatures) external returns (bytes32 id);

    /// @notice Rule engine: opens a claim.
    /// @return claim its number
    function openClaim(bytes32 id, bytes32 facility, uint8 rule, bytes32 evidence, uint64 slot)
        external
        returns (uint16 claim);

    /// @notice Accepts or rejects a claim. @param signatures insurer
    function decideClaim(ClaimDecision calldata decision, bytes calldata signatures) external;

    function terms(bytes32 id)
        external
        view
        returns (bytes32 facility, uint64 start, uint64 end, uint32 rules, uint256 claimStates);

    /// @notice The end of the last cover of a rule of a facility; the next one begins then or later.
    function coveredUntil(bytes32 facility, uint8 rule) external view returns (uint64);

    /// @notice The state of a claim, 0 if there is none.
    function claimState(bytes32 id, uint16 claim) external view returns (uint8);
}
