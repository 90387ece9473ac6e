// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HoldOrder, IHoldDesk} from "./interfaces/IDesks.sol";
import {EntityKind, IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IReceiptRegistry, ReceiptHold} from "./interfaces/IReceiptRegistry.sol";
import {ReceiptWord} from "./libraries/ReceiptWord.sol";

contract HoldDesk is IHoldDesk {
    using ReceiptWord for uint256;

    IReceiptRegistry private immutable _receipts;
    IParticipantRegistry private immutable _participants;

    mapping(bytes32 => mapping(uint8 => bytes32)) public override placed;

    constructor(IReceiptRegistry receipts, IParticipantRegistry participants) {
        _receipts = receipts;
        _participants = participants;
    }

    function place(bytes32 receipt, uint8 bit, bytes32 orderHash) external {
        if (orderHash == 0) revert OrderMissing();
        uint32 authority = _authority(receipt, bit);
        placed[receipt][bit] = keccak256(abi.encode(authority, orderHash));
        _receipts.hold(receipt, bit, abi.encode(HoldOrder(receipt, bit, authority, orderHash, 0)));
    }

    function clear(bytes32 receipt, uint8 bit, bytes32 orderHash, bytes32 clearingHash) external {
        if (clearingHash == 0) revert OrderMissing();
        uint32 authority = _authority(receipt, bit);
        if (placed[receipt][bit] != keccak256(abi.encode(authority, orderHash))) revert OrderDiffers(receipt, bit);
        delete placed[receipt][bit];
        _receipts.clearHold(receipt, bit, abi.encode(HoldOrder(receipt, bit, authority, orderHash, clearingHash)));
    }

    /// @dev The sender's entity, which may place and clear this bit of this receipt.
    function _authority(bytes32 receipt, uint8 bit) private view returns (uint32 entity) {
        uint8 kind;
        (entity, kind) = _participants.actsFor(msg.sender);
        bool court = bit == ReceiptHold.COURT && kind == EntityKind.REGULATOR;
        bool manual = bit == ReceiptHold.MANUAL && _receipts.wordOf(receipt).keeper() == entity;
        if (!court && !manual) revert NotAuthority(receipt, bit, entity);
    }
}
