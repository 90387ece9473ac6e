// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAttestationHub, Round} from "./interfaces/IAttestationHub.sol";
import {Consents} from "./libraries/Consents.sol";
import {DataContract} from "./libraries/DataContract.sol";
import {Domain} from "./libraries/Domain.sol";
import {Signatures} from "./libraries/Signatures.sol";

contract AttestationHub is IAttestationHub, Domain, AccessManaged {
    uint256 private constant MAX_ORACLES = 31;

    struct Config {
        address data;
        uint32 setEpoch;
        uint8 f;
        uint8 count;
    }

    mapping(bytes32 => bytes32) public override roots;
    Config public override config;

    constructor(address authority_) Domain(address(this)) AccessManaged(authority_) {}

    function setOracles(address[] calldata oracles_, uint8 f) external restricted {
        uint256 count = oracles_.length;
        if (count > MAX_ORACLES || count <= 3 * uint256(f)) revert OracleSetSize(count, f);
        bytes memory packed;
        for (uint256 i = 0; i < count; ++i) {
            if (oracles_[i] == address(0)) revert OracleMissing(i);
            for (uint256 j = 0; j < i; ++j) {
                if (oracles_[j] == oracles_[i]) revert OracleTwice(i);
            }
            packed = bytes.concat(packed, bytes20(oracles_[i]));
        }
        uint32 setEpoch = config.setEpoch + 1;
        bytes32 digest = keccak256(abi.encode(block.chainid, address(this), setEpoch, f, oracles_));
        address data = DataContract.write(bytes.concat(digest, packed));
        config = Config(data, setEpoch, f, uint8(count));
        emit OraclesSet(setEpoch, digest, f, oracles_, data);
    }

    function anchor(bytes32 schema, uint64 slot, bytes32 root, uint32 leaves, uint32 mask, bytes calldata signatures)
        external
    {
        if (root == 0) revert RootMissing();
        bytes32 roundId = keccak256(abi.encode(schema, slot));
        bytes32 anchored = roots[roundId];
        if (anchored == root) return;
        Config memory current = config;
        if (current.count == 0) revert NoOracles();
        bytes memory set = DataContract.read(current.data);
        bytes32 digest = _digest(Consents.hash(Round(_wordAt(set, 0), schema, slot, root, leaves)));
        _requireQuorum(digest, set, current, mask, signatures);
        if (anchored != 0) revert RoundContradicted(roundId, anchored, root);
        roots[roundId] = root;
        emit RoundAnchored(roundId, schema, slot, root, leaves, mask, current.setEpoch);
    }

    function oracles() external view returns (address[] memory list) {
        list = new address[](config.count);
        if (list.length == 0) return list;
        bytes memory set = DataContract.read(config.data);
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = _oracleAt(set, i);
        }
    }

    function configDigest() external view returns (bytes32) {
        return config.count == 0 ? bytes32(0) : _wordAt(DataContract.read(config.data), 0);
    }

    /// @dev Exactly f+1 oracles of the set signed; the bits of the mask say which, in ascending order.
    function _requireQuorum(
        bytes32 digest,
        bytes memory set,
        Config memory current,
        uint32 mask,
        bytes calldata signatures
    ) private view {
        uint256 required = uint256(current.f) + 1;
        if (signatures.length != required * Signatures.LENGTH) revert SignatureCount(required, signatures.length);
        uint256 signers = 0;
        for (uint256 i = 0; i < current.count; ++i) {
            if ((mask >> i) & 1 == 0) continue;
            if (signers == required) revert QuorumWrong(signers + 1, required);
            address signer = Signatures.signer(digest, signatures, signers);
            if (signer == address(0) || signer != _oracleAt(set, i)) revert NotAttested(i, signer);
            ++signers;
        }
        if (signers != required || mask >> current.count != 0) revert QuorumWrong(signers, required);
    }

    function _oracleAt(bytes memory set, uint256 position) private pure returns (address) {
        return address(bytes20(_wordAt(set, 32 + 20 * position)));
    }

    function _wordAt(bytes memory data, uint256 offset) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), offset))
        }
    }
}
