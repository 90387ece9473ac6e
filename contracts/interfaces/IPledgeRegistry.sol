// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReceiptErrors} from "./IReceiptRegistry.sol";

library PledgeStatus {
    uint8 internal constant LIVE = 1;
    uint8 internal constant RELEASED = 2;
}

/// @param seq the receipt's seq when the parties consented
/// @param facility the open credit of the pledgee that the pledge secures, or 0
/// @param termsHash commitment of the pledge agreement's terms
struct Pledge {
    bytes32 receipt;
    uint32 seq;
    uint32 pledgor;
    uint32 keeper;
    uint32 pledgee;
    bytes32 facility;
    bytes32 termsHash;
    uint64 draftedAt;
}

/// @param pledgeSeq the pledge's own seq, 1 while it lives
struct Release {
    bytes32 pledge;
    uint32 pledgeSeq;
    uint32 pledgee;
    uint64 draftedAt;
}

/// @title Pledges of receipts, with the consents of pledgor, keeper and pledgee
/// @notice The id of a pledge is the EIP-712 digest of its Pledge. `pledges` has slot 0. Acts are transitions of the receipt.
interface IPledgeRegistry is IReceiptErrors {
    /// @notice These consents made a pledge already.
    error PledgeExists(bytes32 pledge);
    error PledgeUnknown(bytes32 pledge);
    error PledgeNotLive(bytes32 pledge, uint8 status);
    error NotPledgee(bytes32 pledge, uint32 entity);
    error StalePledgeConsent(bytes32 pledge, uint32 expectedSeq, uint32 seq);
    /// @notice A keeper of the pledgor's own group gives no control to a pledgee.
    error AffiliatedKeeper(uint32 keeper, uint32 pledgor);

    /// @notice Pledges a receipt. Refusals, in this order: PledgeExists, ReceiptNotActive, StaleConsent, AlreadyPledged,
    /// ReceiptHeld, AffiliatedKeeper, NotOwner, NotKeeper, FacilityNotOpen, NotLender, consents, WrongKind.
    /// @param signatures pledgor, keeper, pledgee
    /// @return id the pledge
    function pledge(Pledge calldata pledge_, bytes calldata signatures) external returns (bytes32 id);

    /// @notice Releases a pledge; works while the receipt is held.
    /// @param pledge_ the Pledge whose digest `release_.pledge` is
    /// @param signatures pledgee
    function release(Release calldata release_, Pledge calldata pledge_, bytes calldata signatures) external;

    /// @notice A pledge's word, 0 if there is none.
    function pledges(bytes32 id) external view returns (uint256 word);
}
