// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDomain} from "../interfaces/IHistory.sol";

/// @dev The EIP-712 domain {Cangdan, 1, chainId, verifyingContract} of the contract whose records a consent concerns.
abstract contract Domain is IDomain {
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    bytes32 private immutable _separator;
    uint256 private immutable _chainId;
    address private immutable _verifyingContract;

    constructor(address verifyingContract) {
        _verifyingContract = verifyingContract;
        _chainId = block.chainid;
        _separator = _build(verifyingContract);
    }

    function domainSeparator() public view override returns (bytes32) {
        return block.chainid == _chainId ? _separator : _build(_verifyingContract);
    }

    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(), structHash));
    }

    function _build(address verifyingContract) private view returns (bytes32) {
        return keccak256(
            abi.encode(DOMAIN_TYPE, keccak256("Cangdan"), keccak256("1"), block.chainid, verifyingContract)
        );
    }
}
