// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract FleetTest is Kit {
    function aFleet(uint32 epoch) private view returns (Fleet memory) {
        return Fleet(KEEPER, epoch, 4, 1, keccak256("fleet"), keccak256("revoked"), nowMs());
    }

    function signed(Fleet memory value) private view returns (bytes memory) {
        return by(KEEPER, digestAt(address(fleets), Consents.hash(value)));
    }

    function refuseFleet(Fleet memory value, bytes memory error_) private {
        bytes memory signatures = signed(value);
        refuse(error_);
        fleets.setFleet(value, signatures);
    }

    function test_an_epoch_that_is_not_the_next_is_refused() external {
        refuseFleet(aFleet(2), abi.encodeWithSelector(IDeviceRegistry.StaleEpoch.selector, KEEPER, 2, 1));
        fleets.setFleet(aFleet(1), signed(aFleet(1)));
        refuseFleet(aFleet(1), abi.encodeWithSelector(IDeviceRegistry.StaleEpoch.selector, KEEPER, 1, 2));
    }

    function test_a_fleet_has_a_root() external {
        Fleet memory value = aFleet(1);
        value.fleetRoot = 0;
        refuseFleet(value, abi.encodeWithSelector(IDeviceRegistry.FleetRootMissing.selector));
    }

    function test_no_more_devices_are_revoked_than_there_are() external {
        Fleet memory value = aFleet(1);
        value.revoked = 5;
        refuseFleet(value, abi.encodeWithSelector(IDeviceRegistry.TooManyRevoked.selector, 5, 4));
    }

    function test_another_entity_cannot_set_it() external {
        Fleet memory value = aFleet(1);
        bytes memory forged = by(OTHER_KEEPER, digestAt(address(fleets), Consents.hash(value)));
        refuse(notConsented(KEEPER, key(OTHER_KEEPER)));
        fleets.setFleet(value, forged);
    }

    function test_a_fleet_has_its_word_roots_and_history() external {
        Fleet memory value = aFleet(1);
        fleets.setFleet(value, signed(value));
        bytes32 id = bytes32(uint256(KEEPER));
        uint256 word = 1 | (uint256(4) << 32) | (uint256(1) << 64) | (uint256(1) << 128);
        vm.assertEq(wordIn(fleets, id), word);
        vm.assertEq(headIn(fleets, id), nextHead(0, 1, FleetActs.SET_FLEET, word, abi.encode(value)));
        (bytes32 fleetRoot, bytes32 revocationRoot) = fleets.roots(KEEPER);
        vm.assertEq(fleetRoot, value.fleetRoot);
        vm.assertEq(revocationRoot, value.revocationRoot);
        vm.assertEq(vm.load(address(fleets), keccak256(abi.encode(uint256(KEEPER), uint256(1)))), fleetRoot);
    }
}
