// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FacilityStatus, ICreditBook} from "./interfaces/ICreditBook.sol";
import {EntityKind, IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IPledgeRegistry, Pledge, PledgeStatus, Release} from "./interfaces/IPledgeRegistry.sol";
import {IReceiptRegistry} from "./interfaces/IReceiptRegistry.sol";
import {Consents} from "./libraries/Consents.sol";
import {Desk} from "./libraries/Desk.sol";
import {ReceiptWord} from "./libraries/ReceiptWord.sol";
import {Words} from "./libraries/Words.sol";

contract PledgeRegistry is IPledgeRegistry, Desk {
    using Words for uint256;
    using ReceiptWord for uint256;

    uint256 private constant STATUS = 96;
    uint256 private constant RANK = 104;
    uint256 private constant ORDINAL = 112;
    uint256 private constant SEQ = 128;
    uint256 private constant TAG = 160;
    uint256 private constant FIRST_RANK = 1;

    mapping(bytes32 => uint256) public override pledges;

    ICreditBook private immutable _facilities;

    constructor(IReceiptRegistry receipts, IParticipantRegistry participants, ICreditBook facilities)
        Desk(receipts, participants)
    {
        _facilities = facilities;
    }

    function pledge(Pledge calldata pledge_, bytes calldata signatures) external returns (bytes32 id) {
        id = _digest(Consents.hash(pledge_));
        if (pledges[id] != 0) revert PledgeExists(id);
        bytes32 receipt = pledge_.receipt;
        uint256 word = _receipts.wordOf(receipt);
        ReceiptWord.requireReady(receipt, word, pledge_.seq);
        if (_participants.affiliated(pledge_.keeper, pledge_.pledgor)) {
            revert AffiliatedKeeper(pledge_.keeper, pledge_.pledgor);
        }
        ReceiptWord.requireParties(receipt, word, pledge_.pledgor, pledge_.keeper);
        if (pledge_.facility != 0) _requireFacility(pledge_.facility, pledge_.pledgee);
        uint256 kinds = _participants.checkConsents(
            id, pledge_.draftedAt, Consents.parties(pledge_.pledgor, pledge_.keeper, pledge_.pledgee), signatures
        );
        Consents.requireKind(pledge_.pledgee, kinds, 2, EntityKind.BANK);
        pledges[id] = uint256(pledge_.pledgee) | (uint256(pledge_.pledgor) << 32)
            | (uint256(PledgeStatus.LIVE) << STATUS) | (FIRST_RANK << RANK)
            | ((uint256(word.ordinal()) + 1) << ORDINAL) | (1 << SEQ) | ((uint256(receipt) >> TAG) << TAG);
        _receipts.pledge(receipt, abi.encode(pledge_));
    }

    function release(Release calldata release_, Pledge calldata pledge_, bytes calldata signatures) external {
        bytes32 id = release_.pledge;
        uint256 word = pledges[id];
        if (word == 0) revert PledgeUnknown(id);
        if (word.u8(STATUS) != PledgeStatus.LIVE) revert PledgeNotLive(id, word.u8(STATUS));
        if (_digest(Consents.hash(pledge_)) != id) revert PledgeUnknown(_digest(Consents.hash(pledge_)));
        if (word.seq() != release_.pledgeSeq) revert StalePledgeConsent(id, release_.pledgeSeq, word.seq());
        if (word.u32(0) != release_.pledgee) revert NotPledgee(id, release_.pledgee);
        _participants.checkConsents(
            _digest(Consents.hash(release_)), release_.draftedAt, release_.pledgee, signatures
        );
        pledges[id] = word.set(STATUS, 8, PledgeStatus.RELEASED).set(SEQ, 32, release_.pledgeSeq + 1);
        _receipts.release(pledge_.receipt, abi.encode(release_));
    }

    /// @dev A pledge secures an open credit of its pledgee. The pledgor may be a third party.
    function _requireFacility(bytes32 facility, uint32 pledgee) private view {
        uint256 word = _facilities.wordOf(facility);
        if (word.u8(STATUS) != FacilityStatus.OPEN) revert ICreditBook.FacilityNotOpen(facility, word.u8(STATUS));
        if (word.u32(0) != pledgee) revert ICreditBook.NotLender(facility, pledgee);
    }
}
