// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDomain, IHistory, IWiring} from "./IHistory.sol";

library ReceiptStatus {
    uint8 internal constant ACTIVE = 1;
    uint8 internal constant DELIVERED = 2;
    uint8 internal constant CANCELLED = 3;
}

/// @notice Bits of a receipt's hold mask, one for each authority.
library ReceiptHold {
    uint8 internal constant COURT = 0;
    uint8 internal constant TAMPER = 1;
    uint8 internal constant DEVICE_FAULT = 2;
    uint8 internal constant MANUAL = 3;
}

/// @notice Acts on a receipt's record; each is done by one desk, wired once.
library ReceiptActs {
    uint8 internal constant ISSUE = 1; // Issue
    uint8 internal constant PLEDGE = 2; // Pledge
    uint8 internal constant RELEASE = 3; // Release
    uint8 internal constant DELIVER = 4; // Delivery
    uint8 internal constant CANCEL = 5; // Cancellation
    uint8 internal constant HOLD = 6; // HoldOrder
    uint8 internal constant CLEAR_HOLD = 7; // HoldOrder
}

/// @param contentHash commitment of the receipt's content
/// @param quantity integer base units
/// @param positionKey keyed tag of the storage place
/// @param unitKeysHash keccak256 of the unit keys, packed
/// @param replaces the cancelled receipt that this one takes the place of, or 0
/// @param draftedAt milliseconds
struct Issue {
    bytes32 contentHash;
    uint32 depositor;
    uint32 keeper;
    uint16 profile;
    uint16 flags;
    uint64 quantity;
    bytes32 positionKey;
    bytes32 unitKeysHash;
    bytes32 replaces;
    uint64 draftedAt;
}

/// @param replacedBy the receipt that takes the place of the cancelled one
struct Cancellation {
    bytes32 replacedBy;
}

/// @notice Why a receipt could not be changed; desks revert with these before they ask for consents.
interface IReceiptErrors {
    error ReceiptNotActive(bytes32 receipt, uint8 status);
    /// @notice The consents were given for another state of the receipt.
    error StaleConsent(bytes32 receipt, uint32 expectedSeq, uint32 seq);
    /// @notice A live pledge encumbers the receipt; `ordinal` says which of its pledges, counted from 1.
    error AlreadyPledged(bytes32 receipt, uint16 ordinal);
    error ReceiptHeld(bytes32 receipt, uint32 holds);
    error NotOwner(bytes32 receipt, uint32 entity);
    error NotKeeper(bytes32 receipt, uint32 entity);
}

/// @title The kernel: every receipt, one ERC-721 token each, that nobody can move by a token call
/// @notice The id of a receipt (and, as a number, of its token) is the EIP-712 digest of its Issue. The token's owner is the
/// entity's address. Tokens of delivered and cancelled receipts are burnt, their records stay.
/// `locked` (ERC-5192): held, or under a live pledge.
interface IReceiptRegistry is IHistory, IDomain, IWiring, IReceiptErrors {
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
    event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId);
    event ApprovalForAll(address indexed owner, address indexed operator, bool approved);
    event Locked(uint256 tokenId);
    event Unlocked(uint256 tokenId);

    /// @notice A receipt moves by consent of its parties at a desk, never by a token call.
    error TransferByConsentOnly();
    error ReceiptExists(bytes32 receipt);
    /// @notice No receipt of this number is live.
    error TokenUnknown(uint256 tokenId);
    error OwnerMissing();
    /// @notice The hold bit is set already, or is not set.
    error HoldUnchanged(bytes32 receipt, uint8 bit);
    error HoldBitUnknown(uint8 bit);
    error NoLivePledge(bytes32 receipt);
    /// @notice The receipt had 65535 pledges.
    error TooManyPledges(bytes32 receipt);

    /// @notice ISSUE: mints. `id` is the digest of `issue_`.
    function issue(bytes32 id, Issue calldata issue_) external;

    /// @notice PLEDGE: one live pledge more. The receipt is active, not held, and under no live pledge.
    function pledge(bytes32 id, bytes calldata data) external;

    /// @notice RELEASE: one live pledge fewer; works while held.
    function release(bytes32 id, bytes calldata data) external;

    /// @notice DELIVER: ends an active receipt that is neither held nor pledged.
    function deliver(bytes32 id, bytes calldata data) external;

    /// @notice CANCEL: as deliver, for a receipt that another one replaces.
    function cancel(bytes32 id, bytes calldata data) external;

    /// @notice HOLD: sets a bit of an active receipt.
    function hold(bytes32 id, uint8 bit, bytes calldata data) external;

    /// @notice CLEAR_HOLD: clears a bit of an active receipt.
    function clearHold(bytes32 id, uint8 bit, bytes calldata data) external;

    /// @notice The desk that does an act.
    function deskOf(uint8 act) external view returns (address);

    /// @notice A receipt's word, 0 if there is none.
    function wordOf(bytes32 id) external view returns (uint256);

    /// @notice The address of the entity that controls a live receipt. Reverts TokenUnknown.
    function ownerOf(uint256 tokenId) external view returns (address);

    /// @notice How many live receipts the entity with this address controls.
    function balanceOf(address owner) external view returns (uint256);

    /// @notice ERC-5192. Reverts TokenUnknown.
    function locked(uint256 tokenId) external view returns (bool);

    function supportsInterface(bytes4 interfaceId) external view returns (bool);

    /// @notice Always reverts TransferByConsentOnly, as the four functions after it do.
    function approve(address to, uint256 tokenId) external;
    function setApprovalForAll(address operator, bool approved) external;
    function transferFrom(address from, address to, uint256 tokenId) external;
    function safeTransferFrom(address from, address to, uint256 tokenId) external;
    function safeTransferFrom(address from, address to, uint256 tokenId, bytes calldata data) external;

    /// @notice The zero address: nobody is ever approved.
    function getApproved(uint256 tokenId) external view returns (address);
    function isApprovedForAll(address owner, address operator) external view returns (bool);
}
