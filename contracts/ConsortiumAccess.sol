// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Who may call which administrative function, with delays and guardians
/// @dev Acts of members never pass through it: they rest on consents.
contract ConsortiumAccess is AccessManager {
    constructor(address operator) AccessManager(operator) {}
}
