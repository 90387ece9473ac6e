// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {Domain} from "./Domain.sol";
import {History} from "./History.sol";
import {Wiring} from "./Wiring.sol";

/// @dev What the contracts share that keep records which parties consent to: `records` has slot 0, wiring and
/// administration take 1 and 2, so that the first variable of a book has slot 3.
abstract contract Book is History, Domain, Wiring, AccessManaged {
    IParticipantRegistry internal immutable _participants;

    constructor(address authority_, IParticipantRegistry participants)
        Domain(address(this))
        AccessManaged(authority_)
    {
        _participants = participants;
    }

    function wire(uint8 part, address contract_) external override restricted {
        _wire(part, contract_);
    }
}
