// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Credit.sol";

/// @dev Gas of each act as one transaction: 21000, calldata and cold storage included. Compared with contracts/gas/*.json.
/// forge-config: default.isolate = true
contract GasTest is Credit {
    bytes32 private receipt;

    function snap(string memory name) private {
        vm.snapshotGasLastCall("acts", name);
    }

    function numbered(uint256 n) private view returns (Issue memory value, bytes32[] memory keys) {
        value = anIssue();
        value.contentHash = keccak256(abi.encode("content", n));
        value.positionKey = keccak256(abi.encode("cell", n));
        keys = new bytes32[](0);
        value.unitKeysHash = keccak256("");
    }

    function test_participants() external {
        participants.register(EntityKind.BANK, keccak256("new"), address(0xbeef));
        snap("register entity");
        vm.prank(account(BANK));
        participants.addAccount(BANK, address(0xf4e5), AccountRole.SIGNER);
        snap("add account");
        vm.prank(account(BANK));
        participants.revokeAccount(address(0xf4e5));
        snap("revoke account");
        vm.prank(account(BANK));
        participants.withdrawDraft(keccak256("draft"));
        snap("withdraw draft");
    }

    function test_receipts() external {
        for (uint256 i = 0; i < 2; ++i) {
            (Issue memory value, bytes32[] memory none) = numbered(i);
            bytes memory consents = by(OWNER, KEEPER, issueDigest(value));
            issueDesk.issue(value, none, noArrivals(), consents);
            snap(i == 0 ? "issue, 2 consents, 1 key, first of its owner" : "issue, 2 consents, 1 key");
        }
        Issue memory first = anIssue();
        bytes memory signatures = by(OWNER, KEEPER, issueDigest(first));
        receipt = issueDesk.issue(first, coils(), noArrivals(), signatures);
        snap("issue, 2 consents, 3 keys");
        Pledge memory pledge_ = aPledge(receipt);
        signatures = pledgeSigned(pledge_);
        pledges.pledge(pledge_, signatures);
        snap("pledge, 3 consents");
        Release memory release_ = aRelease(pledge_);
        signatures = by(BANK, digestAt(address(receipts), Consents.hash(release_)));
        pledges.release(release_, pledge_, signatures);
        snap("release");
        vm.prank(account(KEEPER));
        holdDesk.place(receipt, ReceiptHold.MANUAL, keccak256("order"));
        snap("hold a receipt");
        vm.prank(account(KEEPER));
        holdDesk.clear(receipt, ReceiptHold.MANUAL, keccak256("order"), keccak256("lifted"));
        snap("clear a receipt's hold");
        Issue memory successor = anIssue();
        successor.replaces = receipt;
        bytes32 id = issueDigest(successor);
        signatures = by(OWNER, KEEPER, id);
        issueDesk.replace(successor, coils(), noArrivals(), signatures, first, coils());
        snap("cancel and replace, 3 keys");
        Delivery memory delivery = aDelivery(id);
        signatures = by(OWNER, KEEPER, digestAt(address(receipts), Consents.hash(delivery)));
        deliveryDesk.deliver(delivery, successor, coils(), signatures);
        snap("deliver, 3 keys");
    }

    function anchorWith(uint256 n, uint8 f, string memory name) private {
        address[] memory list = new address[](n);
        for (uint256 i = 0; i < n; ++i) list[i] = vm.addr(oracleKey(i));
        hub.setOracles(list, f);
        Round memory round = Round(hub.configDigest(), SCALES, T0 + uint64(n), keccak256("root"), 9);
        bytes32 digest = digestAt(address(hub), Consents.hash(round));
        bytes memory signatures;
        for (uint256 i = 0; i <= f; ++i) signatures = bytes.concat(signatures, sign(oracleKey(i), digest));
        hub.anchor(SCALES, round.slot, round.root, 9, uint32((1 << (f + 1)) - 1), signatures);
        snap(name);
    }

    function test_rounds_and_fleets() external {
        anchorWith(4, 1, "anchor 2 of 4");
        anchorWith(7, 2, "anchor 3 of 7");
        anchorWith(31, 10, "anchor 11 of 31");
        Round memory round = Round(0, SCALES, T0 + 4, keccak256("root"), 9);
        hub.anchor(SCALES, round.slot, round.root, 9, 0, "");
        snap("anchor the same root again");
        for (uint32 epoch = 1; epoch < 3; ++epoch) {
            Fleet memory fleet = Fleet(KEEPER, epoch, 4, 0, keccak256(abi.encode(epoch)), 0, nowMs());
            bytes memory signatures = by(KEEPER, digestAt(address(fleets), Consents.hash(fleet)));
            fleets.setFleet(fleet, signatures);
            snap(epoch == 1 ? "set a fleet, first" : "set a fleet");
        }
    }

    /// @dev `count` rounds whose trees are 17 deep, as with a hundred thousand leaves.
    function deepRun(uint64 from, uint256 count) private returns (ObservationProof[][] memory evidence) {
        evidence = new ObservationProof[][](1);
        evidence[0] = new ObservationProof[](count);
        for (uint256 i = 0; i < count; ++i) {
            Observation memory seen = weighed(from + uint64(i) * HOUR, 9000, 1);
            bytes32[] memory proof = new bytes32[](17);
            bytes32 node = leafOf(abi.encode(uint8(1), seen));
            for (uint256 d = 0; d < 17; ++d) {
                proof[d] = keccak256(abi.encode(i, d));
                node = join(node, proof[d]);
            }
            Round memory round = Round(hub.configDigest(), SCALES, seen.slot, node, 1 << 17);
            bytes32 digest = digestAt(address(hub), Consents.hash(round));
            bytes memory signatures = bytes.concat(sign(oracleKey(0), digest), sign(oracleKey(1), digest));
            hub.anchor(SCALES, seen.slot, node, 1 << 17, 3, signatures);
            evidence[0][i] = ObservationProof(seen, 0, proof);
        }
    }

    function test_rules() external {
        Rule memory three = oneKind(0, RuleAction.NOTIFY, 3);
        Rule memory seven = oneKind(1, RuleAction.NOTIFY, 7);
        seven.windowMs = 10 * HOUR;
        bytes32 facility = opened(aFacility(three, seven));
        ObservationProof[][] memory evidence = deepRun(T0, 3);
        bytes32[] memory path = proofOf(ruleLeaves(three, seven), 0);
        engine.execute(facility, three, path, evidence, "");
        snap("rule, 3 rounds of depth 17, notify");
        evidence = deepRun(T0 + 50 * HOUR, 7);
        path = proofOf(ruleLeaves(three, seven), 1);
        engine.execute(facility, seven, path, evidence, "");
        snap("rule, 7 rounds of depth 17, notify");
        three = oneKind(0, RuleAction.HOLD, 3);
        three.singleKind = true;
        Rule memory defers = oneKind(1, RuleAction.DEFER, 3);
        facility = opened(aFacility(three, defers));
        evidence = deepRun(T0 + 100 * HOUR, 3);
        path = proofOf(ruleLeaves(three, defers), 0);
        engine.execute(facility, three, path, evidence, "");
        snap("rule, 3 rounds of depth 17, hold and review");
        path = proofOf(ruleLeaves(three, defers), 1);
        engine.execute(facility, defers, path, evidence, deferData(0));
        snap("rule, 3 rounds of depth 17, defer");
    }

    function test_credit() external {
        Facility memory value = aFacility(twoKinds(0, RuleAction.HOLD), oneKind(1, RuleAction.DEFER, 3));
        bytes memory signatures = by(BANK, OWNER, facilityDigest(value));
        bytes32 facility = book.openFacility(value, signatures);
        snap("open a facility");
        Drawdown memory drawdown = aDrawdown(facility, 0);
        signatures = drawSigned(drawdown);
        book.draw(drawdown, signatures);
        snap("draw");
        Repayment memory repayment = Repayment(facility, 0, keccak256("amount"), nowMs());
        signatures = by(BANK, digestAt(address(book), Consents.hash(repayment)));
        book.repay(repayment, signatures);
        snap("repay, first instalment");
        Cover memory cover = Cover(INSURER, OWNER, facility, 2, keccak256("policy"), T0, DUE, nowMs());
        signatures = by(INSURER, BANK, OWNER, digestAt(address(covers), Consents.hash(cover)));
        covers.register(cover, signatures);
        snap("register a cover");
        receipt = issued();
        Pledge memory pledge_ = aPledge(receipt);
        pledge_.facility = facility;
        signatures = pledgeSigned(pledge_);
        pledges.pledge(pledge_, signatures);
        snap("pledge for a facility, 3 consents");
    }

    function test_review() external {
        (bytes32 facility, bytes32 review) = held();
        vm.warp(START + 1 hours);
        Inspection memory inspection = Inspection(facility, INSPECTOR, keccak256("recount"), nowMs());
        bytes32 inspected = digestAt(address(board), Consents.hash(inspection));
        Decision memory value = Decision(review, Verdict.CLEAR, keccak256("reason"), inspected, nowMs());
        bytes memory signatures = by(BANK, INSURER, digestAt(address(board), Consents.hash(value)));
        bytes memory inspector = by(INSPECTOR, inspected);
        uint256 members = Consents.parties(BANK, INSURER);
        board.decide(value, facility, 2, inspection, inspector, members, signatures);
        snap("decide a review, 2 members and an inspector, clear");
    }
}
