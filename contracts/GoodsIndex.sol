// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import "./interfaces/IGoodsIndex.sol";
import {Wiring} from "./libraries/Wiring.sol";

contract GoodsIndex is IGoodsIndex, Wiring, AccessManaged {
    uint256 private constant MAX_KEYS = 65;
    uint256 private constant TAG_SHIFT = 32;

    mapping(bytes32 => uint256) public override claims;
    mapping(address => bool) public override isDesk;

    constructor(address authority_) AccessManaged(authority_) {}

    modifier onlyDesk() {
        if (!isDesk[msg.sender]) revert NotWired(0, msg.sender);
        _;
    }

    function wire(uint8 part, address desk) external restricted {
        _wire(part, desk);
        isDesk[desk] = true;
    }

    function claim(bytes32 receipt, bytes32[] calldata keys, bytes32 replaces, Arrival[] calldata arrivals)
        external
        onlyDesk
    {
        if (keys.length > MAX_KEYS) revert TooManyKeys(keys.length);
        uint256 tag = _tag(receipt);
        uint256 replaced = _tag(replaces);
        for (uint256 i = 0; i < keys.length; ++i) {
            bytes32 key = keys[i];
            if (key == 0) revert KeyMissing();
            claims[key] = (tag << TAG_SHIFT) | _nextGeneration(key, replaced, arrivals);
        }
        emit GoodsClaimed(receipt, keys);
    }

    function free(bytes32 receipt, bytes32[] calldata keys) external onlyDesk {
        if (keys.length > MAX_KEYS) revert TooManyKeys(keys.length);
        uint256 tag = _tag(receipt);
        for (uint256 i = 0; i < keys.length; ++i) {
            uint256 word = claims[keys[i]];
            if (word >> TAG_SHIFT == tag && word & 1 == 1) claims[keys[i]] = word + 1;
        }
        emit GoodsFreed(receipt, keys);
    }

    /// @dev The odd generation under which the key is claimed; keeps it when the key passes on from the replaced receipt.
    function _nextGeneration(bytes32 key, uint256 replaced, Arrival[] calldata arrivals)
        private
        view
        returns (uint32 generation)
    {
        uint256 word = claims[key];
        uint256 holder = word >> TAG_SHIFT;
        generation = uint32(word);
        bool passesOn = replaced != 0 && holder == replaced;
        if (generation & 1 == 1) {
            if (!passesOn) revert GoodsAlreadyClaimed(key, bytes28(uint224(holder)));
            return generation;
        }
        if (generation != 0 && !passesOn && !_arrived(key, generation / 2, arrivals)) {
            revert ArrivalUnproven(key, bytes28(uint224(holder)), generation);
        }
        return generation + 1;
    }

    function _arrived(bytes32 key, uint256 before, Arrival[] calldata arrivals) private pure returns (bool) {
        for (uint256 i = 0; i < arrivals.length; ++i) {
            if (arrivals[i].key == key && arrivals[i].count > before) return true;
        }
        return false;
    }

    function _tag(bytes32 receipt) private pure returns (uint256) {
        return uint256(receipt) >> TAG_SHIFT;
    }
}
