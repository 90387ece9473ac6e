// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ObservationProof} from "./IAttestationHub.sol";
import {IReceiptErrors, Issue} from "./IReceiptRegistry.sol";

/// @notice The holder's and the keeper's agreement that the goods leave.
struct Delivery {
    bytes32 receipt;
    uint32 seq;
    uint32 holder;
    uint32 keeper;
    bytes32 orderHash;
    uint64 draftedAt;
}

/// @param bit a bit of ReceiptHold
/// @param authority the entity that places or clears it
/// @param orderHash the order that placed it; the same one when it is cleared
/// @param clearingHash the order that clears it, 0 when it is placed
struct HoldOrder {
    bytes32 receipt;
    uint8 bit;
    uint32 authority;
    bytes32 orderHash;
    bytes32 clearingHash;
}

/// @title Issues receipts, with the consents of depositor and keeper
interface IIssueDesk is IReceiptErrors {
    /// @notice The unit keys are not those that the parties signed.
    error UnitKeysDiffer(bytes32 given, bytes32 signed);
    error QuantityMissing();
    /// @notice The receipt that this one replaces is not cancelled.
    error ReplacedNotCancelled(bytes32 receipt, uint8 status);
    /// @notice What is given as the replaced receipt's Issue is not the one that `replaces` names.
    error ReplacedDiffers(bytes32 given, bytes32 signed);
    /// @notice An arrival is an observation of metric keccak256("goods.inbound"), flag 1, with a value above 0.
    error NotAnArrival(bytes32 metric, uint8 flag);

    /// @notice Issues a receipt and claims its goods.
    /// @param unitKeys what `issue_.unitKeysHash` covers, at most 64
    /// @param arrivals for keys that were held before: observed arrivals, subject = key, value = how often they came in
    /// @param signatures depositor, keeper
    /// @return id the receipt
    function issue(
        Issue calldata issue_,
        bytes32[] calldata unitKeys,
        ObservationProof[] calldata arrivals,
        bytes calldata signatures
    ) external returns (bytes32 id);

    /// @notice Cancels a live receipt of the same two parties, neither held nor pledged, and issues the one that takes its place.
    /// @param replaced the Issue of the receipt that `issue_.replaces` names
    /// @param replacedUnitKeys what `replaced.unitKeysHash` covers
    function replace(
        Issue calldata issue_,
        bytes32[] calldata unitKeys,
        ObservationProof[] calldata arrivals,
        bytes calldata signatures,
        Issue calldata replaced,
        bytes32[] calldata replacedUnitKeys
    ) external returns (bytes32 id);
}

/// @title Lets goods leave, with the consents of holder and keeper
interface IDeliveryDesk is IReceiptErrors {
    error UnitKeysDiffer(bytes32 given, bytes32 signed);
    /// @notice What is given as the receipt's Issue is not.
    error IssueDiffers(bytes32 given, bytes32 receipt);

    /// @notice Ends the receipt and frees its keys.
    /// @param issue_ the receipt's Issue, which names its keys
    /// @param signatures holder, keeper
    function deliver(
        Delivery calldata delivery,
        Issue calldata issue_,
        bytes32[] calldata unitKeys,
        bytes calldata signatures
    ) external;
}

/// @title Holds on receipts by order of an authority
/// @notice COURT is a regulator's, MANUAL the receipt's keeper's. The sender is an account of the authority.
interface IHoldDesk is IReceiptErrors {
    /// @notice The sender's entity may not place this bit on this receipt.
    error NotAuthority(bytes32 receipt, uint8 bit, uint32 entity);
    error OrderMissing();
    /// @notice The hold was placed by another authority, or under another order.
    error OrderDiffers(bytes32 receipt, uint8 bit);

    function place(bytes32 receipt, uint8 bit, bytes32 orderHash) external;

    /// @param orderHash the order that placed the hold
    /// @param clearingHash the order that clears it
    function clear(bytes32 receipt, uint8 bit, bytes32 orderHash, bytes32 clearingHash) external;

    /// @notice keccak256(abi.encode(authority, orderHash)) of a hold that stands, else 0.
    function placed(bytes32 receipt, uint8 bit) external view returns (bytes32);
}
