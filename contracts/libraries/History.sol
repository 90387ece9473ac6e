// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHistory, Record} from "../interfaces/IHistory.sol";

/// @dev First base of every contract that keeps records, so that their mapping has slot 0.
abstract contract History is IHistory {
    uint256 private constant SEQ_SHIFT = 128;

    mapping(bytes32 => Record) public override records;

    /// @dev Writes the next word with its seq, extends the head, emits the Transition. Returns the word as stored.
    function _advance(bytes32 id, uint8 act, uint256 word, bytes memory data) internal returns (uint256) {
        Record storage record = records[id];
        uint32 seq = uint32(word >> SEQ_SHIFT) + 1;
        word = (word & ~(uint256(type(uint32).max) << SEQ_SHIFT)) | (uint256(seq) << SEQ_SHIFT);
        record.word = word;
        record.head = _next(record.head, act, seq, word, keccak256(data));
        emit Transition(id, act, seq, word, data);
        return word;
    }

    /// @dev keccak256(abi.encode(head, seq, keccak256(abi.encode(act, word, block.number, block.timestamp, dataHash)))).
    function _next(bytes32 head, uint8 act, uint32 seq, uint256 word, bytes32 dataHash)
        private
        view
        returns (bytes32 next)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, and(act, 0xff))
            mstore(add(free, 0x20), word)
            mstore(add(free, 0x40), number())
            mstore(add(free, 0x60), timestamp())
            mstore(add(free, 0x80), dataHash)
            let digest := keccak256(free, 0xa0)
            mstore(free, head)
            mstore(add(free, 0x20), and(seq, 0xffffffff))
            mstore(add(free, 0x40), digest)
            next := keccak256(free, 0x60)
        }
    }
}
