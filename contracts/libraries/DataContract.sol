// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Data kept as the code of a contract, behind a zero byte (STOP), so that reading much costs one cold account.
library DataContract {
    error DataNotWritten();

    function write(bytes memory data) internal returns (address made) {
        // PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE (0), CODECOPY, RETURNDATASIZE (0), RETURN; then the code itself.
        bytes memory creation = abi.encodePacked(hex"61", uint16(data.length + 1), hex"80600a3d393df3", hex"00", data);
        assembly ("memory-safe") {
            made := create(0, add(creation, 0x20), mload(creation))
        }
        if (made == address(0)) revert DataNotWritten();
    }

    function read(address from) internal view returns (bytes memory data) {
        uint256 size = from.code.length - 1;
        data = new bytes(size);
        assembly ("memory-safe") {
            extcodecopy(from, add(data, 0x20), 1, size)
        }
    }
}
