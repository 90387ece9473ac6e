// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DataContract} from "../../contracts/libraries/DataContract.sol";
import "./support/Kit.sol";

contract OraclesTest is Kit {
    function list(uint256 count) private pure returns (address[] memory made) {
        made = new address[](count);
        for (uint256 i = 0; i < count; ++i) made[i] = vm.addr(oracleKey(i));
    }

    function test_only_the_operator_sets_oracles() external {
        refuse(unauthorized(address(0x57)));
        vm.prank(address(0x57));
        hub.setOracles(list(4), 1);
    }

    function test_a_set_is_larger_than_three_f_and_at_most_31() external {
        refuse(abi.encodeWithSelector(IAttestationHub.OracleSetSize.selector, 3, 1));
        hub.setOracles(list(3), 1);
        refuse(abi.encodeWithSelector(IAttestationHub.OracleSetSize.selector, 32, 1));
        hub.setOracles(list(32), 1);
        refuse(abi.encodeWithSelector(IAttestationHub.OracleSetSize.selector, 0, 0));
        hub.setOracles(list(0), 0);
    }

    function test_oracles_are_distinct_and_not_zero() external {
        address[] memory made = list(4);
        made[2] = made[1];
        refuse(abi.encodeWithSelector(IAttestationHub.OracleTwice.selector, 2));
        hub.setOracles(made, 1);
        made[2] = address(0);
        refuse(abi.encodeWithSelector(IAttestationHub.OracleMissing.selector, 2));
        hub.setOracles(made, 1);
    }

    function test_a_set_can_be_read_and_its_digest_binds_chain_hub_epoch_f_and_members() external {
        hub.setOracles(list(31), 10);
        address[] memory read = hub.oracles();
        vm.assertEq(read.length, 31);
        for (uint256 i = 0; i < 31; ++i) vm.assertEq(read[i], vm.addr(oracleKey(i)));
        (, uint32 setEpoch, uint8 f, uint8 count) = hub.config();
        vm.assertEq(setEpoch, 2);
        vm.assertEq(f, 10);
        vm.assertEq(count, 31);
        vm.assertEq(
            hub.configDigest(), keccak256(abi.encode(block.chainid, address(hub), uint32(2), uint8(10), list(31)))
        );
    }

    function test_before_the_first_set_there_are_no_oracles() external {
        IAttestationHub fresh = IAttestationHub(deploy("AttestationHub", abi.encode(access)));
        vm.assertEq(fresh.oracles().length, 0);
        vm.assertEq(fresh.configDigest(), bytes32(0));
        refuse(abi.encodeWithSelector(IAttestationHub.NoOracles.selector));
        fresh.anchor(keccak256("schema"), 1, keccak256("root"), 1, 1, new bytes(64));
    }
    function test_a_set_that_cannot_be_written_for_want_of_gas_changes_nothing() external {
        bytes memory call_ = abi.encodeCall(hub.setOracles, (list(31), 10));
        bool seen = false;
        for (uint256 gas_ = 150_000; gas_ < 500_000 && !seen; gas_ += 2_000) {
            (bool passed, bytes memory error_) = address(hub).call{gas: gas_}(call_);
            vm.assertFalse(passed);
            seen = error_.length == 4 && bytes4(error_) == DataContract.DataNotWritten.selector;
        }
        vm.assertTrue(seen);
        vm.assertEq(hub.oracles().length, 4);
    }
}
