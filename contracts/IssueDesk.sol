// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationHub, Observation, ObservationFlag, ObservationProof} from "./interfaces/IAttestationHub.sol";
import {IIssueDesk} from "./interfaces/IDesks.sol";
import {Arrival, IGoodsIndex} from "./interfaces/IGoodsIndex.sol";
import {EntityKind, IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {Cancellation, IReceiptRegistry, Issue, ReceiptStatus} from "./interfaces/IReceiptRegistry.sol";
import {Consents} from "./libraries/Consents.sol";
import {Desk} from "./libraries/Desk.sol";
import {ReceiptWord} from "./libraries/ReceiptWord.sol";
import {Rounds} from "./libraries/Rounds.sol";

contract IssueDesk is Desk, IIssueDesk {
    using ReceiptWord for uint256;

    bytes32 private constant INBOUND = keccak256("goods.inbound");
    uint256 private constant MAX_ARRIVALS = 65;

    IGoodsIndex private immutable _goods;
    IAttestationHub private immutable _hub;

    constructor(
        IReceiptRegistry receipts,
        IParticipantRegistry participants,
        IGoodsIndex goods,
        IAttestationHub hub
    ) Desk(receipts, participants) {
        _goods = goods;
        _hub = hub;
    }

    function issue(
        Issue calldata issue_,
        bytes32[] calldata unitKeys,
        ObservationProof[] calldata arrivals,
        bytes calldata signatures
    ) external returns (bytes32 id) {
        if (issue_.replaces != 0) _requireCancelled(issue_);
        id = _check(issue_, unitKeys, signatures);
        _create(id, issue_, unitKeys, arrivals);
    }

    function replace(
        Issue calldata issue_,
        bytes32[] calldata unitKeys,
        ObservationProof[] calldata arrivals,
        bytes calldata signatures,
        Issue calldata replaced,
        bytes32[] calldata replacedUnitKeys
    ) external returns (bytes32 id) {
        bytes32 old = _digest(Consents.hash(replaced));
        if (old != issue_.replaces) revert ReplacedDiffers(old, issue_.replaces);
        ReceiptWord.requireParties(old, _receipts.wordOf(old), issue_.depositor, issue_.keeper);
        _requireUnitKeys(replaced, replacedUnitKeys);
        id = _check(issue_, unitKeys, signatures);
        _receipts.cancel(old, abi.encode(Cancellation(id)));
        _create(id, issue_, unitKeys, arrivals);
        _goods.free(old, _keys(replaced.positionKey, replacedUnitKeys));
    }

    function _check(Issue calldata issue_, bytes32[] calldata unitKeys, bytes calldata signatures)
        private
        view
        returns (bytes32 id)
    {
        if (issue_.quantity == 0) revert QuantityMissing();
        _requireUnitKeys(issue_, unitKeys);
        id = _digest(Consents.hash(issue_));
        uint256 parties = Consents.parties(issue_.depositor, issue_.keeper);
        uint256 kinds = _participants.checkConsents(id, issue_.draftedAt, parties, signatures);
        Consents.requireKind(issue_.depositor, kinds, 0, EntityKind.DEPOSITOR);
        Consents.requireKind(issue_.keeper, kinds, 1, EntityKind.KEEPER);
    }

    function _create(
        bytes32 id,
        Issue calldata issue_,
        bytes32[] calldata unitKeys,
        ObservationProof[] calldata arrivals
    ) private {
        _receipts.issue(id, issue_);
        _goods.claim(id, _keys(issue_.positionKey, unitKeys), issue_.replaces, _arrivals(arrivals));
    }

    function _arrivals(ObservationProof[] calldata proofs) private view returns (Arrival[] memory arrivals) {
        if (proofs.length > MAX_ARRIVALS) revert IGoodsIndex.TooManyKeys(proofs.length);
        arrivals = new Arrival[](proofs.length);
        for (uint256 i = 0; i < proofs.length; ++i) {
            Observation calldata seen = proofs[i].observation;
            if (seen.metric != INBOUND || seen.flag != ObservationFlag.PASS || seen.value <= 0) {
                revert NotAnArrival(seen.metric, seen.flag);
            }
            Rounds.requireObserved(_hub, proofs[i]);
            arrivals[i] = Arrival(seen.subject, uint64(seen.value));
        }
    }

    function _requireCancelled(Issue calldata issue_) private view {
        uint256 word = _receipts.wordOf(issue_.replaces);
        if (word.status() != ReceiptStatus.CANCELLED) revert ReplacedNotCancelled(issue_.replaces, word.status());
        ReceiptWord.requireParties(issue_.replaces, word, issue_.depositor, issue_.keeper);
    }

    function _requireUnitKeys(Issue calldata issue_, bytes32[] calldata unitKeys) private pure {
        bytes32 given = keccak256(abi.encodePacked(unitKeys));
        if (given != issue_.unitKeysHash) revert UnitKeysDiffer(given, issue_.unitKeysHash);
    }
}
