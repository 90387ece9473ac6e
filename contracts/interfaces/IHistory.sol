// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Records with a provable history (docs/formats/ledger.md)
/// @notice A record is a word and a head in two adjacent slots. Each change emits one Transition, and the head covers it.
struct Record {
    uint256 word;
    bytes32 head;
}

interface IHistory {
    /// @notice A record changed.
    /// @param id the record
    /// @param act the number of the act, from the Acts library of the contract that emits it
    /// @param seq which transition of this record it is, from 1; also bits 128-159 of `word`
    /// @param word the record's word after the change
    /// @param data abi.encode of the act's struct
    event Transition(bytes32 indexed id, uint8 indexed act, uint32 seq, uint256 word, bytes data);

    /// @notice Word and head of a record; both are 0 when there is none. Slots keccak256(id, 0) and the next one.
    function records(bytes32 id) external view returns (uint256 word, bytes32 head);
}

/// @notice Contracts whose consents are EIP-712 digests under the domain Cangdan, version 1.
interface IDomain {
    /// @notice The hash of the EIP-712 domain that consents to this contract's records are signed under.
    function domainSeparator() external view returns (bytes32);
}

/// @notice The part that a contract of this consortium plays is filled once and never changed again.
interface IWiring {
    /// @notice `contract_` now plays `part`: the number of an act, or a role that the contract documents.
    event Wired(uint8 indexed part, address contract_);

    /// @notice The part is filled already.
    error AlreadyWired(uint8 part, address contract_);
    /// @notice The contract that would play the part is the zero address.
    error WiringMissing(uint8 part);
    /// @notice Only the contract wired for this part may do this.
    error NotWired(uint8 part, address caller);

    /// @notice Says which contract plays a part: of the receipts an act's desk, of the goods index a desk of its own part,
    /// of the books what their Parts library names. Once and for ever, consortium operator only.
    function wire(uint8 part, address contract_) external;
}
