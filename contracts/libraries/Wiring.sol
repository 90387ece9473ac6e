// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWiring} from "../interfaces/IHistory.sol";

/// @dev Which contract plays which part; each part is filled once.
abstract contract Wiring is IWiring {
    mapping(uint8 => address) internal _wired;

    modifier onlyWired(uint8 part) {
        if (msg.sender != _wired[part]) revert NotWired(part, msg.sender);
        _;
    }

    function _wire(uint8 part, address contract_) internal {
        if (contract_ == address(0)) revert WiringMissing(part);
        if (_wired[part] != address(0)) revert AlreadyWired(part, _wired[part]);
        _wired[part] = contract_;
        emit Wired(part, contract_);
    }
}
