// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "../../../contracts/interfaces/IAttestationHub.sol";
import "../../../contracts/interfaces/ICoverBook.sol";
import "../../../contracts/interfaces/ICreditBook.sol";
import "../../../contracts/interfaces/IDesks.sol";
import "../../../contracts/interfaces/IDeviceRegistry.sol";
import "../../../contracts/interfaces/IGoodsIndex.sol";
import "../../../contracts/interfaces/IHistory.sol";
import "../../../contracts/interfaces/IParticipantRegistry.sol";
import "../../../contracts/interfaces/IPledgeRegistry.sol";
import "../../../contracts/interfaces/IReceiptRegistry.sol";
import "../../../contracts/interfaces/IReviewBoard.sol";
import "../../../contracts/interfaces/IRuleEngine.sol";
import {Consents} from "../../../contracts/libraries/Consents.sol";
import {Vm} from "./Vm.sol";

interface IAccess {
    error AccessManagedUnauthorized(address caller);

    function setTargetFunctionRole(address target, bytes4[] calldata selectors, uint64 role) external;
    function grantRole(uint64 role, address account, uint32 delay) external;
}

interface IAdministered {
    function wire(uint8 part, address contract_) external;
}

/// @dev The whole consortium, deployed from the artifacts as contracts/README.md says, with its parties and their keys.
abstract contract Kit {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint32 internal constant BANK = 1;
    uint32 internal constant OTHER_BANK = 2;
    uint32 internal constant KEEPER = 3;
    uint32 internal constant OTHER_KEEPER = 4;
    uint32 internal constant OWNER = 5;
    uint32 internal constant OTHER_OWNER = 6;
    uint32 internal constant INSURER = 7;
    uint32 internal constant INSPECTOR = 8;
    uint32 internal constant REGULATOR = 9;
    uint16 internal constant PANEL = 7;
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant STRANGER = 0x57a;
    uint64 internal constant REVIEW_PERIOD = 3 days;
    uint32 internal constant WINDOW = 1 hours;
    uint32 internal constant LENDER_LIMIT = 2;
    uint32 internal constant CONSORTIUM_LIMIT = 3;
    bytes32 internal constant CELL = keccak256("cell A-01");

    address internal access;
    IParticipantRegistry internal participants;
    IGoodsIndex internal goods;
    IReceiptRegistry internal receipts;
    IAttestationHub internal hub;
    IDeviceRegistry internal fleets;
    IIssueDesk internal issueDesk;
    IDeliveryDesk internal deliveryDesk;
    IPledgeRegistry internal pledges;
    IHoldDesk internal holdDesk;
    ICreditBook internal book;
    ICoverBook internal covers;
    IReviewBoard internal board;
    IRuleEngine internal engine;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(100);
        deployAll();
        wireAll();
        registerAll();
        address[] memory list = new address[](4);
        for (uint256 i = 0; i < 4; ++i) list[i] = vm.addr(oracleKey(i));
        hub.setOracles(list, 1);
        uint32[] memory members = new uint32[](3);
        (members[0], members[1], members[2]) = (BANK, INSURER, REGULATOR);
        board.setPanel(PANEL, 2, members);
    }

    // --- deployment ---------------------------------------------------------------------------------------------

    function deploy(string memory name, bytes memory arguments) internal returns (address made) {
        bytes memory code = bytes.concat(vm.getCode(string.concat("contracts/artifacts/", name, ".json")), arguments);
        assembly {
            made := create(0, add(code, 0x20), mload(code))
        }
        require(made != address(0), name);
    }

    function deployAll() internal {
        access = deploy("ConsortiumAccess", abi.encode(address(this)));
        participants = IParticipantRegistry(deploy("ParticipantRegistry", abi.encode(access)));
        goods = IGoodsIndex(deploy("GoodsIndex", abi.encode(access)));
        receipts = IReceiptRegistry(deploy("ReceiptRegistry", abi.encode(access, participants)));
        hub = IAttestationHub(deploy("AttestationHub", abi.encode(access)));
        fleets = IDeviceRegistry(deploy("DeviceRegistry", abi.encode(participants)));
        issueDesk = IIssueDesk(deploy("IssueDesk", abi.encode(receipts, participants, goods, hub)));
        deliveryDesk = IDeliveryDesk(deploy("DeliveryDesk", abi.encode(receipts, participants, goods)));
        book = ICreditBook(deploy("CreditBook", abi.encode(access, participants)));
        pledges = IPledgeRegistry(deploy("PledgeRegistry", abi.encode(receipts, participants, book)));
        holdDesk = IHoldDesk(deploy("HoldDesk", abi.encode(receipts, participants)));
        covers = ICoverBook(deploy("CoverBook", abi.encode(access, participants, book)));
        board = IReviewBoard(deploy("ReviewBoard", abi.encode(access, participants, book, REVIEW_PERIOD)));
        engine = IRuleEngine(
            deploy(
                "RuleEngine",
                abi.encode(access, hub, book, board, covers, WINDOW, LENDER_LIMIT, CONSORTIUM_LIMIT)
            )
        );
    }

    function wireAll() internal {
        receipts.wire(ReceiptActs.ISSUE, address(issueDesk));
        receipts.wire(ReceiptActs.PLEDGE, address(pledges));
        receipts.wire(ReceiptActs.RELEASE, address(pledges));
        receipts.wire(ReceiptActs.DELIVER, address(deliveryDesk));
        receipts.wire(ReceiptActs.CANCEL, address(issueDesk));
        receipts.wire(ReceiptActs.HOLD, address(holdDesk));
        receipts.wire(ReceiptActs.CLEAR_HOLD, address(holdDesk));
        goods.wire(1, address(issueDesk));
        goods.wire(2, address(deliveryDesk));
        book.wire(CreditParts.RULE_ENGINE, address(engine));
        book.wire(CreditParts.REVIEW_BOARD, address(board));
        board.wire(ReviewParts.RULE_ENGINE, address(engine));
        covers.wire(CoverParts.RULE_ENGINE, address(engine));
        bytes4[] memory selectors = new bytes4[](5);
        selectors[0] = participants.register.selector;
        selectors[1] = participants.addAccount.selector;
        selectors[2] = participants.revokeAccount.selector;
        selectors[3] = participants.setGroup.selector;
        selectors[4] = participants.setStatus.selector;
        IAccess(access).setTargetFunctionRole(address(participants), selectors, 1);
        IAccess(access).grantRole(1, address(this), 0);
    }

    function registerAll() internal {
        enter(BANK, EntityKind.BANK);
        enter(OTHER_BANK, EntityKind.BANK);
        enter(KEEPER, EntityKind.KEEPER);
        enter(OTHER_KEEPER, EntityKind.KEEPER);
        enter(OWNER, EntityKind.DEPOSITOR);
        enter(OTHER_OWNER, EntityKind.DEPOSITOR);
        enter(INSURER, EntityKind.INSURER);
        enter(INSPECTOR, EntityKind.INSPECTOR);
        enter(REGULATOR, EntityKind.REGULATOR);
    }

    function enter(uint32 entity, uint8 kind) internal {
        vm.assertEq(participants.register(kind, keccak256(abi.encode("LEI", entity)), account(entity)), entity);
    }

    // --- keys and consents --------------------------------------------------------------------------------------

    function key(uint32 entity) internal pure returns (uint256) {
        return 0xA0000 + entity;
    }

    function account(uint32 entity) internal pure returns (address) {
        return vm.addr(key(entity));
    }

    function oracleKey(uint256 position) internal pure returns (uint256) {
        return 0xC0000 + position;
    }

    function sign(uint256 key_, bytes32 digest) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(key_, digest);
        return abi.encodePacked(r, vs);
    }

    function by(uint32 a, bytes32 digest) internal pure returns (bytes memory) {
        return sign(key(a), digest);
    }

    function by(uint32 a, uint32 b, bytes32 digest) internal pure returns (bytes memory) {
        return bytes.concat(by(a, digest), by(b, digest));
    }

    function by(uint32 a, uint32 b, uint32 c, bytes32 digest) internal pure returns (bytes memory) {
        return bytes.concat(by(a, b, digest), by(c, digest));
    }

    function digestAt(address contract_, bytes32 structHash) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Cangdan"),
                keccak256("1"),
                block.chainid,
                contract_
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function nowMs() internal view returns (uint64) {
        return uint64(block.timestamp * 1000);
    }

    function refuse(bytes memory error_) internal {
        vm.expectRevert(error_);
    }

    function notConsented(uint32 entity, uint256 signerKey) internal pure returns (bytes memory) {
        address signer = signerKey == 0 ? address(0) : vm.addr(signerKey);
        return abi.encodeWithSelector(IParticipantRegistry.NotConsented.selector, entity, signer);
    }

    function unauthorized(address caller) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccess.AccessManagedUnauthorized.selector, caller);
    }

    // --- receipts -----------------------------------------------------------------------------------------------

    function units(bytes32 a, bytes32 b) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](2);
        (list[0], list[1]) = (a, b);
    }

    function coils() internal pure returns (bytes32[] memory) {
        return units(keccak256("coil 1"), keccak256("coil 2"));
    }

    function anIssue() internal view returns (Issue memory) {
        return Issue({
            contentHash: keccak256("content"),
            depositor: OWNER,
            keeper: KEEPER,
            profile: 3,
            flags: 9,
            quantity: 25_000,
            positionKey: CELL,
            unitKeysHash: keccak256(abi.encodePacked(coils())),
            replaces: 0,
            draftedAt: nowMs()
        });
    }

    function issueDigest(Issue memory value) internal view returns (bytes32) {
        return digestAt(address(receipts), Consents.hash(value));
    }

    function noArrivals() internal pure returns (ObservationProof[] memory) {
        return new ObservationProof[](0);
    }

    function issued() internal returns (bytes32) {
        return issued(anIssue(), coils());
    }

    function issued(Issue memory value, bytes32[] memory keys) internal returns (bytes32) {
        bytes memory signatures = by(value.depositor, value.keeper, issueDigest(value));
        return issueDesk.issue(value, keys, noArrivals(), signatures);
    }

    function receiptSeq(bytes32 receipt) internal view returns (uint32) {
        return uint32(receipts.wordOf(receipt) >> 128);
    }

    function aPledge(bytes32 receipt) internal view returns (Pledge memory) {
        return Pledge({
            receipt: receipt,
            seq: receiptSeq(receipt),
            pledgor: OWNER,
            keeper: KEEPER,
            pledgee: BANK,
            facility: 0,
            termsHash: keccak256("terms"),
            draftedAt: nowMs()
        });
    }

    function pledgeDigest(Pledge memory value) internal view returns (bytes32) {
        return digestAt(address(receipts), Consents.hash(value));
    }

    function pledgeSigned(Pledge memory value) internal view returns (bytes memory) {
        return by(value.pledgor, value.keeper, value.pledgee, pledgeDigest(value));
    }

    function pledged(bytes32 receipt) internal returns (Pledge memory value, bytes32 id) {
        value = aPledge(receipt);
        id = pledges.pledge(value, pledgeSigned(value));
    }

    function aRelease(Pledge memory value) internal view returns (Release memory) {
        return Release({pledge: pledgeDigest(value), pledgeSeq: 1, pledgee: value.pledgee, draftedAt: nowMs()});
    }

    function released(Pledge memory value) internal {
        Release memory release_ = aRelease(value);
        pledges.release(release_, value, by(value.pledgee, digestAt(address(receipts), Consents.hash(release_))));
    }

    function aDelivery(bytes32 receipt) internal view returns (Delivery memory) {
        return Delivery({
            receipt: receipt,
            seq: receiptSeq(receipt),
            holder: OWNER,
            keeper: KEEPER,
            orderHash: keccak256("delivery order"),
            draftedAt: nowMs()
        });
    }

    function delivered(bytes32 receipt, Issue memory issue_, bytes32[] memory keys) internal {
        Delivery memory value = aDelivery(receipt);
        bytes memory signatures = by(OWNER, KEEPER, digestAt(address(receipts), Consents.hash(value)));
        deliveryDesk.deliver(value, issue_, keys, signatures);
    }

    /// @dev The head after one more transition in this block.
    function nextHead(bytes32 head, uint32 seq, uint8 act, uint256 word, bytes memory data)
        internal
        view
        returns (bytes32)
    {
        bytes32 digest = keccak256(abi.encode(act, word, block.number, block.timestamp, keccak256(data)));
        return keccak256(abi.encode(head, seq, digest));
    }

    function wordIn(IHistory contract_, bytes32 id) internal view returns (uint256 word) {
        (word,) = contract_.records(id);
    }

    function headIn(IHistory contract_, bytes32 id) internal view returns (bytes32 head) {
        (, head) = contract_.records(id);
    }

    function field(uint256 word, uint256 offset, uint256 bits) internal pure returns (uint256) {
        return (word >> offset) & ((1 << bits) - 1);
    }
}
