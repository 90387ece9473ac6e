// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Kit.sol";

contract DeliverTest is Kit {
    bytes32 private receipt;

    function setUp() public override {
        super.setUp();
        receipt = issued();
    }

    function refuseDelivery(Delivery memory value, bytes memory error_) private {
        bytes memory signatures =
            by(value.holder, value.keeper, digestAt(address(receipts), Consents.hash(value)));
        Issue memory issue_ = anIssue();
        refuse(error_);
        deliveryDesk.deliver(value, issue_, coils(), signatures);
    }

    function test_another_receipts_issue_is_refused() external {
        Delivery memory value = aDelivery(receipt);
        Issue memory issue_ = anIssue();
        issue_.quantity = 1;
        refuse(abi.encodeWithSelector(IDeliveryDesk.IssueDiffers.selector, issueDigest(issue_), receipt));
        deliveryDesk.deliver(value, issue_, coils(), "");
    }

    function test_all_units_must_be_given() external {
        Delivery memory value = aDelivery(receipt);
        Issue memory issue_ = anIssue();
        refuse(abi.encodeWithSelector(IDeliveryDesk.UnitKeysDiffer.selector, keccak256(""), issue_.unitKeysHash));
        deliveryDesk.deliver(value, issue_, new bytes32[](0), "");
    }

    function test_pledged_goods_do_not_leave() external {
        pledged(receipt);
        refuseDelivery(
            aDelivery(receipt), abi.encodeWithSelector(IReceiptErrors.AlreadyPledged.selector, receipt, 1)
        );
    }

    function test_held_goods_do_not_leave() external {
        vm.prank(account(KEEPER));
        holdDesk.place(receipt, ReceiptHold.MANUAL, keccak256("order"));
        refuseDelivery(aDelivery(receipt), abi.encodeWithSelector(IReceiptErrors.ReceiptHeld.selector, receipt, 8));
    }

    function test_an_order_for_another_state_of_the_receipt_is_refused() external {
        Delivery memory value = aDelivery(receipt);
        value.seq = 2;
        refuseDelivery(value, abi.encodeWithSelector(IReceiptErrors.StaleConsent.selector, receipt, 2, 1));
    }

    function test_holder_and_keeper_are_the_receipts() external {
        Delivery memory value = aDelivery(receipt);
        value.holder = OTHER_OWNER;
        refuseDelivery(value, abi.encodeWithSelector(IReceiptErrors.NotOwner.selector, receipt, OTHER_OWNER));
        value = aDelivery(receipt);
        value.keeper = OTHER_KEEPER;
        refuseDelivery(value, abi.encodeWithSelector(IReceiptErrors.NotKeeper.selector, receipt, OTHER_KEEPER));
    }

    function test_goods_leave_by_consent_of_both() external {
        Delivery memory value = aDelivery(receipt);
        Issue memory issue_ = anIssue();
        bytes32 digest = digestAt(address(receipts), Consents.hash(value));
        bytes memory signatures = bytes.concat(by(OWNER, digest), sign(STRANGER, digest));
        refuse(notConsented(KEEPER, STRANGER));
        deliveryDesk.deliver(value, issue_, coils(), signatures);
    }

    function test_only_its_desk_ends_a_receipt() external {
        refuse(abi.encodeWithSelector(IWiring.NotWired.selector, ReceiptActs.DELIVER, address(this)));
        receipts.deliver(receipt, "");
        refuse(abi.encodeWithSelector(IWiring.NotWired.selector, ReceiptActs.CANCEL, address(this)));
        receipts.cancel(receipt, "");
    }

    function test_delivered_goods_are_gone_and_their_keys_are_free() external {
        bytes32 head = headIn(receipts, receipt);
        Delivery memory value = aDelivery(receipt);
        delivered(receipt, anIssue(), coils());
        uint256 word = receipts.wordOf(receipt);
        vm.assertEq(field(word, 96, 8), ReceiptStatus.DELIVERED);
        vm.assertEq(headIn(receipts, receipt), nextHead(head, 2, ReceiptActs.DELIVER, word, abi.encode(value)));
        vm.assertEq(receipts.balanceOf(participants.entityAddress(OWNER)), 0);
        vm.assertEq(goods.claims(CELL), (uint256(receipt) >> 32 << 32) | 2);
        vm.assertEq(goods.claims(coils()[0]), (uint256(receipt) >> 32 << 32) | 2);
        refuseDelivery(
            aDelivery(receipt), abi.encodeWithSelector(IReceiptErrors.ReceiptNotActive.selector, receipt, 2)
        );
    }
}
