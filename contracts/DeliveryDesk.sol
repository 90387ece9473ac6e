// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Delivery, IDeliveryDesk} from "./interfaces/IDesks.sol";
import {IGoodsIndex} from "./interfaces/IGoodsIndex.sol";
import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IReceiptRegistry, Issue} from "./interfaces/IReceiptRegistry.sol";
import {Consents} from "./libraries/Consents.sol";
import {Desk} from "./libraries/Desk.sol";
import {ReceiptWord} from "./libraries/ReceiptWord.sol";

contract DeliveryDesk is Desk, IDeliveryDesk {
    IGoodsIndex private immutable _goods;

    constructor(IReceiptRegistry receipts, IParticipantRegistry participants, IGoodsIndex goods)
        Desk(receipts, participants)
    {
        _goods = goods;
    }

    function deliver(
        Delivery calldata delivery,
        Issue calldata issue_,
        bytes32[] calldata unitKeys,
        bytes calldata signatures
    ) external {
        bytes32 id = delivery.receipt;
        bytes32 given = _digest(Consents.hash(issue_));
        if (given != id) revert IssueDiffers(given, id);
        bytes32 keysHash = keccak256(abi.encodePacked(unitKeys));
        if (keysHash != issue_.unitKeysHash) revert UnitKeysDiffer(keysHash, issue_.unitKeysHash);
        uint256 word = _receipts.wordOf(id);
        ReceiptWord.requireReady(id, word, delivery.seq);
        ReceiptWord.requireParties(id, word, delivery.holder, delivery.keeper);
        _participants.checkConsents(
            _digest(Consents.hash(delivery)),
            delivery.draftedAt,
            Consents.parties(delivery.holder, delivery.keeper),
            signatures
        );
        _receipts.deliver(id, abi.encode(delivery));
        _goods.free(id, _keys(issue_.positionKey, unitKeys));
    }
}
