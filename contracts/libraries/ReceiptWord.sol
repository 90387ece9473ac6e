// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReceiptErrors, Issue, ReceiptStatus} from "../interfaces/IReceiptRegistry.sol";
import {Words} from "./Words.sol";

/// @dev Fields of a receipt's word, and the checks that every desk makes of it.
library ReceiptWord {
    using Words for uint256;

    function create(Issue calldata issue_) internal pure returns (uint256) {
        return uint256(issue_.depositor) | (uint256(issue_.keeper) << 32) | (uint256(ReceiptStatus.ACTIVE) << 96)
            | (uint256(issue_.profile) << 160) | (uint256(issue_.quantity) << 176) | (uint256(issue_.flags) << 240);
    }

    function owner(uint256 word) internal pure returns (uint32) {
        return word.u32(0);
    }

    function keeper(uint256 word) internal pure returns (uint32) {
        return word.u32(32);
    }

    function holds(uint256 word) internal pure returns (uint32) {
        return word.u32(64);
    }

    function status(uint256 word) internal pure returns (uint8) {
        return word.u8(96);
    }

    function livePledges(uint256 word) internal pure returns (uint8) {
        return word.u8(104);
    }

    function ordinal(uint256 word) internal pure returns (uint16) {
        return word.u16(112);
    }

    function isLocked(uint256 word) internal pure returns (bool) {
        return holds(word) != 0 || livePledges(word) != 0;
    }

    function withHolds(uint256 word, uint32 holds_) internal pure returns (uint256) {
        return word.set(64, 32, holds_);
    }

    function withStatus(uint256 word, uint8 status_) internal pure returns (uint256) {
        return word.set(96, 8, status_);
    }

    function withPledges(uint256 word, uint8 live, uint16 ordinal_) internal pure returns (uint256) {
        return word.set(104, 8, live).set(112, 16, ordinal_);
    }

    /// @dev ReceiptNotActive, StaleConsent, AlreadyPledged, ReceiptHeld, in this order.
    function requireReady(bytes32 id, uint256 word, uint32 expectedSeq) internal pure {
        if (status(word) != ReceiptStatus.ACTIVE) revert IReceiptErrors.ReceiptNotActive(id, status(word));
        if (word.seq() != expectedSeq) revert IReceiptErrors.StaleConsent(id, expectedSeq, word.seq());
        requireFree(id, word);
    }

    function requireFree(bytes32 id, uint256 word) internal pure {
        if (livePledges(word) != 0) revert IReceiptErrors.AlreadyPledged(id, ordinal(word));
        if (holds(word) != 0) revert IReceiptErrors.ReceiptHeld(id, holds(word));
    }

    function requireParties(bytes32 id, uint256 word, uint32 owner_, uint32 keeper_) internal pure {
        if (owner(word) != owner_) revert IReceiptErrors.NotOwner(id, owner_);
        if (keeper(word) != keeper_) revert IReceiptErrors.NotKeeper(id, keeper_);
    }
}
