// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWiring} from "./IHistory.sol";

/// @notice How often the goods of a key have come in, as the oracles attested it.
struct Arrival {
    bytes32 key;
    uint64 count;
}

/// @title Claims on goods: which receipt holds a storage place or a unit
/// @notice `claims` has slot 2: generation 0-31, first 28 bytes of a receipt's id 32-255. The generation counts claims and
/// frees: odd while the named receipt holds the key, even while it is free and the receipt is the last one that held it.
/// A claim of a key that was free before needs a reason: the new receipt replaces the cancelled one that last held it, or
/// the goods came in anew, once more than the key was freed.
interface IGoodsIndex is IWiring {
    event GoodsClaimed(bytes32 indexed receipt, bytes32[] keys);
    event GoodsFreed(bytes32 indexed receipt, bytes32[] keys);

    error KeyMissing();
    /// @notice Another live receipt holds the key; `receipt` has the first 28 bytes of its id.
    error GoodsAlreadyClaimed(bytes32 key, bytes28 receipt);
    /// @notice The key was held before, and nothing shows that its goods came in anew.
    error ArrivalUnproven(bytes32 key, bytes28 lastReceipt, uint32 generation);
    /// @notice A receipt holds one place and at most 64 units.
    error TooManyKeys(uint256 keys);

    /// @notice Claims all keys for a receipt, or none. Desks only.
    /// @param keys the position key, then the unit keys
    /// @param replaces a cancelled receipt whose keys pass on, or 0; the desk has checked that it is cancelled
    /// @param arrivals arrivals that the desk has checked, for keys that were held before
    function claim(bytes32 receipt, bytes32[] calldata keys, bytes32 replaces, Arrival[] calldata arrivals) external;

    /// @notice Frees those of the keys that the receipt holds. Desks only.
    function free(bytes32 receipt, bytes32[] calldata keys) external;

    /// @notice The word of a key.
    function claims(bytes32 key) external view returns (uint256 word);

    /// @notice Whether the contract may claim and free.
    function isDesk(address desk) external view returns (bool);
}
