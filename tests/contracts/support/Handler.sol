// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Credit.sol";

/// @dev Plays random acts, right and wrong ones, beside a model of its own. A refusal that the model does not expect fails,
/// and so does an act that it expects to be refused.
contract Handler is Credit {
    uint256 internal constant KEYS = 7;
    bytes32 internal constant INBOUND = keccak256("goods.inbound");
    bytes32 internal constant ORDER = keccak256("order");

    struct Life {
        bytes32 id;
        bool live;
        uint256 keys;
        uint32 holds;
        uint16 pledgesEver;
        bytes32 livePledge;
    }

    struct KeyModel {
        bytes32 holder;
        bool held;
        uint32 stays;
        uint32 arrivals;
    }

    Life[] public lives;
    KeyModel[KEYS] public keys;
    bytes32[] public pledgeIds;
    mapping(address => mapping(bytes32 => bytes32)) public heads;
    mapping(address => mapping(bytes32 => uint32)) public seqs;
    mapping(address => mapping(bytes32 => uint256)) public words;
    Cover[] public coversTaken;
    bytes32 public facility;
    uint32 public facilityHolds;
    uint16 public drawsDone;
    uint256 public done;

    mapping(uint256 => Issue) private _issues;
    mapping(uint256 => Pledge) private _pledges;
    mapping(uint256 => ObservationProof) private _arrivals;
    bytes32[2] private _reviews;
    uint32[2] private _reviewSeqs;
    uint64 private _slot = T0;
    uint256 private _salt;

    constructor() {
        setUp();
        facility = opened(aFacility(_rule(0), _rule(1)));
        heads[address(book)][facility] = headIn(book, facility);
        seqs[address(book)][facility] = 1;
        words[address(book)][facility] = book.wordOf(facility);
        engine.setBreaker(WINDOW, type(uint32).max, type(uint32).max);
    }

    modifier step() {
        vm.roll(block.number + 1);
        vm.warp(block.timestamp + 7);
        vm.recordLogs();
        _;
        _follow();
    }

    function livesCount() external view returns (uint256) {
        return lives.length;
    }

    function coversCount() external view returns (uint256) {
        return coversTaken.length;
    }

    function pledgesCount() external view returns (uint256) {
        return pledgeIds.length;
    }

    function keyOf(uint256 i) public pure returns (bytes32) {
        return keccak256(abi.encode("key", i));
    }

    function contractsOf() external view returns (IReceiptRegistry, IGoodsIndex, IPledgeRegistry, ICreditBook, address) {
        return (receipts, goods, pledges, book, participants.entityAddress(OWNER));
    }

    // --- acts ---------------------------------------------------------------------------------------------------

    function issue(uint256 mask) external step {
        (Issue memory value, bytes32[] memory units_) = _draft(mask);
        bool expected = _allFree(_keysIn(mask), 0);
        bytes32 id = issueDigest(value);
        bytes memory signatures = by(OWNER, KEEPER, id);
        bytes memory call_ = abi.encodeCall(issueDesk.issue, (value, units_, _proofs(_keysIn(mask)), signatures));
        _expect(address(issueDesk), call_, expected);
        if (expected) _born(id, mask, value);
    }

    function replace(uint256 which, uint256 mask) external step {
        if (lives.length == 0) return;
        which %= lives.length;
        (Issue memory value,) = _draft(mask);
        value.replaces = lives[which].id;
        bytes32 id = issueDigest(value);
        bool expected = _unencumbered(which) && _allFree(_keysIn(mask), lives[which].id);
        _expect(address(issueDesk), _replaceCall(value, mask, which), expected);
        if (!expected) return;
        lives[which].live = false;
        uint256 left = _keysIn(lives[which].keys) & ~_keysIn(mask);
        for (uint256 i = 0; i < KEYS; ++i) {
            if ((left >> i) & 1 == 1) (keys[i].held, keys[i].stays) = (false, keys[i].stays + 1);
        }
        _born(id, mask, value);
    }

    function pledge(uint256 which, bool stale) external step {
        if (lives.length == 0) return;
        which %= lives.length;
        Pledge memory value = aPledge(lives[which].id);
        value.termsHash = bytes32(++_salt);
        if (stale) value.seq -= 1;
        bytes memory signatures = pledgeSigned(value);
        bool expected = !stale && _unencumbered(which);
        _expect(address(pledges), abi.encodeCall(pledges.pledge, (value, signatures)), expected);
        if (!expected) return;
        lives[which].livePledge = pledgeDigest(value);
        ++lives[which].pledgesEver;
        pledgeIds.push(pledgeDigest(value));
        _pledges[which] = value;
    }

    function release(uint256 which) external step {
        if (lives.length == 0) return;
        which %= lives.length;
        Pledge memory value = _pledges[which];
        Release memory release_ = aRelease(value);
        bytes32 digest = digestAt(address(receipts), Consents.hash(release_));
        bytes memory signatures = value.pledgee == 0 ? bytes("") : by(value.pledgee, digest);
        bool expected = lives[which].livePledge != 0;
        _expect(address(pledges), abi.encodeCall(pledges.release, (release_, value, signatures)), expected);
        if (expected) lives[which].livePledge = 0;
    }

    function hold(uint256 which, bool court) external step {
        _holdOrClear(which, court, true);
    }

    function clearHold(uint256 which, bool court) external step {
        _holdOrClear(which, court, false);
    }

    function deliver(uint256 which) external step {
        if (lives.length == 0) return;
        which %= lives.length;
        Delivery memory value = aDelivery(lives[which].id);
        bytes memory signatures = by(OWNER, KEEPER, digestAt(address(receipts), Consents.hash(value)));
        bool expected = _unencumbered(which);
        Issue memory old = _issues[which];
        bytes memory call_ =
            abi.encodeCall(deliveryDesk.deliver, (value, old, _units(lives[which].keys), signatures));
        _expect(address(deliveryDesk), call_, expected);
        if (!expected) return;
        lives[which].live = false;
        for (uint256 i = 0; i < KEYS; ++i) {
            if ((_keysIn(lives[which].keys) >> i) & 1 == 1) {
                (keys[i].held, keys[i].stays) = (false, keys[i].stays + 1);
            }
        }
    }

    function arrive(uint256 i) external step {
        i %= KEYS;
        ++keys[i].arrivals;
        _slot += HOUR;
        Observation memory seen = Observation(
            GATES, _slot, keyOf(i), INBOUND, int64(uint64(keys[i].arrivals)), 1, 3, 0, keccak256("salt")
        );
        _arrivals[i] = anchored(seen);
    }

    function draw() external step {
        Drawdown memory value = aDrawdown(facility, drawsDone);
        bool expected = facilityHolds == 0;
        _expect(address(book), abi.encodeCall(book.draw, (value, drawSigned(value))), expected);
        if (expected) ++drawsDone;
    }

    /// @dev Periods of a few days from one of many; without the lender's consent in one case of four.
    function cover(uint256 seed) external step {
        Cover memory value;
        (value.insurer, value.insured, value.facility) = (INSURER, seed & 4 == 0 ? OWNER : BANK, facility);
        (value.rules, value.termsHash, value.draftedAt) = (uint32(seed & 3), bytes32(++_salt), nowMs());
        value.start = uint64(seed >> 8) % 64;
        value.end = value.start + 1 + uint64(seed >> 16) % 8;
        bool expected = (seed >> 3) & 3 != 3;
        for (uint256 i = 0; i < coversTaken.length; ++i) {
            if (coversTaken[i].rules & value.rules != 0 && value.start < coversTaken[i].end) expected = false;
        }
        bytes32 digest = digestAt(address(covers), Consents.hash(value));
        bytes memory signatures = by(INSURER, (seed >> 3) & 3 == 3 ? OWNER : BANK, OWNER, digest);
        _expect(address(covers), abi.encodeCall(covers.register, (value, signatures)), expected);
        if (expected) coversTaken.push(value);
    }

    function fire(uint256 which) external step {
        uint8 index = uint8(which % 2);
        _slot += 10 * HOUR;
        ObservationProof[][] memory evidence = lightAndMoved(_slot);
        _slot += 2 * HOUR;
        bytes32[] memory path = proofOf(ruleLeaves(_rule(0), _rule(1)), index);
        bool expected = (facilityHolds >> index) & 1 == 0;
        uint32 seq = uint32(book.wordOf(facility) >> 128) + 1;
        _expect(
            address(engine), abi.encodeCall(engine.execute, (facility, _rule(index), path, evidence, "")), expected
        );
        if (!expected) return;
        facilityHolds |= uint32(1) << index;
        (_reviews[index], _reviewSeqs[index]) = (reviewOf(facility, seq), seq);
    }

    function decide(uint256 which, bool fresh) external step {
        uint8 index = uint8(which % 2);
        if (_reviews[index] == 0) return;
        uint64 takenAt = fresh ? nowMs() : uint64(START * 1000);
        Inspection memory inspection = Inspection(facility, INSPECTOR, keccak256("recount"), takenAt);
        bytes32 inspected = digestAt(address(board), Consents.hash(inspection));
        Decision memory value = Decision(_reviews[index], Verdict.CLEAR, bytes32(++_salt), inspected, nowMs());
        bytes memory signatures = by(BANK, INSURER, digestAt(address(board), Consents.hash(value)));
        bool expected = fresh && (facilityHolds >> index) & 1 == 1;
        bytes memory call_ = abi.encodeCall(
            board.decide,
            (
                value,
                facility,
                _reviewSeqs[index],
                inspection,
                by(INSPECTOR, inspected),
                Consents.parties(BANK, INSURER),
                signatures
            )
        );
        _expect(address(board), call_, expected);
        if (expected) facilityHolds &= ~(uint32(1) << index);
    }

    // --- the model ----------------------------------------------------------------------------------------------

    function _rule(uint8 index) private pure returns (Rule memory) {
        return twoKinds(index, RuleAction.HOLD);
    }

    /// @dev The place (bits 0-1 of the mask choose one of three) and the units (bits 2-5) as a set of key numbers.
    function _keysIn(uint256 mask) internal pure returns (uint256) {
        return (uint256(1) << (mask & 3) % 3) | (((mask >> 2) & 15) << 3);
    }

    function keysOf(uint256 mask) external pure returns (uint256) {
        return _keysIn(mask);
    }

    function _units(uint256 mask) private pure returns (bytes32[] memory list) {
        uint256 count = 0;
        for (uint256 i = 0; i < 4; ++i) count += (mask >> (2 + i)) & 1;
        list = new bytes32[](count);
        for (uint256 i = 4; i > 0; --i) if ((mask >> (1 + i)) & 1 == 1) list[--count] = keyOf(2 + i);
    }

    function _draft(uint256 mask) private returns (Issue memory value, bytes32[] memory units_) {
        units_ = _units(mask);
        value = anIssue();
        value.contentHash = bytes32(++_salt);
        value.positionKey = keyOf((mask & 3) % 3);
        value.unitKeysHash = keccak256(abi.encodePacked(units_));
    }

    function _allFree(uint256 set, bytes32 replaced) private view returns (bool) {
        for (uint256 i = 0; i < KEYS; ++i) {
            if ((set >> i) & 1 == 0 || (replaced != 0 && keys[i].holder == replaced)) continue;
            if (keys[i].held || (keys[i].stays > 0 && keys[i].arrivals <= keys[i].stays)) return false;
        }
        return true;
    }

    function _proofs(uint256 set) private view returns (ObservationProof[] memory list) {
        uint256 count = 0;
        for (uint256 i = 0; i < KEYS; ++i) if ((set >> i) & 1 == 1 && keys[i].arrivals > 0) ++count;
        list = new ObservationProof[](count);
        for (uint256 i = 0; i < KEYS; ++i) {
            if ((set >> i) & 1 == 1 && keys[i].arrivals > 0) list[--count] = _arrivals[i];
        }
    }

    function _replaceCall(Issue memory value, uint256 mask, uint256 which) private view returns (bytes memory) {
        bytes memory signatures = by(OWNER, KEEPER, issueDigest(value));
        ObservationProof[] memory seen = _proofs(_keysIn(mask));
        bytes32[] memory units_ = _units(mask);
        return abi.encodeWithSelector(
            issueDesk.replace.selector, value, units_, seen, signatures, _issues[which], _units(lives[which].keys)
        );
    }

    function _unencumbered(uint256 which) private view returns (bool) {
        return lives[which].live && lives[which].holds == 0 && lives[which].livePledge == 0;
    }

    function _born(bytes32 id, uint256 mask, Issue memory value) private {
        _issues[lives.length] = value;
        lives.push(Life(id, true, mask, 0, 0, 0));
        for (uint256 i = 0; i < KEYS; ++i) {
            if ((_keysIn(mask) >> i) & 1 == 1) (keys[i].holder, keys[i].held) = (id, true);
        }
    }

    function _holdOrClear(uint256 which, bool court, bool place) private {
        if (lives.length == 0) return;
        which %= lives.length;
        uint8 bit = court ? ReceiptHold.COURT : ReceiptHold.MANUAL;
        bool set = (lives[which].holds >> bit) & 1 == 1;
        bool expected = lives[which].live && set != place;
        bytes32 id = lives[which].id;
        bytes memory call_ = place
            ? abi.encodeCall(holdDesk.place, (id, bit, ORDER))
            : abi.encodeCall(holdDesk.clear, (id, bit, ORDER, keccak256("lifted")));
        vm.prank(account(court ? REGULATOR : KEEPER));
        _expect(address(holdDesk), call_, expected);
        if (expected) lives[which].holds ^= uint32(1) << bit;
    }

    function _expect(address target, bytes memory call_, bool expected) private {
        (bool passed, bytes memory answer) = target.call(call_);
        if (passed == expected) {
            if (passed) ++done;
            else vm.getRecordedLogs(); // forge also records what a refused call emitted
            return;
        }
        assembly {
            if answer { revert(add(answer, 0x20), mload(answer)) }
        }
    }

    /// @dev Chains every transition that was emitted, as a reader of the chain would.
    function _follow() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IHistory.Transition.selector) continue;
            (uint32 seq, uint256 word, bytes memory data) = abi.decode(logs[i].data, (uint32, uint256, bytes));
            (address from, bytes32 id) = (logs[i].emitter, logs[i].topics[1]);
            vm.assertEq(seq, ++seqs[from][id]);
            vm.assertEq(word >> 128 & 0xffffffff, seq);
            heads[from][id] = nextHead(heads[from][id], seq, uint8(uint256(logs[i].topics[2])), word, data);
            words[from][id] = word;
        }
    }
}
