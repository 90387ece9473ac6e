// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationHub, ObservationProof} from "../interfaces/IAttestationHub.sol";
import {Evidence} from "./Evidence.sol";
import {PaddedMerkle} from "./PaddedMerkle.sol";

library Rounds {
    /// @dev Reverts unless the observation is a leaf of its anchored round.
    function requireObserved(IAttestationHub hub, ObservationProof calldata observed) internal view {
        bytes32 roundId = _id(observed.observation.schema, observed.observation.slot);
        bytes32 root = hub.roots(roundId);
        if (root == 0) revert IAttestationHub.RoundUnknown(roundId);
        if (!PaddedMerkle.verify(root, Evidence.leaf(observed), observed.index, observed.proof)) {
            revert IAttestationHub.ObservationUnproven(roundId, observed.index);
        }
    }

    /// @dev keccak256(abi.encode(schema, slot)).
    function _id(bytes32 schema, uint64 slot) private pure returns (bytes32 id) {
        assembly ("memory-safe") {
            mstore(0, schema)
            mstore(0x20, and(slot, 0xffffffffffffffff))
            id := keccak256(0, 0x40)
        }
    }
}
