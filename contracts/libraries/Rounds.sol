// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationHub, ObservationProof} from "../interfaces/IAttestationHub.sol";
import {PaddedMerkle} from "./PaddedMerkle.sol";

library Rounds {
    uint8 private constant OBSERVATION = 1;

    /// @dev Reverts unless the observation is a leaf of its anchored round.
    function requireObserved(IAttestationHub hub, ObservationProof calldata observed) internal view {
        bytes32 roundId = keccak256(abi.encode(observed.observation.schema, observed.observation.slot));
        bytes32 root = hub.roots(roundId);
        if (root == 0) revert IAttestationHub.RoundUnknown(roundId);
        bytes32 leaf = PaddedMerkle.leaf(abi.encode(OBSERVATION, observed.observation));
        if (!PaddedMerkle.verify(root, leaf, observed.index, observed.proof)) {
            revert IAttestationHub.ObservationUnproven(roundId, observed.index);
        }
    }
}
