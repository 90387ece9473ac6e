// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDomain, IHistory} from "./IHistory.sol";

library FleetActs {
    uint8 internal constant SET_FLEET = 1; // Fleet
}

/// @param epoch one more than the fleet's epoch before
/// @param devices how many leaves `fleetRoot` has
/// @param revoked how many leaves `revocationRoot` has
struct Fleet {
    uint32 entity;
    uint32 epoch;
    uint32 devices;
    uint32 revoked;
    bytes32 fleetRoot;
    bytes32 revocationRoot;
    uint64 draftedAt;
}

/// @title Fleets: per entity a root of its devices and a root of the revoked ones
/// @notice A record's id is the entity's number. `roots` has slot 1.
interface IDeviceRegistry is IHistory, IDomain {
    error StaleEpoch(uint32 entity, uint32 expectedEpoch, uint32 epoch);
    error FleetRootMissing();
    error TooManyRevoked(uint32 revoked, uint32 devices);

    /// @notice Sets an entity's fleet. @param signatures the entity's
    function setFleet(Fleet calldata fleet, bytes calldata signatures) external;

    function roots(uint32 entity) external view returns (bytes32 fleetRoot, bytes32 revocationRoot);
}
