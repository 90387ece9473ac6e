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
        bytes32 digest = keccak256(abi.encode(act, word, block.number, block.timestamp, keccak256(data)));
        record.word = word;
        record.head = keccak256(abi.encode(record.head, seq, digest));
        emit Transition(id, act, seq, word, data);
        return word;
    }
}
