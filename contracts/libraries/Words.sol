// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Fields of packed words: offset and width in bits, bit 0 the least significant.
library Words {
    function get(uint256 word, uint256 offset, uint256 bits) internal pure returns (uint256) {
        return (word >> offset) & ((1 << bits) - 1);
    }

    function set(uint256 word, uint256 offset, uint256 bits, uint256 value) internal pure returns (uint256) {
        uint256 mask = ((1 << bits) - 1) << offset;
        return (word & ~mask) | ((value << offset) & mask);
    }

    function u32(uint256 word, uint256 offset) internal pure returns (uint32) {
        return uint32(word >> offset);
    }

    function u16(uint256 word, uint256 offset) internal pure returns (uint16) {
        return uint16(word >> offset);
    }

    function u8(uint256 word, uint256 offset) internal pure returns (uint8) {
        return uint8(word >> offset);
    }

    function seq(uint256 word) internal pure returns (uint32) {
        return uint32(word >> 128);
    }
}
