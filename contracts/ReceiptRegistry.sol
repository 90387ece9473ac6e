// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import "./interfaces/IReceiptRegistry.sol";
import {Domain} from "./libraries/Domain.sol";
import {History} from "./libraries/History.sol";
import {ReceiptWord} from "./libraries/ReceiptWord.sol";
import {Wiring} from "./libraries/Wiring.sol";
import {Words} from "./libraries/Words.sol";

contract ReceiptRegistry is History, Domain, Wiring, IReceiptRegistry, AccessManaged {
    using Words for uint256;
    using ReceiptWord for uint256;

    bytes4 private constant ERC165 = 0x01ffc9a7;
    bytes4 private constant ERC721 = 0x80ac58cd;
    bytes4 private constant ERC5192 = 0xb45a3c0e;

    uint160 private immutable _entities;
    mapping(uint32 => uint256) private _balances;

    constructor(address authority_, IParticipantRegistry participants)
        Domain(address(this))
        AccessManaged(authority_)
    {
        _entities = uint160(participants.entityAddress(0));
    }

    function wire(uint8 act, address desk) external override restricted {
        _wire(act, desk);
    }

    function issue(bytes32 id, Issue calldata issue_) external onlyWired(ReceiptActs.ISSUE) {
        if (records[id].word != 0) revert ReceiptExists(id);
        uint256 word = ReceiptWord.create(issue_);
        ++_balances[issue_.depositor];
        emit Transfer(address(0), _addressOf(issue_.depositor), uint256(id));
        _advance(id, ReceiptActs.ISSUE, word, abi.encode(issue_));
    }

    function pledge(bytes32 id, bytes calldata data) external onlyWired(ReceiptActs.PLEDGE) {
        uint256 word = _free(id);
        uint16 ordinal = word.ordinal();
        if (ordinal == type(uint16).max) revert TooManyPledges(id);
        word = word.withPledges(1, ordinal + 1);
        emit Locked(uint256(id));
        _advance(id, ReceiptActs.PLEDGE, word, data);
    }

    function release(bytes32 id, bytes calldata data) external onlyWired(ReceiptActs.RELEASE) {
        uint256 word = _active(id);
        if (word.livePledges() == 0) revert NoLivePledge(id);
        word = word.withPledges(word.livePledges() - 1, word.ordinal());
        if (!word.isLocked()) emit Unlocked(uint256(id));
        _advance(id, ReceiptActs.RELEASE, word, data);
    }

    function deliver(bytes32 id, bytes calldata data) external onlyWired(ReceiptActs.DELIVER) {
        _burn(id, ReceiptActs.DELIVER, ReceiptStatus.DELIVERED, data);
    }

    function cancel(bytes32 id, bytes calldata data) external onlyWired(ReceiptActs.CANCEL) {
        _burn(id, ReceiptActs.CANCEL, ReceiptStatus.CANCELLED, data);
    }

    function hold(bytes32 id, uint8 bit, bytes calldata data) external onlyWired(ReceiptActs.HOLD) {
        if (bit >= 32) revert HoldBitUnknown(bit);
        uint256 word = _active(id);
        uint32 holds = word.holds();
        if ((holds >> bit) & 1 != 0) revert HoldUnchanged(id, bit);
        if (!word.isLocked()) emit Locked(uint256(id));
        _advance(id, ReceiptActs.HOLD, word.withHolds(holds | (uint32(1) << bit)), data);
    }

    function clearHold(bytes32 id, uint8 bit, bytes calldata data) external onlyWired(ReceiptActs.CLEAR_HOLD) {
        uint256 word = _active(id);
        uint32 holds = word.holds();
        if (bit >= 32 || (holds >> bit) & 1 == 0) revert HoldUnchanged(id, bit);
        word = word.withHolds(holds & ~(uint32(1) << bit));
        if (!word.isLocked()) emit Unlocked(uint256(id));
        _advance(id, ReceiptActs.CLEAR_HOLD, word, data);
    }

    function deskOf(uint8 act) external view returns (address) {
        return _wired[act];
    }

    function wordOf(bytes32 id) external view returns (uint256) {
        return records[id].word;
    }

    function ownerOf(uint256 tokenId) external view returns (address) {
        return _addressOf(_token(tokenId).owner());
    }

    function balanceOf(address owner) external view returns (uint256) {
        if (owner == address(0)) revert OwnerMissing();
        uint32 entity = uint32(uint160(owner));
        return _addressOf(entity) == owner ? _balances[entity] : 0;
    }

    function locked(uint256 tokenId) external view returns (bool) {
        return _token(tokenId).isLocked();
    }

    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == ERC165 || interfaceId == ERC721 || interfaceId == ERC5192;
    }

    function approve(address, uint256) external pure {
        revert TransferByConsentOnly();
    }

    function setApprovalForAll(address, bool) external pure {
        revert TransferByConsentOnly();
    }

    function transferFrom(address, address, uint256) external pure {
        revert TransferByConsentOnly();
    }

    function safeTransferFrom(address, address, uint256) external pure {
        revert TransferByConsentOnly();
    }

    function safeTransferFrom(address, address, uint256, bytes calldata) external pure {
        revert TransferByConsentOnly();
    }

    function getApproved(uint256 tokenId) external view returns (address) {
        _token(tokenId);
        return address(0);
    }

    function isApprovedForAll(address, address) external pure returns (bool) {
        return false;
    }

    function _burn(bytes32 id, uint8 act, uint8 status, bytes calldata data) private {
        uint256 word = _free(id);
        uint32 owner = word.owner();
        --_balances[owner];
        emit Transfer(_addressOf(owner), address(0), uint256(id));
        _advance(id, act, word.withStatus(status), data);
    }

    function _active(bytes32 id) private view returns (uint256 word) {
        word = records[id].word;
        if (word.status() != ReceiptStatus.ACTIVE) revert ReceiptNotActive(id, word.status());
    }

    /// @dev The word of an active receipt that nothing encumbers.
    function _free(bytes32 id) private view returns (uint256 word) {
        word = _active(id);
        ReceiptWord.requireFree(id, word);
    }

    function _token(uint256 tokenId) private view returns (uint256 word) {
        word = records[bytes32(tokenId)].word;
        if (word.status() != ReceiptStatus.ACTIVE) revert TokenUnknown(tokenId);
    }

    function _addressOf(uint32 entity) private view returns (address) {
        return address(_entities | uint160(entity));
    }
}
