// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Handler.sol";

/// @dev What docs/invariants.md promises, after any sequence of acts.
contract InvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    Handler private handler;
    IReceiptRegistry private receipts;
    IGoodsIndex private goods;
    IPledgeRegistry private pledges;
    ICreditBook private book;
    address private owner;

    function setUp() external {
        handler = new Handler();
        (receipts, goods, pledges, book, owner) = handler.contractsOf();
    }

    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        list[0].addr = address(handler);
        list[0].selectors = new bytes4[](12);
        list[0].selectors[0] = Handler.issue.selector;
        list[0].selectors[1] = Handler.replace.selector;
        list[0].selectors[2] = Handler.pledge.selector;
        list[0].selectors[3] = Handler.release.selector;
        list[0].selectors[4] = Handler.hold.selector;
        list[0].selectors[5] = Handler.clearHold.selector;
        list[0].selectors[6] = Handler.deliver.selector;
        list[0].selectors[7] = Handler.arrive.selector;
        list[0].selectors[8] = Handler.draw.selector;
        list[0].selectors[9] = Handler.fire.selector;
        list[0].selectors[10] = Handler.decide.selector;
        list[0].selectors[11] = Handler.cover.selector;
    }

    /// @dev Every act of the handler can succeed, so the invariants are not empty.
    function test_each_act_of_the_handler_can_succeed() external {
        handler.issue(0x0c);
        handler.pledge(0, false);
        handler.release(0);
        handler.hold(0, true);
        handler.clearHold(0, true);
        handler.replace(0, 0x14);
        handler.draw();
        handler.fire(1);
        handler.decide(1, true);
        handler.deliver(1);
        vm.assertEq(handler.done(), 10);
        for (uint256 i = 0; i < 7; ++i) {
            handler.arrive(i);
            handler.arrive(i);
        }
        handler.issue(0x14);
        vm.assertEq(handler.done(), 11);
        vm.assertEq(handler.livesCount(), 3);
        handler.pledge(2, false);
        handler.pledge(2, false);
        handler.pledge(2, true);
        handler.hold(2, true);
        handler.issue(0x04);
        handler.deliver(2);
        vm.assertEq(handler.done(), 13);
        handler.cover(0x0001);
        handler.cover(0x0002);
        handler.cover(0x0103);
        handler.cover(0x0203);
        handler.cover(0x0319);
        vm.assertEq(handler.coversCount(), 4);
    }

    function invariant_a_key_belongs_to_at_most_one_live_receipt() external view {
        uint256[7] memory claimed;
        for (uint256 i = 0; i < handler.livesCount(); ++i) {
            (bytes32 id,, uint256 mask,,,) = handler.lives(i);
            if (field(receipts.wordOf(id), 96, 8) != ReceiptStatus.ACTIVE) continue;
            for (uint256 k = 0; k < 7; ++k) {
                if ((handler.keysOf(mask) >> k) & 1 == 0) continue;
                ++claimed[k];
                uint256 word = goods.claims(handler.keyOf(k));
                vm.assertEq(word >> 32, uint256(id) >> 32);
                vm.assertEq(word & 1, 1);
            }
        }
        for (uint256 k = 0; k < 7; ++k) {
            vm.assertTrue(claimed[k] <= 1);
            vm.assertEq(goods.claims(handler.keyOf(k)) & 1, claimed[k]);
            (,, uint32 stays,) = handler.keys(k);
            vm.assertEq((goods.claims(handler.keyOf(k)) & 0xffffffff) / 2, stays);
        }
    }

    function invariant_live_pledges_are_counted_exactly() external view {
        for (uint256 i = 0; i < handler.livesCount(); ++i) {
            (bytes32 id,,,, uint16 ever,) = handler.lives(i);
            uint256 live = 0;
            uint256 all = 0;
            for (uint256 p = 0; p < handler.pledgesCount(); ++p) {
                uint256 word = pledges.pledges(handler.pledgeIds(p));
                if (word >> 160 != uint256(id) >> 160) continue;
                ++all;
                if (field(word, 96, 8) == PledgeStatus.LIVE) ++live;
            }
            vm.assertEq(field(receipts.wordOf(id), 104, 8), live);
            vm.assertEq(field(receipts.wordOf(id), 112, 16), all);
            vm.assertEq(all, ever);
            vm.assertTrue(live <= 1);
        }
    }

    function invariant_word_and_head_are_the_chain_of_transitions() external view {
        for (uint256 i = 0; i < handler.livesCount(); ++i) {
            (bytes32 id,,,,,) = handler.lives(i);
            (uint256 word, bytes32 head) = receipts.records(id);
            vm.assertEq(head, handler.heads(address(receipts), id));
            vm.assertEq(word, handler.words(address(receipts), id));
        }
        bytes32 facility = handler.facility();
        (uint256 last, bytes32 chained) = book.records(facility);
        vm.assertEq(chained, handler.heads(address(book), facility));
        vm.assertEq(last, handler.words(address(book), facility));
    }

    function invariant_an_owners_balance_is_its_live_receipts() external view {
        uint256 live = 0;
        for (uint256 i = 0; i < handler.livesCount(); ++i) {
            (bytes32 id, bool alive,, uint32 holds,, bytes32 pledge) = handler.lives(i);
            uint256 word = receipts.wordOf(id);
            vm.assertEq(field(word, 64, 32), holds);
            vm.assertTrue((field(word, 96, 8) == ReceiptStatus.ACTIVE) == alive);
            if (!alive) continue;
            ++live;
            vm.assertEq(receipts.ownerOf(uint256(id)), owner);
            vm.assertTrue(receipts.locked(uint256(id)) == (holds != 0 || pledge != 0));
        }
        vm.assertEq(receipts.balanceOf(owner), live);
    }

    function invariant_a_held_facility_does_not_draw() external view {
        uint256 word = book.wordOf(handler.facility());
        vm.assertEq(field(word, 64, 32), handler.facilityHolds());
        vm.assertEq(field(word, 176, 16), handler.drawsDone());
    }

    function invariant_a_rule_has_at_most_one_cover_at_a_time() external view {
        uint256[2] memory takers;
        for (uint64 slot = 0; slot < 72; ++slot) {
            (takers[0], takers[1]) = (0, 0);
            for (uint256 i = 0; i < handler.coversCount(); ++i) {
                (,,, uint32 rules,, uint64 start, uint64 end,) = handler.coversTaken(i);
                if (slot < start || slot >= end) continue;
                for (uint256 rule = 0; rule < 2; ++rule) takers[rule] += (rules >> rule) & 1;
            }
            vm.assertTrue(takers[0] <= 1 && takers[1] <= 1);
        }
    }

    function field(uint256 word, uint256 offset, uint256 bits) private pure returns (uint256) {
        return (word >> offset) & ((1 << bits) - 1);
    }
}
