// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ObservationProof} from "../interfaces/IAttestationHub.sol";
import {Condition, IRuleEngine, Rule} from "../interfaces/IRuleEngine.sol";

/// @dev Leaves and the firing, encoded straight from calldata: what these functions copy is what abi.encode would make of
/// it, because solc's reads of the same calldata are bounds-checked and the words are taken as they stand. A word that is
/// not the one encoding of its member gives another leaf, which no anchored round and no pinned root has.
library Evidence {
    uint256 private constant CONDITION_BYTES = 10 * 32;
    uint256 private constant OBSERVATION_BYTES = 9 * 32;

    /// @dev keccak256(0x00, abi.encode(uint8(1), observation)).
    function leaf(ObservationProof calldata observed) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, 0)
            mstore(add(free, 0x01), 1)
            calldatacopy(add(free, 0x21), observed, OBSERVATION_BYTES)
            hash := keccak256(free, add(0x21, OBSERVATION_BYTES))
        }
    }

    /// @dev keccak256(0x00, abi.encode(rule)).
    function leaf(Rule calldata rule) internal pure returns (bytes32 hash) {
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
            mstore(free, 0)
            mstore(add(free, 0x01), 0x20)
        }
        uint256 end = _copy(rule, free + 0x21);
        assembly ("memory-safe") {
            hash := keccak256(free, sub(end, free))
        }
    }

    /// @dev abi.encode(rule, observations), where the observations are those of the evidence. Two words before it are left
    /// for `fired`.
    function firing(Rule calldata rule, ObservationProof[][] calldata evidence)
        internal
        pure
        returns (bytes memory encoded)
    {
        uint256 start;
        assembly ("memory-safe") {
            encoded := add(mload(0x40), 0x40)
            start := add(encoded, 0x20)
            mstore(start, 0x40)
        }
        uint256 runs = _copy(rule, start + 0x40);
        uint256 count = evidence.length;
        assembly ("memory-safe") {
            mstore(add(start, 0x20), sub(runs, start))
            mstore(runs, count)
            runs := add(runs, 0x20)
        }
        uint256 end = runs + 32 * count;
        for (uint256 i = 0; i < count; ++i) {
            ObservationProof[] calldata run = evidence[i];
            uint256 length = run.length;
            assembly ("memory-safe") {
                mstore(add(runs, shl(5, i)), sub(end, runs))
                mstore(end, length)
                end := add(end, 0x20)
            }
            for (uint256 j = 0; j < length; ++j) {
                ObservationProof calldata observed = run[j];
                assembly ("memory-safe") {
                    calldatacopy(end, observed, OBSERVATION_BYTES)
                    end := add(end, OBSERVATION_BYTES)
                }
            }
        }
        assembly ("memory-safe") {
            mstore(encoded, sub(end, start))
            mstore(0x40, end)
        }
    }

    /// @dev emit RuleFired(facility, ruleLeaf, facilitySeq, encoded), from where `firing` wrote it.
    function fired(bytes32 facility, bytes32 ruleLeaf, uint32 facilitySeq, bytes memory encoded) internal {
        bytes32 topic = IRuleEngine.RuleFired.selector;
        assembly ("memory-safe") {
            let head := sub(encoded, 0x40)
            mstore(head, and(facilitySeq, 0xffffffff))
            mstore(add(head, 0x20), 0x40)
            log3(head, add(mload(encoded), 0x60), topic, facility, ruleLeaf)
        }
    }

    /// @dev Writes a Rule as it stands within an encoding; returns where it ends.
    function _copy(Rule calldata rule, uint256 to) private pure returns (uint256 end) {
        Condition[] calldata conditions = rule.conditions;
        assembly ("memory-safe") {
            calldatacopy(to, rule, 0xe0)
            mstore(add(to, 0xe0), 0x100)
            mstore(add(to, 0x100), conditions.length)
            let size := mul(conditions.length, CONDITION_BYTES)
            calldatacopy(add(to, 0x120), conditions.offset, size)
            end := add(add(to, 0x120), size)
        }
    }
}
