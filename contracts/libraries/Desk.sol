// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {IReceiptRegistry} from "../interfaces/IReceiptRegistry.sol";
import {Domain} from "./Domain.sol";

/// @dev A desk does acts on receipts over the kernel's primitives; consents are digests under the kernel's domain.
abstract contract Desk is Domain {
    IReceiptRegistry internal immutable _receipts;
    IParticipantRegistry internal immutable _participants;

    constructor(IReceiptRegistry receipts, IParticipantRegistry participants) Domain(address(receipts)) {
        _receipts = receipts;
        _participants = participants;
    }

    /// @dev The position key, then the unit keys.
    function _keys(bytes32 positionKey, bytes32[] calldata unitKeys) internal pure returns (bytes32[] memory keys) {
        keys = new bytes32[](unitKeys.length + 1);
        keys[0] = positionKey;
        for (uint256 i = 0; i < unitKeys.length; ++i) {
            keys[i + 1] = unitKeys[i];
        }
    }
}
