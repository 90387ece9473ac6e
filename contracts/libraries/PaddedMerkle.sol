// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Trees padded to a power of two: leaf keccak256(0x00, data), node keccak256(0x01, left, right).
library PaddedMerkle {
    uint256 private constant MAX_DEPTH = 32;

    function leaf(bytes memory data) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"00", data));
    }

    /// @dev Whether `node` is the leaf at `index` under `root`; bit i of the index is the side of the i-th sibling.
    function verify(bytes32 root, bytes32 node, uint256 index, bytes32[] calldata proof) internal pure returns (bool) {
        if (proof.length > MAX_DEPTH || index >> proof.length != 0) return false;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 0x01)
            let left := add(free, 0x01)
            let sibling := proof.offset
            for { let end := add(sibling, shl(5, proof.length)) } lt(sibling, end) { sibling := add(sibling, 0x20) } {
                let side := shl(5, and(index, 1))
                mstore(add(left, side), node)
                mstore(add(left, xor(side, 0x20)), calldataload(sibling))
                node := keccak256(free, 0x41)
                index := shr(1, index)
            }
        }
        return node == root;
    }
}
