// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHistory} from "./IHistory.sol";

/// @notice Kinds of legal entities.
library EntityKind {
    uint8 internal constant BANK = 1;
    uint8 internal constant KEEPER = 2;
    uint8 internal constant INSURER = 3;
    uint8 internal constant DEPOSITOR = 4;
    uint8 internal constant INSPECTOR = 5;
    uint8 internal constant REGULATOR = 6;
}

/// @notice What an account may do: a SIGNER consents for its entity, an ADMIN also adds and revokes accounts.
library AccountRole {
    uint8 internal constant SIGNER = 1;
    uint8 internal constant ADMIN = 2;
}

library EntityStatus {
    uint8 internal constant ACTIVE = 1;
    uint8 internal constant SUSPENDED = 2;
}

/// @notice Acts on an entity's record; the struct of each is named beside it.
library EntityActs {
    uint8 internal constant REGISTER = 1; // Registration
    uint8 internal constant ADD_ACCOUNT = 2; // AccountChange
    uint8 internal constant REVOKE_ACCOUNT = 3; // AccountChange
    uint8 internal constant SET_GROUP = 4; // GroupChange
    uint8 internal constant SUSPEND = 5; // StatusChange
    uint8 internal constant REINSTATE = 6; // StatusChange
    uint8 internal constant WITHDRAW_CONSENTS = 7; // ConsentWithdrawal
    uint8 internal constant WITHDRAW_DRAFT = 8; // DraftWithdrawal
}

/// @param idHash keyed tag of the LEI or the unified social credit code
/// @param account the entity's first account, an ADMIN
struct Registration {
    uint8 kind;
    bytes32 idHash;
    address account;
}

struct AccountChange {
    address account;
    uint8 role;
}

struct GroupChange {
    uint32 group;
}

/// @param reason salted commitment of the reason
struct StatusChange {
    uint8 status;
    bytes32 reason;
}

/// @param before milliseconds; consents drafted earlier no longer count
struct ConsentWithdrawal {
    uint64 before;
}

/// @param digest the one draft whose consent is withdrawn
struct DraftWithdrawal {
    bytes32 digest;
}

/// @title Legal entities, their accounts and their consents
/// @notice Control belongs to an entity, not to a key. An entity is a number from 1; its record's id is that number.
/// `accounts` has slot 2: entity 0-31, role 32-39, status 40-47 (1 live, 2 revoked; a revoked account never returns).
interface IParticipantRegistry is IHistory {
    error EntityUnknown(uint32 entity);
    error KindUnknown(uint8 kind);
    error RoleUnknown(uint8 role);
    error IdMissing();
    /// @notice Another entity has this legal identifier.
    error IdTaken(bytes32 idHash, uint32 entity);
    error AccountMissing();
    /// @notice The account belongs, or once belonged, to an entity.
    error AccountTaken(address account, uint32 entity);
    /// @notice The account is not a live account of an entity.
    error AccountUnknown(address account);
    /// @notice The entity has 65535 accounts.
    error TooManyAccounts(uint32 entity);
    /// @notice The status is the present one.
    error StatusUnchanged(uint32 entity, uint8 status);
    error GroupUnchanged(uint32 entity, uint32 group);
    /// @notice Consents were already withdrawn up to this or a later time.
    error WithdrawalNotLater(uint64 before, uint64 current);
    /// @notice The time lies more than an hour after the block's time (milliseconds).
    error TimeInFuture(uint64 time, uint64 latest);
    error DraftAlreadyWithdrawn(bytes32 digest, uint32 entity);

    /// @notice The signature that stands for `entity` was made by `signer`, which is no live account of it (0: no valid signature).
    error NotConsented(uint32 entity, address signer);
    /// @notice The entity withdrew all consents drafted before a time that is later than this draft.
    error ConsentWithdrawn(uint32 entity);
    /// @notice The entity withdrew its consent to this one draft.
    error DraftWithdrawn(bytes32 digest, uint32 entity);
    error EntitySuspended(uint32 entity);
    /// @notice A party of an act is of the wrong kind.
    error WrongKind(uint32 entity, uint8 kind, uint8 required);
    /// @notice Signatures are 64 bytes each, one for each party, at most eight.
    error SignatureCount(uint256 parties, uint256 bytesGiven);

    /// @notice Adds an entity with one ADMIN account. Registrar only.
    /// @return entity its number
    function register(uint8 kind, bytes32 idHash, address account) external returns (uint32 entity);

    /// @notice Adds an account. By an ADMIN account of the entity, or the registrar.
    function addAccount(uint32 entity, address account, uint8 role) external;

    /// @notice Ends an account for ever. By an ADMIN account of its entity, or the registrar.
    function revokeAccount(address account) external;

    /// @notice Says which group of affiliated companies the entity belongs to; 0 is none. Registrar only.
    function setGroup(uint32 entity, uint32 group) external;

    /// @notice Suspends or reinstates an entity. Registrar only.
    function setStatus(uint32 entity, uint8 status, bytes32 reason) external;

    /// @notice The sender's entity withdraws all its consents drafted before a time (milliseconds), used ones excepted.
    function withdrawConsentsBefore(uint64 before) external;

    /// @notice The sender's entity withdraws its consent to one draft.
    function withdrawDraft(bytes32 digest) external;

    /// @notice Reverts unless each party consented to the digest with a live account and is active.
    /// @param draftedAt milliseconds, part of what the digest covers
    /// @param entities up to eight entity numbers, 32 bits each, the first in the lowest bits; none is 0
    /// @param signatures 64 bytes (EIP-2098) for each party, in the same order
    /// @return kinds the parties' kinds, 8 bits each, in the same order
    function checkConsents(bytes32 digest, uint64 draftedAt, uint256 entities, bytes calldata signatures)
        external
        view
        returns (uint256 kinds);

    /// @notice The entity that an account acts for. Reverts AccountUnknown, EntitySuspended.
    /// @return entity its number
    /// @return kind its kind
    function actsFor(address account) external view returns (uint32 entity, uint8 kind);

    /// @notice Whether two entities belong to one group of affiliated companies.
    function affiliated(uint32 a, uint32 b) external view returns (bool);

    /// @notice The address that stands for an entity on the chain; nobody has its key.
    function entityAddress(uint32 entity) external view returns (address);

    /// @notice The word of an account.
    function accounts(address account) external view returns (uint256 word);

    /// @notice The entity with this legal identifier, 0 if none.
    function entityOf(bytes32 idHash) external view returns (uint32 entity);

    /// @notice How many entities were registered.
    function entityCount() external view returns (uint32);
}
