// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Trees padded to a power of two: leaf keccak256(0x00, data), node keccak256(0x01, left, right).
library PaddedMerkle {
    function leaf(bytes memory data) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"00", data));
    }

    /// @dev Whether `leaf_` is at `index` under `root`; bit i of the index is the side of the i-th sibling.
    function verify(bytes32 root, bytes32 leaf_, uint256 index, bytes32[] memory proof) internal pure returns (bool) {
        uint256 depth = proof.length;
        if (depth > 32 || index >> depth != 0) return false;
        bytes32 node = leaf_;
        for (uint256 i = 0; i < depth; ++i) {
            bytes32 sibling = proof[i];
            node = (index >> i) & 1 == 0 ? _join(node, sibling) : _join(sibling, node);
        }
        return node == root;
    }

    function _join(bytes32 left, bytes32 right) private pure returns (bytes32 node) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 0x01)
            mstore(add(free, 0x01), left)
            mstore(add(free, 0x21), right)
            node := keccak256(free, 0x41)
        }
    }
}
