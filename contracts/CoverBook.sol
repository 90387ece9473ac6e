// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./interfaces/ICoverBook.sol";
import {FacilityStatus, ICreditBook} from "./interfaces/ICreditBook.sol";
import {EntityKind, IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {Book} from "./libraries/Book.sol";
import {Consents} from "./libraries/Consents.sol";
import {Words} from "./libraries/Words.sol";

contract CoverBook is Book, ICoverBook {
    using Words for uint256;

    uint256 private constant STATUS = 96;
    uint256 private constant RULES = 104;
    uint256 private constant OPEN_CLAIMS = 104;
    uint256 private constant CLAIMS = 112;
    uint256 private constant MAX_CLAIMS = 64;

    struct Terms {
        bytes32 facility;
        uint64 start;
        uint64 end;
        uint32 rules;
        uint256 claimStates;
    }

    mapping(bytes32 => Terms) public override terms;
    mapping(bytes32 => mapping(uint8 => uint64)) public override coveredUntil;

    ICreditBook private immutable _facilities;

    constructor(address authority_, IParticipantRegistry participants, ICreditBook facilities)
        Book(authority_, participants)
    {
        _facilities = facilities;
    }

    function register(Cover calldata cover, bytes calldata signatures) external returns (bytes32 id) {
        id = _digest(Consents.hash(cover));
        if (records[id].word != 0) revert CoverExists(id);
        if (cover.insurer == cover.insured) revert SameParty(cover.insurer);
        if (cover.end <= cover.start) revert PeriodWrong(cover.start, cover.end);
        uint256 facility = _facilities.wordOf(cover.facility);
        if (facility.u8(STATUS) != FacilityStatus.OPEN) {
            revert ICreditBook.FacilityNotOpen(cover.facility, facility.u8(STATUS));
        }
        if (cover.insured != facility.u32(0) && cover.insured != facility.u32(32)) {
            revert NotPartyOfFacility(cover.facility, cover.insured);
        }
        uint256 parties = Consents.parties(cover.insurer, facility.u32(0), facility.u32(32));
        uint256 kinds = _participants.checkConsents(id, cover.draftedAt, parties, signatures);
        Consents.requireKind(cover.insurer, kinds, 0, EntityKind.INSURER);
        _assign(cover, facility.u8(RULES));
        terms[id] = Terms(cover.facility, cover.start, cover.end, cover.rules, 0);
        uint256 word = Consents.parties(cover.insurer, cover.insured) | (uint256(CoverStatus.ACTIVE) << STATUS);
        _advance(id, CoverActs.REGISTER, word, abi.encode(cover));
    }

    function openClaim(bytes32 id, bytes32 facility, uint8 rule, bytes32 evidence, uint64 slot)
        external
        onlyWired(CoverParts.RULE_ENGINE)
        returns (uint16 claim)
    {
        uint256 word = _known(id);
        Terms storage term = terms[id];
        if (term.facility != facility) revert WrongFacility(id, facility);
        if ((term.rules >> rule) & 1 == 0) revert WrongRule(id, rule);
        if (slot < term.start || slot >= term.end) revert CoverNotInForce(id, slot);
        claim = word.u16(CLAIMS);
        if (claim == MAX_CLAIMS) revert TooManyClaims(id);
        term.claimStates = term.claimStates.set(4 * uint256(claim), 4, ClaimState.OPEN);
        word = word.set(OPEN_CLAIMS, 8, word.u8(OPEN_CLAIMS) + 1).set(CLAIMS, 16, claim + 1);
        _advance(id, CoverActs.OPEN_CLAIM, word, abi.encode(ClaimOpening(claim, facility, evidence, slot)));
    }

    function decideClaim(ClaimDecision calldata decision, bytes calldata signatures) external {
        bytes32 id = decision.cover;
        uint256 word = _known(id);
        uint8 state = claimState(id, decision.claim);
        if (state != ClaimState.OPEN) revert ClaimNotOpen(id, decision.claim, state);
        if (decision.verdict != ClaimState.ACCEPTED && decision.verdict != ClaimState.REJECTED) {
            revert VerdictUnknown(decision.verdict);
        }
        _participants.checkConsents(_digest(Consents.hash(decision)), decision.draftedAt, word.u32(0), signatures);
        uint256 states = terms[id].claimStates;
        terms[id].claimStates = states.set(4 * uint256(decision.claim), 4, decision.verdict);
        word = word.set(OPEN_CLAIMS, 8, word.u8(OPEN_CLAIMS) - 1);
        _advance(id, CoverActs.DECIDE_CLAIM, word, abi.encode(decision));
    }

    function claimState(bytes32 id, uint16 claim) public view returns (uint8) {
        if (claim >= MAX_CLAIMS) return 0;
        return uint8(terms[id].claimStates.get(4 * uint256(claim), 4));
    }

    /// @dev Gives the claims of the cover's rules to it for its period, which no other cover of theirs has.
    function _assign(Cover calldata cover, uint8 count) private {
        if (uint256(cover.rules) >> count != 0) revert RulesUnknown(cover.facility, cover.rules);
        mapping(uint8 => uint64) storage until = coveredUntil[cover.facility];
        for (uint8 rule = 0; rule < count; ++rule) {
            if ((cover.rules >> rule) & 1 == 0) continue;
            if (cover.start < until[rule]) revert RuleCovered(cover.facility, rule, until[rule]);
            until[rule] = cover.end;
        }
    }

    function _known(bytes32 id) private view returns (uint256 word) {
        word = records[id].word;
        if (word == 0) revert CoverUnknown(id);
    }
}
