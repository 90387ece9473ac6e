// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fleet, FleetActs, IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {Consents} from "./libraries/Consents.sol";
import {Domain} from "./libraries/Domain.sol";
import {History} from "./libraries/History.sol";
import {Words} from "./libraries/Words.sol";

contract DeviceRegistry is History, Domain, IDeviceRegistry {
    using Words for uint256;

    struct Roots {
        bytes32 fleetRoot;
        bytes32 revocationRoot;
    }

    mapping(uint32 => Roots) public override roots;

    IParticipantRegistry private immutable _participants;

    constructor(IParticipantRegistry participants) Domain(address(this)) {
        _participants = participants;
    }

    function setFleet(Fleet calldata fleet, bytes calldata signatures) external {
        bytes32 id = bytes32(uint256(fleet.entity));
        uint256 word = records[id].word;
        uint32 next = word.u32(0) + 1;
        if (fleet.epoch != next) revert StaleEpoch(fleet.entity, fleet.epoch, next);
        if (fleet.fleetRoot == 0) revert FleetRootMissing();
        if (fleet.revoked > fleet.devices) revert TooManyRevoked(fleet.revoked, fleet.devices);
        _participants.checkConsents(_digest(Consents.hash(fleet)), fleet.draftedAt, fleet.entity, signatures);
        roots[fleet.entity] = Roots(fleet.fleetRoot, fleet.revocationRoot);
        word = word.set(0, 32, fleet.epoch).set(32, 32, fleet.devices).set(64, 32, fleet.revoked);
        _advance(id, FleetActs.SET_FLEET, word, abi.encode(fleet));
    }

}
