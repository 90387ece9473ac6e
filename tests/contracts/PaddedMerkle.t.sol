// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaddedMerkle} from "../../contracts/libraries/PaddedMerkle.sol";
import "./support/Credit.sol";

/// @dev The library against a tree that is made level by level.
contract PaddedMerkleTest is Credit {
    function setUp() public override {}

    function verify(bytes32 root, bytes32 leaf, uint256 index, bytes32[] calldata proof) external pure returns (bool) {
        return PaddedMerkle.verify(root, leaf, index, proof);
    }

    function someLeaves(uint256 count) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) leaves[i] = leafOf(abi.encode(i));
    }

    function test_an_index_beyond_the_tree_or_a_proof_too_long_is_refused() external view {
        bytes32[] memory leaves = someLeaves(2);
        bytes32[] memory proof = proofOf(leaves, 1);
        vm.assertFalse(this.verify(rootOf(leaves), leaves[1], 3, proof));
        vm.assertFalse(this.verify(leaves[0], leaves[0], 1, new bytes32[](0)));
        vm.assertFalse(this.verify(0, leaves[0], 0, new bytes32[](33)));
    }

    function test_a_node_does_not_pass_for_a_leaf() external view {
        bytes32[] memory leaves = someLeaves(4);
        bytes memory inner = bytes.concat(leaves[0], leaves[1]);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = join(leaves[2], leaves[3]);
        vm.assertFalse(this.verify(rootOf(leaves), PaddedMerkle.leaf(inner), 0, proof));
    }

    function testFuzz_every_leaf_is_proven_at_its_index_and_nowhere_else(uint8 size, uint8 index, uint8 other)
        external
        view
    {
        bytes32[] memory leaves = someLeaves(uint256(size) % 40 + 1);
        uint256 i = index % leaves.length;
        bytes32[] memory proof = proofOf(leaves, i);
        vm.assertTrue(this.verify(rootOf(leaves), leaves[i], i, proof));
        uint256 j = other % leaves.length;
        vm.assertTrue(this.verify(rootOf(leaves), leaves[i], j, proof) == (i == j));
        vm.assertTrue(this.verify(rootOf(leaves), leaves[j], i, proof) == (i == j));
    }
}
