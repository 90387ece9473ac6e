// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Round} from "../interfaces/IAttestationHub.sol";
import {ClaimDecision, Cover} from "../interfaces/ICoverBook.sol";
import {Drawdown, Facility, Repayment} from "../interfaces/ICreditBook.sol";
import {Delivery} from "../interfaces/IDesks.sol";
import {Fleet} from "../interfaces/IDeviceRegistry.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {Pledge, Release} from "../interfaces/IPledgeRegistry.sol";
import {Issue} from "../interfaces/IReceiptRegistry.sol";
import {Decision, Inspection} from "../interfaces/IReviewBoard.sol";

/// @dev hashStruct (EIP-712) of everything that parties consent to. All members are static, so abi.encode is encodeData.
library Consents {
    bytes32 internal constant ISSUE = keccak256(
        "Issue(bytes32 contentHash,uint32 depositor,uint32 keeper,uint16 profile,uint16 flags,uint64 quantity,bytes32 positionKey,bytes32 unitKeysHash,bytes32 replaces,uint64 draftedAt)"
    );
    bytes32 internal constant PLEDGE = keccak256(
        "Pledge(bytes32 receipt,uint32 seq,uint32 pledgor,uint32 keeper,uint32 pledgee,bytes32 facility,bytes32 termsHash,uint64 draftedAt)"
    );
    bytes32 internal constant RELEASE =
        keccak256("Release(bytes32 pledge,uint32 pledgeSeq,uint32 pledgee,uint64 draftedAt)");
    bytes32 internal constant DELIVERY = keccak256(
        "Delivery(bytes32 receipt,uint32 seq,uint32 holder,uint32 keeper,bytes32 orderHash,uint64 draftedAt)"
    );
    bytes32 internal constant FLEET = keccak256(
        "Fleet(uint32 entity,uint32 epoch,uint32 devices,uint32 revoked,bytes32 fleetRoot,bytes32 revocationRoot,uint64 draftedAt)"
    );
    bytes32 internal constant FACILITY = keccak256(
        "Facility(uint32 lender,uint32 borrower,uint16 panel,uint8 rules,uint16 instalments,bytes32 termsHash,bytes32 rulesRoot,bytes32 scheduleRoot,uint64 draftedAt)"
    );
    bytes32 internal constant DRAWDOWN =
        keccak256("Drawdown(bytes32 facility,uint16 draw,bytes32 amountHash,uint64 draftedAt)");
    bytes32 internal constant REPAYMENT =
        keccak256("Repayment(bytes32 facility,uint16 instalment,bytes32 amountHash,uint64 draftedAt)");
    bytes32 internal constant COVER = keccak256(
        "Cover(uint32 insurer,uint32 insured,bytes32 facility,uint32 rules,bytes32 termsHash,uint64 start,uint64 end,uint64 draftedAt)"
    );
    bytes32 internal constant CLAIM_DECISION =
        keccak256("ClaimDecision(bytes32 cover,uint16 claim,uint8 verdict,bytes32 reason,uint64 draftedAt)");
    bytes32 internal constant INSPECTION =
        keccak256("Inspection(bytes32 subject,uint32 inspector,bytes32 resultHash,uint64 takenAt)");
    bytes32 internal constant DECISION =
        keccak256("Decision(bytes32 review,uint8 verdict,bytes32 reason,bytes32 inspection,uint64 draftedAt)");
    bytes32 internal constant ROUND =
        keccak256("Round(bytes32 configDigest,bytes32 schema,uint64 slot,bytes32 root,uint32 leaves)");

    function hash(Issue memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(ISSUE, value));
    }

    function hash(Pledge memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(PLEDGE, value));
    }

    function hash(Release memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(RELEASE, value));
    }

    function hash(Delivery memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(DELIVERY, value));
    }

    function hash(Fleet memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(FLEET, value));
    }

    function hash(Facility memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(FACILITY, value));
    }

    function hash(Drawdown memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(DRAWDOWN, value));
    }

    function hash(Repayment memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(REPAYMENT, value));
    }

    function hash(Cover memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(COVER, value));
    }

    function hash(ClaimDecision memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(CLAIM_DECISION, value));
    }

    function hash(Inspection memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(INSPECTION, value));
    }

    function hash(Decision memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(DECISION, value));
    }

    function hash(Round memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(ROUND, value));
    }

    /// @dev Reverts unless party number `position` is of the kind; `kinds` as checkConsents returns them.
    function requireKind(uint32 entity, uint256 kinds, uint256 position, uint8 required) internal pure {
        uint8 kind = uint8(kinds >> (8 * position));
        if (kind != required) revert IParticipantRegistry.WrongKind(entity, kind, required);
    }

    /// @dev Parties as checkConsents takes them.
    function parties(uint32 first, uint32 second) internal pure returns (uint256) {
        return uint256(first) | (uint256(second) << 32);
    }

    function parties(uint32 first, uint32 second, uint32 third) internal pure returns (uint256) {
        return uint256(first) | (uint256(second) << 32) | (uint256(third) << 64);
    }
}
