// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract HoldTest is Kit {
    bytes32 private constant ORDER = keccak256("order");
    bytes32 private constant LIFTED = keccak256("order lifted");
    bytes32 private receipt;

    function setUp() public override {
        super.setUp();
        receipt = issued();
    }

    function place(uint32 entity, uint8 bit, bytes memory error_) private {
        if (error_.length != 0) refuse(error_);
        vm.prank(account(entity));
        holdDesk.place(receipt, bit, ORDER);
    }

    function clear(uint32 entity, uint8 bit, bytes32 order, bytes memory error_) private {
        if (error_.length != 0) refuse(error_);
        vm.prank(account(entity));
        holdDesk.clear(receipt, bit, order, LIFTED);
    }

    function notAuthority(uint8 bit, uint32 entity) private view returns (bytes memory) {
        return abi.encodeWithSelector(IHoldDesk.NotAuthority.selector, receipt, bit, entity);
    }

    function test_a_stranger_places_nothing() external {
        refuse(abi.encodeWithSelector(IParticipantRegistry.AccountUnknown.selector, address(this)));
        holdDesk.place(receipt, ReceiptHold.COURT, ORDER);
    }

    function test_each_bit_has_its_authority() external {
        place(BANK, ReceiptHold.COURT, notAuthority(ReceiptHold.COURT, BANK));
        place(REGULATOR, ReceiptHold.MANUAL, notAuthority(ReceiptHold.MANUAL, REGULATOR));
        place(OTHER_KEEPER, ReceiptHold.MANUAL, notAuthority(ReceiptHold.MANUAL, OTHER_KEEPER));
        place(KEEPER, ReceiptHold.TAMPER, notAuthority(ReceiptHold.TAMPER, KEEPER));
        place(REGULATOR, ReceiptHold.DEVICE_FAULT, notAuthority(ReceiptHold.DEVICE_FAULT, REGULATOR));
    }

    function test_an_order_is_named_to_place_and_to_clear() external {
        refuse(abi.encodeWithSelector(IHoldDesk.OrderMissing.selector));
        vm.prank(account(KEEPER));
        holdDesk.place(receipt, ReceiptHold.MANUAL, 0);
        refuse(abi.encodeWithSelector(IHoldDesk.OrderMissing.selector));
        vm.prank(account(KEEPER));
        holdDesk.clear(receipt, ReceiptHold.MANUAL, ORDER, 0);
    }

    function test_a_hold_is_placed_once_on_a_live_receipt() external {
        place(KEEPER, ReceiptHold.MANUAL, "");
        place(KEEPER, ReceiptHold.MANUAL, abi.encodeWithSelector(IReceiptRegistry.HoldUnchanged.selector, receipt, 3));
        clear(KEEPER, ReceiptHold.MANUAL, ORDER, "");
        delivered(receipt, anIssue(), coils());
        place(KEEPER, ReceiptHold.MANUAL, abi.encodeWithSelector(IReceiptErrors.ReceiptNotActive.selector, receipt, 2));
    }

    function test_a_hold_is_cleared_by_its_own_authority_under_its_own_order() external {
        participants.register(EntityKind.REGULATOR, keccak256("another court"), account(10));
        place(REGULATOR, ReceiptHold.COURT, "");
        bytes memory differs = abi.encodeWithSelector(IHoldDesk.OrderDiffers.selector, receipt, ReceiptHold.COURT);
        clear(10, ReceiptHold.COURT, ORDER, differs);
        clear(REGULATOR, ReceiptHold.COURT, LIFTED, differs);
        clear(REGULATOR, ReceiptHold.COURT, ORDER, "");
        clear(REGULATOR, ReceiptHold.COURT, ORDER, differs);
    }

    function test_only_its_desk_holds() external {
        refuse(abi.encodeWithSelector(IWiring.NotWired.selector, ReceiptActs.HOLD, address(this)));
        receipts.hold(receipt, 1, "");
        refuse(abi.encodeWithSelector(IWiring.NotWired.selector, ReceiptActs.CLEAR_HOLD, address(this)));
        receipts.clearHold(receipt, 1, "");
    }

    function test_the_kernel_knows_32_bits_and_releases_only_live_pledges() external {
        IReceiptRegistry own =
            IReceiptRegistry(deploy("ReceiptRegistry", abi.encode(access, participants)));
        for (uint8 act = 1; act <= 7; ++act) own.wire(act, address(this));
        own.issue(receipt, anIssue());
        refuse(abi.encodeWithSelector(IReceiptRegistry.HoldBitUnknown.selector, 32));
        own.hold(receipt, 32, "");
        refuse(abi.encodeWithSelector(IReceiptRegistry.HoldUnchanged.selector, receipt, 1));
        own.clearHold(receipt, 1, "");
        refuse(abi.encodeWithSelector(IReceiptRegistry.NoLivePledge.selector, receipt));
        own.release(receipt, "");
    }

    function test_holds_stand_in_the_history_and_lock_only_at_the_edges() external {
        vm.recordLogs();
        place(KEEPER, ReceiptHold.MANUAL, "");
        place(REGULATOR, ReceiptHold.COURT, "");
        bytes32 head = headIn(receipts, receipt);
        vm.assertEq(field(receipts.wordOf(receipt), 64, 32), 9);
        clear(KEEPER, ReceiptHold.MANUAL, ORDER, "");
        bytes memory data = abi.encode(HoldOrder(receipt, ReceiptHold.MANUAL, KEEPER, ORDER, LIFTED));
        uint256 word = receipts.wordOf(receipt);
        vm.assertEq(field(word, 64, 32), 1);
        vm.assertEq(headIn(receipts, receipt), nextHead(head, 4, ReceiptActs.CLEAR_HOLD, word, data));
        clear(REGULATOR, ReceiptHold.COURT, ORDER, "");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 locks;
        uint256 unlocks;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IReceiptRegistry.Locked.selector) ++locks;
            if (logs[i].topics[0] == IReceiptRegistry.Unlocked.selector) ++unlocks;
        }
        vm.assertEq(locks, 1);
        vm.assertEq(unlocks, 1);
    }
}
