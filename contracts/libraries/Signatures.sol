// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Compact signatures (EIP-2098): r, then s with the parity in its highest bit.
library Signatures {
    uint256 internal constant LENGTH = 64;
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @dev Who made signature number `position`; the zero address for one that is malformed or has a high s. The caller
    /// has checked that there are more signatures than `position`.
    function signer(bytes32 digest, bytes calldata signatures, uint256 position) internal view returns (address made) {
        uint256 vs;
        uint256 r;
        assembly {
            let at := add(signatures.offset, mul(position, LENGTH))
            r := calldataload(at)
            vs := calldataload(add(at, 0x20))
        }
        uint256 s = vs & (type(uint256).max >> 1);
        if (s > HALF_ORDER) return address(0);
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, digest)
            mstore(add(free, 0x20), add(27, shr(255, vs)))
            mstore(add(free, 0x40), r)
            mstore(add(free, 0x60), s)
            mstore(0, 0)
            // The precompile returns nothing where it finds no signer, and nothing where it lacks gas: 0 stays.
            pop(staticcall(gas(), 1, free, 0x80, 0, 0x20))
            made := mload(0)
        }
    }
}
