// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDomain, IHistory, IWiring} from "./IHistory.sol";

library FacilityStatus {
    uint8 internal constant OPEN = 1;
    uint8 internal constant CLOSED = 2;
}

/// @notice States of an instalment, 4 bits each in `instalmentStates`.
library InstalmentState {
    uint8 internal constant DUE = 0;
    uint8 internal constant PAID = 1;
    uint8 internal constant DEFERRED = 2;
}

library FacilityActs {
    uint8 internal constant OPEN = 1; // Facility
    uint8 internal constant DRAW = 2; // Drawdown
    uint8 internal constant REPAY = 3; // Repayment
    uint8 internal constant HOLD = 4; // Firing
    uint8 internal constant DEFER = 5; // Firing
    uint8 internal constant NOTE = 6; // Firing: a rule fired that changes nothing in the facility (REVIEW, OPEN_CLAIM, NOTIFY)
    uint8 internal constant CLEAR_HOLD = 7; // Clearing
    uint8 internal constant CLOSE = 8; // Closing
}

/// @notice Parts of `wire`.
library CreditParts {
    uint8 internal constant RULE_ENGINE = 1;
    uint8 internal constant REVIEW_BOARD = 2;
}

/// @param panel the reviewers' panel that may clear holds
/// @param rules how many leaves `rulesRoot` has, at most 32
/// @param instalments how many leaves `scheduleRoot` has, at most 64
struct Facility {
    uint32 lender;
    uint32 borrower;
    uint16 panel;
    uint8 rules;
    uint16 instalments;
    bytes32 termsHash;
    bytes32 rulesRoot;
    bytes32 scheduleRoot;
    uint64 draftedAt;
}

/// @param draw the facility's count of draws before this one
struct Drawdown {
    bytes32 facility;
    uint16 draw;
    bytes32 amountHash;
    uint64 draftedAt;
}

struct Repayment {
    bytes32 facility;
    uint16 instalment;
    bytes32 amountHash;
    uint64 draftedAt;
}

/// @notice A rule fired.
/// @param rule its index
/// @param action what was done: the rule's action, or REVIEW when the breaker stood in
/// @param ruleLeaf its leaf under the facility's rulesRoot
/// @param evidence keccak256 of the `firing` that RuleFired carries
/// @param slot the latest slot of the evidence
/// @param target of HOLD and REVIEW the review, of OPEN_CLAIM the cover, of DEFER the instalment's number, of NOTIFY 0
/// @param dueMs of DEFER the new date, else 0
struct Firing {
    uint8 rule;
    uint8 action;
    bytes32 ruleLeaf;
    bytes32 evidence;
    uint64 slot;
    bytes32 target;
    uint64 dueMs;
}

/// @param review the decided review that opened with the hold
struct Clearing {
    uint8 rule;
    bytes32 review;
}

/// @param by the lender's number
struct Closing {
    uint32 by;
}

/// @title Facilities: credit that pinned rules can hold and adjust
/// @notice The id of a facility is the EIP-712 digest of its Facility. `terms` has slot 3: rulesRoot, scheduleRoot, then
/// instalmentStates. Holds are one bit a rule. Held stops drawdown; repayment always works.
interface ICreditBook is IHistory, IDomain, IWiring {
    error FacilityExists(bytes32 facility);
    error FacilityNotOpen(bytes32 facility, uint8 status);
    error FacilityHeld(bytes32 facility, uint32 holds);
    error StaleDraw(bytes32 facility, uint16 expectedDraw, uint16 draw);
    error TooManyRules(uint8 rules);
    error TooManyInstalments(uint16 instalments);
    error RulesRootMissing();
    error ScheduleRootMissing();
    error PanelUnknown(uint16 panel);
    error SameParty(uint32 entity);
    error NotLender(bytes32 facility, uint32 entity);
    error InstalmentUnknown(bytes32 facility, uint16 instalment);
    error InstalmentPaid(bytes32 facility, uint16 instalment);
    error InstalmentDeferred(bytes32 facility, uint16 instalment);
    error RuleHolding(bytes32 facility, uint8 rule);
    error RuleNotHolding(bytes32 facility, uint8 rule);

    /// @notice Opens a facility. @param signatures lender (a bank), borrower
    function openFacility(Facility calldata facility, bytes calldata signatures) external returns (bytes32 id);

    /// @notice Records a drawdown; refused while the facility is held. @param signatures lender, borrower
    function draw(Drawdown calldata drawdown, bytes calldata signatures) external;

    /// @notice Records that an instalment, due or deferred, was paid; works while held. @param signatures lender
    function repay(Repayment calldata repayment, bytes calldata signatures) external;

    /// @notice Closes a facility. By an account of the lender.
    function close(bytes32 id) external;

    /// @notice Rule engine: sets the bit of rule `firing.rule`.
    function hold(bytes32 id, Firing calldata firing) external;

    /// @notice Rule engine: marks instalment `firing.target` deferred to `firing.dueMs`.
    function defer(bytes32 id, Firing calldata firing) external;

    /// @notice Rule engine: keeps in the history that a rule fired.
    function note(bytes32 id, Firing calldata firing) external;

    /// @notice Review board: clears the bit of a rule.
    function clearHold(bytes32 id, Clearing calldata clearing) external;

    /// @notice A facility's word, 0 if there is none.
    function wordOf(bytes32 id) external view returns (uint256);

    /// @notice What the rule engine looks at first: a facility's word and the root of its rules.
    function covenant(bytes32 id) external view returns (uint256 word, bytes32 rulesRoot);

    function terms(bytes32 id)
        external
        view
        returns (bytes32 rulesRoot, bytes32 scheduleRoot, uint256 instalmentStates);

    /// @notice The state of an instalment.
    function instalmentState(bytes32 id, uint16 instalment) external view returns (uint8);

    /// @notice The contract that plays a part.
    function wired(uint8 part) external view returns (address);
}
