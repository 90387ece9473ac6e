// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import "./interfaces/IParticipantRegistry.sol";
import {History} from "./libraries/History.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Words} from "./libraries/Words.sol";

contract ParticipantRegistry is History, IParticipantRegistry, AccessManaged {
    using Words for uint256;

    uint256 private constant LIVE = 1;
    uint256 private constant REVOKED = 2;
    uint256 private constant MAX_PARTIES = 8;
    uint256 private constant CLOCK_TOLERANCE = 1 hours;

    uint256 private constant STATUS = 8;
    uint256 private constant ACCOUNTS = 16;
    uint256 private constant GROUP = 32;
    uint256 private constant REVOKED_BEFORE = 64;
    uint256 private constant ROLE = 32;
    uint256 private constant ACCOUNT_STATUS = 40;

    mapping(address => uint256) public override accounts;
    mapping(bytes32 => uint32) public override entityOf;
    /// @dev How many entities withdrew a draft, so that an act reads one slot for all its parties.
    mapping(bytes32 => uint256) private _withdrawals;
    mapping(bytes32 => mapping(uint32 => bool)) private _withdrawn;
    uint32 public override entityCount;

    bytes16 private immutable _prefix;

    constructor(address authority_) AccessManaged(authority_) {
        _prefix = bytes16(keccak256(abi.encode("cangdan/entity", block.chainid, address(this))));
    }

    function register(uint8 kind, bytes32 idHash, address account) external restricted returns (uint32 entity) {
        if (kind == 0 || kind > EntityKind.REGULATOR) revert KindUnknown(kind);
        if (idHash == 0) revert IdMissing();
        if (entityOf[idHash] != 0) revert IdTaken(idHash, entityOf[idHash]);
        entity = ++entityCount;
        entityOf[idHash] = entity;
        _link(entity, account, AccountRole.ADMIN);
        uint256 word = uint256(kind).set(STATUS, 8, EntityStatus.ACTIVE).set(ACCOUNTS, 16, 1);
        _advance(_id(entity), EntityActs.REGISTER, word, abi.encode(Registration(kind, idHash, account)));
    }

    function addAccount(uint32 entity, address account, uint8 role) external {
        uint256 word = _known(entity);
        _requireAdmin(entity);
        if (role != AccountRole.SIGNER && role != AccountRole.ADMIN) revert RoleUnknown(role);
        uint16 count = word.u16(ACCOUNTS);
        if (count == type(uint16).max) revert TooManyAccounts(entity);
        _link(entity, account, role);
        word = word.set(ACCOUNTS, 16, count + 1);
        _advance(_id(entity), EntityActs.ADD_ACCOUNT, word, abi.encode(AccountChange(account, role)));
    }

    function revokeAccount(address account) external {
        uint256 linked = _live(account);
        uint32 entity = linked.u32(0);
        _requireAdmin(entity);
        accounts[account] = linked.set(ACCOUNT_STATUS, 8, REVOKED);
        uint256 word = records[_id(entity)].word;
        word = word.set(ACCOUNTS, 16, word.u16(ACCOUNTS) - 1);
        _advance(_id(entity), EntityActs.REVOKE_ACCOUNT, word, abi.encode(AccountChange(account, linked.u8(ROLE))));
    }

    function setGroup(uint32 entity, uint32 group) external restricted {
        uint256 word = _known(entity);
        if (word.u32(GROUP) == group) revert GroupUnchanged(entity, group);
        _advance(_id(entity), EntityActs.SET_GROUP, word.set(GROUP, 32, group), abi.encode(GroupChange(group)));
    }

    function setStatus(uint32 entity, uint8 status, bytes32 reason) external restricted {
        uint256 word = _known(entity);
        bool suspends = status == EntityStatus.SUSPENDED;
        if (word.u8(STATUS) == status || (!suspends && status != EntityStatus.ACTIVE)) {
            revert StatusUnchanged(entity, status);
        }
        uint8 act = suspends ? EntityActs.SUSPEND : EntityActs.REINSTATE;
        _advance(_id(entity), act, word.set(STATUS, 8, status), abi.encode(StatusChange(status, reason)));
    }

    function withdrawConsentsBefore(uint64 before) external {
        uint32 entity = _live(msg.sender).u32(0);
        uint256 word = records[_id(entity)].word;
        uint64 current = uint64(word >> REVOKED_BEFORE);
        if (before <= current) revert WithdrawalNotLater(before, current);
        _requirePast(before);
        word = word.set(REVOKED_BEFORE, 64, before);
        _advance(_id(entity), EntityActs.WITHDRAW_CONSENTS, word, abi.encode(ConsentWithdrawal(before)));
    }

    function withdrawDraft(bytes32 digest) external {
        uint32 entity = _live(msg.sender).u32(0);
        if (_withdrawn[digest][entity]) revert DraftAlreadyWithdrawn(digest, entity);
        _withdrawn[digest][entity] = true;
        ++_withdrawals[digest];
        uint256 word = records[_id(entity)].word;
        _advance(_id(entity), EntityActs.WITHDRAW_DRAFT, word, abi.encode(DraftWithdrawal(digest)));
    }

    function checkConsents(bytes32 digest, uint64 draftedAt, uint256 entities, bytes calldata signatures)
        external
        view
        returns (uint256 kinds)
    {
        uint256 parties = signatures.length / Signatures.LENGTH;
        bool fits = parties != 0 && parties <= MAX_PARTIES && signatures.length == parties * Signatures.LENGTH;
        if (!fits || (parties < MAX_PARTIES && entities >> (32 * parties) != 0)) {
            revert SignatureCount(parties, signatures.length);
        }
        _requirePast(draftedAt);
        bool anyWithdrawn = _withdrawals[digest] != 0;
        for (uint256 i = 0; i < parties; ++i) {
            uint32 entity = entities.u32(32 * i);
            if (anyWithdrawn && _withdrawn[digest][entity]) revert DraftWithdrawn(digest, entity);
            kinds |= uint256(_consented(draftedAt, entity, Signatures.signer(digest, signatures, i))) << (8 * i);
        }
    }

    function actsFor(address account) external view returns (uint32 entity, uint8 kind) {
        entity = _live(account).u32(0);
        uint256 word = records[_id(entity)].word;
        if (word.u8(STATUS) != EntityStatus.ACTIVE) revert EntitySuspended(entity);
        kind = word.u8(0);
    }

    function affiliated(uint32 a, uint32 b) external view returns (bool) {
        uint32 group = records[_id(a)].word.u32(GROUP);
        return a == b || (group != 0 && group == records[_id(b)].word.u32(GROUP));
    }

    function entityAddress(uint32 entity) external view returns (address) {
        return address(uint160(bytes20(_prefix)) | uint160(entity));
    }

    function _consented(uint64 draftedAt, uint32 entity, address signer)
        private
        view
        returns (uint8 kind)
    {
        uint256 account = accounts[signer];
        if (entity == 0 || account.u32(0) != entity || account.u8(ACCOUNT_STATUS) != LIVE) {
            revert NotConsented(entity, signer);
        }
        uint256 word = records[_id(entity)].word;
        if (word.u8(STATUS) != EntityStatus.ACTIVE) revert EntitySuspended(entity);
        if (draftedAt < uint64(word >> REVOKED_BEFORE)) revert ConsentWithdrawn(entity);
        return word.u8(0);
    }

    function _link(uint32 entity, address account, uint8 role) private {
        if (account == address(0)) revert AccountMissing();
        if (accounts[account] != 0) revert AccountTaken(account, accounts[account].u32(0));
        accounts[account] = uint256(entity).set(ROLE, 8, role).set(ACCOUNT_STATUS, 8, LIVE);
    }

    /// @dev An ADMIN account of the entity acts at once; anybody else needs the registrar's permission.
    function _requireAdmin(uint32 entity) private {
        uint256 sender = accounts[msg.sender];
        bool admin = sender.u8(ROLE) == AccountRole.ADMIN && sender.u8(ACCOUNT_STATUS) == LIVE;
        if (!admin || sender.u32(0) != entity) _checkCanCall(msg.sender, msg.data);
    }

    function _known(uint32 entity) private view returns (uint256 word) {
        word = records[_id(entity)].word;
        if (word == 0) revert EntityUnknown(entity);
    }

    function _live(address account) private view returns (uint256 linked) {
        linked = accounts[account];
        if (linked.u8(ACCOUNT_STATUS) != LIVE) revert AccountUnknown(account);
    }

    function _requirePast(uint64 time) private view {
        uint64 latest = uint64((block.timestamp + CLOCK_TOLERANCE) * 1000);
        if (time > latest) revert TimeInFuture(time, latest);
    }

    function _id(uint32 entity) private pure returns (bytes32) {
        return bytes32(uint256(entity));
    }
}
