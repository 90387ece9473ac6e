// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDomain} from "./IHistory.sol";

/// @notice How the oracles judged an observation, as QARTOD does.
library ObservationFlag {
    uint8 internal constant PASS = 1;
    uint8 internal constant NOT_EVALUATED = 2;
    uint8 internal constant SUSPECT = 3;
    uint8 internal constant FAIL = 4;
    uint8 internal constant MISSING = 9;
}

/// @notice What an oracle signs. `slot`: start of the period in milliseconds of event time.
struct Round {
    bytes32 configDigest;
    bytes32 schema;
    uint64 slot;
    bytes32 root;
    uint32 leaves;
}

/// @notice The oracles' agreed value of one metric of one subject in one period; a leaf of a round.
struct Observation {
    bytes32 schema;
    uint64 slot;
    bytes32 subject;
    bytes32 metric;
    int64 value;
    uint8 flag;
    uint32 count;
    bytes32 sources;
    bytes32 salt;
}

struct ObservationProof {
    Observation observation;
    uint32 index;
    bytes32[] proof;
}

/// @title Rounds that f+1 of the consortium's oracles attested
/// @notice `roots` has slot 1 and is keyed by keccak256(abi.encode(schema, slot)); each is written once.
interface IAttestationHub is IDomain {
    /// @param configDigest keccak256(abi.encode(chain id, hub, setEpoch, f, oracles))
    /// @param data the data contract: a zero byte, configDigest, then 20 bytes for each oracle
    event OraclesSet(uint32 indexed setEpoch, bytes32 configDigest, uint8 f, address[] oracles, address data);
    /// @param mask bit i: the oracle at position i signed
    event RoundAnchored(
        bytes32 indexed roundId,
        bytes32 indexed schema,
        uint64 slot,
        bytes32 root,
        uint32 leaves,
        uint32 mask,
        uint32 indexed setEpoch
    );

    error NoOracles();
    /// @notice At most 31 oracles, and more than three times f.
    error OracleSetSize(uint256 oracles, uint8 f);
    error OracleMissing(uint256 position);
    error OracleTwice(uint256 position);
    error RootMissing();
    /// @notice Exactly f+1 bits of the mask are set, all below n, with one signature each.
    error QuorumWrong(uint256 signers, uint256 required);
    error SignatureCount(uint256 parties, uint256 bytesGiven);
    /// @notice The signature for this position is not the one of its oracle.
    error NotAttested(uint256 position, address signer);
    /// @notice f+1 oracles signed a root for a round that has another one: both are evidence against them.
    error RoundContradicted(bytes32 roundId, bytes32 anchored, bytes32 root);
    error RoundUnknown(bytes32 roundId);
    /// @notice The observation is not the leaf at this index of its round.
    error ObservationUnproven(bytes32 roundId, uint32 index);

    /// @notice Replaces the oracle set; rounds already anchored stay. Consortium operator only.
    function setOracles(address[] calldata oracles_, uint8 f) external;

    /// @notice Anchors a round. The same root again changes nothing, so that sending it twice does no harm.
    /// @param mask positions of the signers
    /// @param signatures 64 bytes (EIP-2098) for each signer, ascending positions
    function anchor(bytes32 schema, uint64 slot, bytes32 root, uint32 leaves, uint32 mask, bytes calldata signatures)
        external;

    /// @notice The root of a round, 0 if it is not anchored.
    function roots(bytes32 roundId) external view returns (bytes32);

    /// @notice The oracles in force, by position.
    function oracles() external view returns (address[] memory);

    /// @notice What binds a signature to this chain, this hub and the set in force.
    function configDigest() external view returns (bytes32);

    /// @notice The set in force: data contract, epoch (from 1), f and number of oracles.
    function config() external view returns (address data, uint32 setEpoch, uint8 f, uint8 count);
}
