// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Compact signatures (EIP-2098): r, then s with the parity in its highest bit.
library Signatures {
    uint256 internal constant LENGTH = 64;
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @dev Who made signature number `position`; the zero address for one that is malformed or has a high s.
    function signer(bytes32 digest, bytes calldata signatures, uint256 position) internal pure returns (address) {
        uint256 start = position * LENGTH;
        bytes32 r = bytes32(signatures[start:start + 32]);
        uint256 vs = uint256(bytes32(signatures[start + 32:start + 64]));
        uint256 s = vs & (type(uint256).max >> 1);
        if (s > HALF_ORDER) return address(0);
        return ecrecover(digest, uint8(27 + (vs >> 255)), r, bytes32(s));
    }
}
