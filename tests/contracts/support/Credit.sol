// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Kit.sol";

/// @dev A facility with two rules and two instalments, and rounds of observations to fire them.
abstract contract Credit is Kit {
    bytes32 internal constant SCALES = keccak256("schema scales");
    bytes32 internal constant GATES = keccak256("schema gates");
    bytes32 internal constant COIL = keccak256("coil 1");
    bytes32 internal constant WEIGHT = keccak256("weight");
    bytes32 internal constant MOVED = keccak256("moved");
    uint64 internal constant HOUR = 3_600_000;
    uint64 internal constant T0 = 1_296_000_000_000;
    uint64 internal constant DUE = T0 + 1000 * HOUR;

    function leafOf(bytes memory data) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"00", data));
    }

    function join(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"01", left, right));
    }

    /// @dev Root of a padded tree of any size, made level by level.
    function rootOf(bytes32[] memory leaves) internal pure returns (bytes32) {
        uint256 size = 1;
        while (size < leaves.length) size *= 2;
        bytes32[] memory level = padded(leaves, size);
        for (; size > 1; size /= 2) {
            for (uint256 i = 0; i < size / 2; ++i) level[i] = join(level[2 * i], level[2 * i + 1]);
        }
        return level[0];
    }

    function proofOf(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory proof) {
        uint256 size = 1;
        uint256 depth = 0;
        while (size < leaves.length) (size, depth) = (size * 2, depth + 1);
        proof = new bytes32[](depth);
        bytes32[] memory level = padded(leaves, size);
        for (uint256 d = 0; d < depth; ++d) {
            proof[d] = level[(index >> d) ^ 1];
            size /= 2;
            for (uint256 i = 0; i < size; ++i) level[i] = join(level[2 * i], level[2 * i + 1]);
        }
    }

    function padded(bytes32[] memory leaves, uint256 size) private pure returns (bytes32[] memory level) {
        level = new bytes32[](size);
        for (uint256 i = 0; i < size; ++i) level[i] = i < leaves.length ? leaves[i] : keccak256(hex"00");
    }

    // --- rules --------------------------------------------------------------------------------------------------

    function lightFor(uint8 count) internal pure returns (Condition memory) {
        return Condition({
            schema: SCALES,
            subject: COIL,
            metric: WEIGHT,
            periodMs: HOUR,
            kind: 1,
            comparator: Comparator.BELOW,
            count: count,
            missingSkips: true,
            flagMask: 2,
            threshold: 9900
        });
    }

    function movedOnce() internal pure returns (Condition memory) {
        return Condition({
            schema: GATES,
            subject: COIL,
            metric: MOVED,
            periodMs: 0,
            kind: 2,
            comparator: Comparator.AT_LEAST,
            count: 1,
            missingSkips: false,
            flagMask: 2,
            threshold: 1
        });
    }

    function aRule(uint8 index, uint8 action) internal pure returns (Rule memory rule) {
        rule.index = index;
        rule.action = action;
        rule.parameter = 30;
        rule.windowMs = 5 * HOUR;
        rule.clause = keccak256("clause");
        rule.salt = keccak256(abi.encode("salt", index));
    }

    /// @dev Both light and moved.
    function twoKinds(uint8 index, uint8 action) internal pure returns (Rule memory rule) {
        rule = aRule(index, action);
        rule.conditions = new Condition[](2);
        (rule.conditions[0], rule.conditions[1]) = (lightFor(2), movedOnce());
    }

    function oneKind(uint8 index, uint8 action, uint8 count) internal pure returns (Rule memory rule) {
        rule = aRule(index, action);
        rule.conditions = new Condition[](1);
        rule.conditions[0] = lightFor(count);
    }

    function ruleLeaves(Rule memory first, Rule memory second) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](2);
        (leaves[0], leaves[1]) = (leafOf(abi.encode(first)), leafOf(abi.encode(second)));
    }

    function instalmentLeaves() internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](2);
        leaves[0] = leafOf(abi.encode(uint16(0), T0, DUE, keccak256("amount 0")));
        leaves[1] = leafOf(abi.encode(uint16(1), DUE, DUE + 1000 * HOUR, keccak256("amount 1")));
    }

    function deferData(uint16 ordinal) internal pure returns (bytes memory) {
        uint64 start = ordinal == 0 ? T0 : DUE;
        bytes32 amount = ordinal == 0 ? keccak256("amount 0") : keccak256("amount 1");
        return abi.encode(ordinal, start, start + 1000 * HOUR, amount, proofOf(instalmentLeaves(), ordinal));
    }

    // --- facilities ---------------------------------------------------------------------------------------------

    function aFacility(Rule memory first, Rule memory second) internal view returns (Facility memory) {
        return Facility({
            lender: BANK,
            borrower: OWNER,
            panel: PANEL,
            rules: 2,
            instalments: 2,
            termsHash: keccak256("terms"),
            rulesRoot: rootOf(ruleLeaves(first, second)),
            scheduleRoot: rootOf(instalmentLeaves()),
            draftedAt: nowMs()
        });
    }

    function facilityDigest(Facility memory value) internal view returns (bytes32) {
        return digestAt(address(book), Consents.hash(value));
    }

    function opened(Facility memory value) internal returns (bytes32) {
        return book.openFacility(value, by(value.lender, value.borrower, facilityDigest(value)));
    }

    function opened() internal returns (bytes32) {
        return opened(aFacility(twoKinds(0, RuleAction.HOLD), oneKind(1, RuleAction.DEFER, 3)));
    }

    function aDrawdown(bytes32 facility, uint16 number) internal view returns (Drawdown memory) {
        return Drawdown(facility, number, keccak256("amount"), nowMs());
    }

    function drawSigned(Drawdown memory value) internal view returns (bytes memory) {
        return by(BANK, OWNER, digestAt(address(book), Consents.hash(value)));
    }

    function repaid(bytes32 facility, uint16 instalment) internal {
        Repayment memory value = Repayment(facility, instalment, keccak256("amount"), nowMs());
        book.repay(value, by(BANK, digestAt(address(book), Consents.hash(value))));
    }

    // --- evidence -----------------------------------------------------------------------------------------------

    function weighed(uint64 slot, int64 value, uint8 flag) internal pure returns (Observation memory) {
        return Observation(SCALES, slot, COIL, WEIGHT, value, flag, 3, keccak256("sources"), keccak256("salt"));
    }

    function moved(uint64 slot) internal pure returns (Observation memory) {
        return Observation(GATES, slot, COIL, MOVED, 1, 1, 3, keccak256("sources"), keccak256("salt"));
    }

    /// @dev Anchors a round of this observation and three other leaves, and proves it at index 2.
    function anchored(Observation memory seen) internal returns (ObservationProof memory made) {
        bytes32[] memory leaves = new bytes32[](4);
        for (uint256 i = 0; i < 4; ++i) leaves[i] = leafOf(abi.encode("other leaf", seen.slot, i));
        leaves[2] = leafOf(abi.encode(uint8(1), seen));
        made = ObservationProof(seen, 2, proofOf(leaves, 2));
        bytes32 root = rootOf(leaves);
        Round memory round = Round(hub.configDigest(), seen.schema, seen.slot, root, 4);
        bytes32 digest = digestAt(address(hub), Consents.hash(round));
        bytes memory signatures = bytes.concat(sign(oracleKey(0), digest), sign(oracleKey(3), digest));
        hub.anchor(seen.schema, seen.slot, root, 4, 9, signatures);
    }

    /// @dev `count` light hours in a row from a slot.
    function lightRun(uint64 from, uint256 count) internal returns (ObservationProof[] memory run) {
        run = new ObservationProof[](count);
        for (uint256 i = 0; i < count; ++i) run[i] = anchored(weighed(from + uint64(i) * HOUR, 9000, 1));
    }

    function lightAndMoved(uint64 from) internal returns (ObservationProof[][] memory evidence) {
        evidence = new ObservationProof[][](2);
        evidence[0] = lightRun(from, 2);
        evidence[1] = new ObservationProof[](1);
        evidence[1][0] = anchored(moved(from + HOUR));
    }

    function lightOnly(uint64 from, uint256 count) internal returns (ObservationProof[][] memory evidence) {
        evidence = new ObservationProof[][](1);
        evidence[0] = lightRun(from, count);
    }

    function firingOf(Rule memory rule, ObservationProof[][] memory evidence) internal pure returns (bytes memory) {
        Observation[][] memory observations = new Observation[][](evidence.length);
        for (uint256 i = 0; i < evidence.length; ++i) {
            observations[i] = new Observation[](evidence[i].length);
            for (uint256 j = 0; j < evidence[i].length; ++j) observations[i][j] = evidence[i][j].observation;
        }
        return abi.encode(rule, observations);
    }

    function reviewOf(bytes32 facility, uint32 seq) internal pure returns (bytes32) {
        return keccak256(abi.encode(facility, seq));
    }

    /// @dev A facility held by its rule 0.
    function held() internal returns (bytes32 facility, bytes32 review) {
        facility = opened();
        Rule memory rule = twoKinds(0, RuleAction.HOLD);
        bytes32[] memory proof = proofOf(ruleLeaves(rule, oneKind(1, RuleAction.DEFER, 3)), 0);
        engine.execute(facility, rule, proof, lightAndMoved(T0), "");
        review = reviewOf(facility, 2);
    }
}
