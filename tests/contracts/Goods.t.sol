// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract GoodsTest is Kit {
    bytes32 private constant INBOUND = keccak256("goods.inbound");
    bytes32 private constant GATE = keccak256("gate");

    function tag(bytes32 receipt) private pure returns (bytes28) {
        return bytes28(receipt);
    }

    function another(bytes32 place, bytes32[] memory keys) private view returns (Issue memory value) {
        value = anIssue();
        value.contentHash = keccak256("another");
        value.depositor = OTHER_OWNER;
        value.keeper = OTHER_KEEPER;
        value.positionKey = place;
        value.unitKeysHash = keccak256(abi.encodePacked(keys));
    }

    function tryIssue(Issue memory value, bytes32[] memory keys, ObservationProof[] memory seen, bytes memory error_)
        private
    {
        bytes memory signatures = by(value.depositor, value.keeper, issueDigest(value));
        if (error_.length != 0) refuse(error_);
        issueDesk.issue(value, keys, seen, signatures);
    }

    function arrival(bytes32 key_, int64 value, uint8 flag) private pure returns (ObservationProof[] memory list) {
        list = new ObservationProof[](1);
        list[0].observation =
            Observation(GATE, uint64(uint256(key_) >> 200), key_, INBOUND, value, flag, 3, 0, keccak256("salt"));
    }

    function anchored(ObservationProof[] memory list) private returns (ObservationProof[] memory) {
        bytes32 root = keccak256(bytes.concat(hex"00", abi.encode(uint8(1), list[0].observation)));
        uint64 slot = list[0].observation.slot;
        bytes32 digest =
            digestAt(address(hub), Consents.hash(Round(hub.configDigest(), GATE, slot, root, 1)));
        bytes memory signatures = bytes.concat(sign(oracleKey(0), digest), sign(oracleKey(1), digest));
        hub.anchor(GATE, slot, root, 1, 3, signatures);
        return list;
    }

    function test_a_unit_of_a_live_receipt_cannot_enter_another_one_at_any_keeper() external {
        bytes32 live = issued();
        bytes32[] memory keys = units(keccak256("coil 9"), keccak256("coil 2"));
        tryIssue(
            another(keccak256("elsewhere"), keys),
            keys,
            noArrivals(),
            abi.encodeWithSelector(IGoodsIndex.GoodsAlreadyClaimed.selector, keccak256("coil 2"), tag(live))
        );
    }

    function test_a_place_of_a_live_receipt_cannot_enter_another_one() external {
        bytes32 live = issued();
        bytes32[] memory keys = units(keccak256("coil 8"), keccak256("coil 9"));
        tryIssue(
            another(CELL, keys),
            keys,
            noArrivals(),
            abi.encodeWithSelector(IGoodsIndex.GoodsAlreadyClaimed.selector, CELL, tag(live))
        );
    }

    function test_one_unit_cannot_stand_twice_in_a_receipt() external {
        bytes32[] memory keys = units(keccak256("coil 9"), keccak256("coil 9"));
        Issue memory value = another(keccak256("elsewhere"), keys);
        bytes28 itself = tag(issueDigest(value));
        tryIssue(
            value, keys, noArrivals(), abi.encodeWithSelector(IGoodsIndex.GoodsAlreadyClaimed.selector, keys[0], itself)
        );
    }

    function test_a_missing_key_is_refused() external {
        bytes32[] memory keys = units(keccak256("coil 9"), 0);
        tryIssue(
            another(keccak256("elsewhere"), keys),
            keys,
            noArrivals(),
            abi.encodeWithSelector(IGoodsIndex.KeyMissing.selector)
        );
    }

    function test_a_receipt_holds_at_most_64_units() external {
        bytes32[] memory keys = new bytes32[](65);
        for (uint256 i = 0; i < 65; ++i) keys[i] = keccak256(abi.encode(i));
        tryIssue(
            another(keccak256("elsewhere"), keys),
            keys,
            noArrivals(),
            abi.encodeWithSelector(IGoodsIndex.TooManyKeys.selector, 66)
        );
        tryIssue(another(keccak256("elsewhere"), coils()), coils(), new ObservationProof[](66),
            abi.encodeWithSelector(IGoodsIndex.TooManyKeys.selector, 66));
    }

    function test_only_desks_claim_and_free() external {
        refuse(abi.encodeWithSelector(IWiring.NotWired.selector, 0, address(this)));
        goods.claim(keccak256("id"), coils(), 0, new Arrival[](0));
        refuse(abi.encodeWithSelector(IWiring.NotWired.selector, 0, address(this)));
        goods.free(keccak256("id"), coils());
    }

    function test_delivered_goods_need_an_arrival_to_come_back() external {
        Issue memory first = anIssue();
        bytes32 live = issued(first, coils());
        delivered(live, first, coils());
        bytes32[] memory keys = units(keccak256("coil 9"), keccak256("coil 2"));
        tryIssue(
            another(keccak256("elsewhere"), keys),
            keys,
            noArrivals(),
            abi.encodeWithSelector(IGoodsIndex.ArrivalUnproven.selector, keccak256("coil 2"), tag(live), 2)
        );
    }

    function test_an_arrival_counts_only_when_anchored_and_proven() external {
        bytes32[] memory keys = units(keccak256("coil 9"), keccak256("coil 2"));
        Issue memory value = another(keccak256("elsewhere"), keys);
        ObservationProof[] memory list = arrival(keccak256("coil 2"), 2, ObservationFlag.PASS);
        bytes32 roundId = keccak256(abi.encode(GATE, list[0].observation.slot));
        tryIssue(value, keys, list, abi.encodeWithSelector(IAttestationHub.RoundUnknown.selector, roundId));
        anchored(list);
        list[0].observation.value = 3;
        tryIssue(value, keys, list, abi.encodeWithSelector(IAttestationHub.ObservationUnproven.selector, roundId, 0));
        list[0].observation.metric = keccak256("weight");
        tryIssue(
            value, keys, list, abi.encodeWithSelector(IIssueDesk.NotAnArrival.selector, keccak256("weight"), 1)
        );
        list[0].observation.metric = INBOUND;
        list[0].observation.flag = ObservationFlag.SUSPECT;
        tryIssue(value, keys, list, abi.encodeWithSelector(IIssueDesk.NotAnArrival.selector, INBOUND, 3));
        list[0].observation.flag = ObservationFlag.PASS;
        list[0].observation.value = 0;
        tryIssue(value, keys, list, abi.encodeWithSelector(IIssueDesk.NotAnArrival.selector, INBOUND, 1));
    }

    function test_the_arrival_of_the_last_stay_does_not_serve_again() external {
        Issue memory first = anIssue();
        bytes32 live = issued(first, coils());
        delivered(live, first, coils());
        bytes32[] memory keys = units(keccak256("coil 9"), keccak256("coil 2"));
        ObservationProof[] memory old = anchored(arrival(keccak256("coil 2"), 1, ObservationFlag.PASS));
        tryIssue(
            another(keccak256("elsewhere"), keys),
            keys,
            old,
            abi.encodeWithSelector(IGoodsIndex.ArrivalUnproven.selector, keccak256("coil 2"), tag(live), 2)
        );
    }

    function test_goods_that_came_in_anew_enter_a_new_receipt() external {
        Issue memory first = anIssue();
        delivered(issued(first, coils()), first, coils());
        bytes32[] memory keys = units(keccak256("coil 9"), keccak256("coil 2"));
        Issue memory value = another(keccak256("elsewhere"), keys);
        tryIssue(value, keys, anchored(arrival(keccak256("coil 2"), 2, ObservationFlag.PASS)), "");
        uint256 tagged = uint256(issueDigest(value)) >> 32 << 32;
        vm.assertEq(goods.claims(keccak256("coil 2")), tagged | 3);
        vm.assertEq(goods.claims(keccak256("coil 9")), tagged | 1);
    }

    function test_claims_are_listed_in_one_event() external {
        Issue memory value = anIssue();
        bytes32[] memory keys = new bytes32[](3);
        (keys[0], keys[1], keys[2]) = (CELL, coils()[0], coils()[1]);
        bytes memory signatures = by(OWNER, KEEPER, issueDigest(value));
        vm.expectEmit(address(goods));
        emit IGoodsIndex.GoodsClaimed(issueDigest(value), keys);
        issueDesk.issue(value, coils(), noArrivals(), signatures);
    }
}
