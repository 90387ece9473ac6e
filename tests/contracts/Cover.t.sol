// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./support/Credit.sol";

contract CoverTest is Credit {
    uint32 private constant FRIEND = 10;

    bytes32 private facility;

    function ruleOf(uint8 index) private pure returns (Rule memory) {
        return oneKind(index, RuleAction.OPEN_CLAIM, 3);
    }

    function setUp() public override {
        super.setUp();
        facility = opened(aFacility(ruleOf(0), ruleOf(1)));
        engine.setBreaker(WINDOW, 1000, 1000);
        enter(FRIEND, EntityKind.INSURER);
    }

    function aCover() private view returns (Cover memory) {
        return Cover(INSURER, OWNER, facility, 1, keccak256("policy"), T0, T0 + 100 * HOUR, nowMs());
    }

    function coverDigest(Cover memory value) private view returns (bytes32) {
        return digestAt(address(covers), Consents.hash(value));
    }

    function register(Cover memory value, bytes memory error_) private returns (bytes32) {
        bytes memory signatures = by(value.insurer, BANK, OWNER, coverDigest(value));
        if (error_.length != 0) refuse(error_);
        return covers.register(value, signatures);
    }

    function claim(bytes32 cover, uint64 from, bytes memory error_) private {
        ObservationProof[][] memory evidence = lightOnly(from, 3);
        bytes32[] memory path = proofOf(ruleLeaves(ruleOf(0), ruleOf(1)), 0);
        Rule memory rule = ruleOf(0);
        if (error_.length != 0) refuse(error_);
        engine.execute(facility, rule, path, evidence, abi.encode(cover));
    }

    function decide(ClaimDecision memory value, uint32 signer, bytes memory error_) private {
        bytes memory signatures = by(signer, digestAt(address(covers), Consents.hash(value)));
        if (error_.length != 0) refuse(error_);
        covers.decideClaim(value, signatures);
    }

    function test_the_same_consents_register_once() external {
        bytes32 id = register(aCover(), "");
        register(aCover(), abi.encodeWithSelector(ICoverBook.CoverExists.selector, id));
    }

    function test_nobody_insures_itself() external {
        Cover memory value = aCover();
        value.insured = INSURER;
        register(value, abi.encodeWithSelector(ICoverBook.SameParty.selector, INSURER));
    }

    function test_a_cover_ends_after_it_starts() external {
        Cover memory value = aCover();
        value.end = value.start;
        register(value, abi.encodeWithSelector(ICoverBook.PeriodWrong.selector, T0, T0));
    }

    function test_a_cover_is_of_an_open_facility() external {
        Cover memory value = aCover();
        value.facility = keccak256("nowhere");
        register(value, abi.encodeWithSelector(ICreditBook.FacilityNotOpen.selector, value.facility, 0));
        vm.prank(account(BANK));
        book.close(facility);
        register(aCover(), abi.encodeWithSelector(ICreditBook.FacilityNotOpen.selector, facility, 2));
    }

    function test_only_the_lender_or_the_borrower_is_insured_on_a_facility() external {
        Cover memory value = aCover();
        value.insured = OTHER_OWNER;
        register(value, abi.encodeWithSelector(ICoverBook.NotPartyOfFacility.selector, facility, OTHER_OWNER));
        value.insured = BANK;
        register(value, "");
    }

    function test_a_cover_names_only_rules_that_the_facility_has() external {
        Cover memory value = aCover();
        value.rules = 5;
        register(value, abi.encodeWithSelector(ICoverBook.RulesUnknown.selector, facility, 5));
    }

    function test_a_rule_has_one_cover_at_a_time() external {
        Cover memory value = aCover();
        register(value, "");
        value.rules = 3;
        value.start = value.end - 1;
        value.end += 100 * HOUR;
        bytes memory error_ =
            abi.encodeWithSelector(ICoverBook.RuleCovered.selector, facility, 0, value.start + 1);
        register(value, error_);
        value.start = T0 - 200 * HOUR;
        value.end = T0 - 100 * HOUR;
        register(value, abi.encodeWithSelector(ICoverBook.RuleCovered.selector, facility, 0, T0 + 100 * HOUR));
        vm.assertEq(covers.coveredUntil(facility, 1), 0);
    }

    function test_another_rule_has_another_cover_at_the_same_time_and_the_next_follows_without_a_gap() external {
        Cover memory value = aCover();
        register(value, "");
        value.rules = 2;
        register(value, "");
        value.rules = 3;
        (value.start, value.end) = (value.end, value.end + HOUR);
        register(value, "");
        vm.assertEq(covers.coveredUntil(facility, 0), value.end);
        vm.assertEq(covers.coveredUntil(facility, 1), value.end);
    }

    function test_a_cover_without_rules_takes_no_claim_and_stands_in_nobodys_way() external {
        Cover memory value = aCover();
        value.rules = 0;
        bytes32 id = register(value, "");
        claim(id, T0, abi.encodeWithSelector(ICoverBook.WrongRule.selector, id, 0));
        register(aCover(), "");
    }

    function test_only_an_insurer_insures() external {
        Cover memory value = aCover();
        value.insurer = BANK;
        register(value, abi.encodeWithSelector(IParticipantRegistry.WrongKind.selector, BANK, 1, 3));
    }

    function test_lender_borrower_and_insurer_consent_whoever_is_insured() external {
        Cover memory value = aCover();
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 digest = coverDigest(value);
            bytes memory forged = bytes.concat(by(INSURER, digest), sign(STRANGER, digest), by(OWNER, digest));
            refuse(notConsented(BANK, STRANGER));
            covers.register(value, forged);
            refuse(notConsented(OWNER, STRANGER));
            covers.register(value, bytes.concat(by(INSURER, BANK, digest), sign(STRANGER, digest)));
            refuse(notConsented(INSURER, STRANGER));
            covers.register(value, bytes.concat(sign(STRANGER, digest), by(BANK, OWNER, digest)));
            value.insured = BANK;
        }
    }

    function test_borrower_and_a_second_insurer_cannot_steer_a_claim_of_the_lenders() external {
        bytes32 id = register(aCover(), "");
        Cover memory cheap = aCover();
        cheap.insurer = FRIEND;
        cheap.termsHash = keccak256("next to nothing");
        bytes memory two = by(FRIEND, OWNER, coverDigest(cheap));
        refuse(abi.encodeWithSelector(IParticipantRegistry.SignatureCount.selector, 2, 128));
        covers.register(cheap, two);
        refuse(notConsented(BANK, key(OWNER)));
        covers.register(cheap, bytes.concat(two, by(OWNER, coverDigest(cheap))));
        cheap.rules = 2;
        bytes32 other = covers.register(cheap, by(FRIEND, BANK, OWNER, coverDigest(cheap)));
        claim(other, T0, abi.encodeWithSelector(ICoverBook.WrongRule.selector, other, 0));
        vm.assertEq(engine.lastSlot(facility, 0), 0);
        claim(id, T0, "");
        vm.assertEq(covers.claimState(id, 0), ClaimState.OPEN);
    }

    function test_the_same_evidence_opens_one_claim() external {
        bytes32 id = register(aCover(), "");
        ObservationProof[][] memory evidence = lightOnly(T0, 3);
        bytes32[] memory path = proofOf(ruleLeaves(ruleOf(0), ruleOf(1)), 0);
        engine.execute(facility, ruleOf(0), path, evidence, abi.encode(id));
        Rule memory rule = ruleOf(0);
        refuse(abi.encodeWithSelector(IRuleEngine.EvidenceNotNewer.selector, T0, T0 + 2 * HOUR));
        engine.execute(facility, rule, path, evidence, abi.encode(id));
    }

    function testFuzz_at_any_moment_at_most_one_cover_takes_a_rules_claims(uint256 seed) external {
        bytes32[6] memory ids;
        for (uint256 i = 0; i < 6; ++i) {
            Cover memory value = aCover();
            value.termsHash = bytes32(i);
            value.rules = uint32(seed >> (32 * i)) & 3;
            value.start = T0 + uint64(seed >> (32 * i + 2)) % 10 + uint64(2 * i);
            value.end = value.start + 1 + uint64(seed >> (32 * i + 8)) % 5;
            bytes memory signatures = by(INSURER, BANK, OWNER, coverDigest(value));
            try covers.register(value, signatures) returns (bytes32 id) {
                ids[i] = id;
            } catch {}
        }
        vm.assertTrue(ids[0] != 0);
        for (uint256 at = 0; at < 48; ++at) {
            uint256 takers = 0;
            for (uint256 i = 0; i < 6; ++i) {
                if (ids[i] == 0) continue;
                vm.prank(address(engine));
                try covers.openClaim(ids[i], facility, uint8(at & 1), 0, T0 + uint64(at / 2)) {
                    ++takers;
                } catch {}
            }
            vm.assertTrue(takers <= 1);
        }
    }

    function test_a_cover_has_its_word_terms_and_history() external {
        Cover memory value = aCover();
        bytes32 id = register(value, "");
        uint256 word = INSURER | (uint256(OWNER) << 32) | (uint256(1) << 96) | (uint256(1) << 128);
        vm.assertEq(wordIn(covers, id), word);
        vm.assertEq(headIn(covers, id), nextHead(0, 1, CoverActs.REGISTER, word, abi.encode(value)));
        (bytes32 covered, uint64 start, uint64 end, uint32 rules, uint256 states) = covers.terms(id);
        vm.assertEq(rules, 1);
        vm.assertEq(covered, facility);
        vm.assertEq(start, T0);
        vm.assertEq(end, T0 + 100 * HOUR);
        vm.assertEq(states, 0);
    }

    function test_only_the_engine_opens_claims() external {
        bytes32 id = register(aCover(), "");
        refuse(abi.encodeWithSelector(IWiring.NotWired.selector, 1, address(this)));
        covers.openClaim(id, facility, 0, 0, T0);
    }

    function test_a_claim_names_a_cover_of_this_facility() external {
        claim(keccak256("none"), T0, abi.encodeWithSelector(ICoverBook.CoverUnknown.selector, keccak256("none")));
        Cover memory value = aCover();
        Facility memory another = aFacility(ruleOf(1), ruleOf(0));
        value.facility = opened(another);
        bytes32 id = register(value, "");
        claim(id, T0 + 10 * HOUR, abi.encodeWithSelector(ICoverBook.WrongFacility.selector, id, facility));
    }

    function test_evidence_outside_the_covers_period_opens_no_claim() external {
        bytes32 id = register(aCover(), "");
        bytes memory error_ = abi.encodeWithSelector(ICoverBook.CoverNotInForce.selector, id, T0 + 100 * HOUR);
        claim(id, T0 + 98 * HOUR, error_);
        claim(id, T0 - 3 * HOUR, abi.encodeWithSelector(ICoverBook.CoverNotInForce.selector, id, T0 - HOUR));
    }

    function test_a_cover_has_at_most_64_claims() external {
        bytes32 id = register(aCover(), "");
        for (uint256 i = 0; i < 64; ++i) {
            vm.prank(address(engine));
            covers.openClaim(id, facility, 0, keccak256("evidence"), T0);
        }
        refuse(abi.encodeWithSelector(ICoverBook.TooManyClaims.selector, id));
        vm.prank(address(engine));
        covers.openClaim(id, facility, 0, keccak256("evidence"), T0);
        vm.assertEq(covers.claimState(id, 63), ClaimState.OPEN);
        vm.assertEq(covers.claimState(id, 64), 0);
    }

    function test_a_claim_opens_with_its_evidence_in_both_histories() external {
        bytes32 id = register(aCover(), "");
        bytes32 head = headIn(covers, id);
        claim(id, T0, "");
        uint256 word = wordIn(covers, id);
        vm.assertEq(field(word, 104, 8), 1);
        vm.assertEq(field(word, 112, 16), 1);
        vm.assertEq(covers.claimState(id, 0), ClaimState.OPEN);
        bytes32 shown = keccak256(firingOf(ruleOf(0), lightOnly(T0, 3)));
        bytes memory data = abi.encode(ClaimOpening(0, facility, shown, T0 + 2 * HOUR));
        vm.assertEq(headIn(covers, id), nextHead(head, 2, CoverActs.OPEN_CLAIM, word, data));
        vm.assertEq(field(book.wordOf(facility), 128, 32), 2);
    }

    function test_a_claim_that_is_not_open_is_not_decided() external {
        bytes32 id = register(aCover(), "");
        bytes memory error_ = abi.encodeWithSelector(ICoverBook.ClaimNotOpen.selector, id, 0, 0);
        decide(ClaimDecision(id, 0, 2, 0, nowMs()), INSURER, error_);
        claim(id, T0, "");
        decide(ClaimDecision(id, 0, 3, 0, nowMs()), INSURER, "");
        error_ = abi.encodeWithSelector(ICoverBook.ClaimNotOpen.selector, id, 0, ClaimState.REJECTED);
        decide(ClaimDecision(id, 0, 2, 0, nowMs()), INSURER, error_);
        decide(ClaimDecision(keccak256("none"), 0, 2, 0, nowMs()), INSURER,
            abi.encodeWithSelector(ICoverBook.CoverUnknown.selector, keccak256("none")));
    }

    function test_only_the_insurer_decides_and_by_a_known_verdict() external {
        bytes32 id = register(aCover(), "");
        claim(id, T0, "");
        decide(ClaimDecision(id, 0, 2, 0, nowMs()), OWNER, notConsented(INSURER, key(OWNER)));
        decide(
            ClaimDecision(id, 0, 1, 0, nowMs()), INSURER, abi.encodeWithSelector(ICoverBook.VerdictUnknown.selector, 1)
        );
    }

    function test_an_accepted_claim_stands_in_state_and_history() external {
        bytes32 id = register(aCover(), "");
        claim(id, T0, "");
        bytes32 head = headIn(covers, id);
        ClaimDecision memory value = ClaimDecision(id, 0, ClaimState.ACCEPTED, keccak256("reason"), nowMs());
        decide(value, INSURER, "");
        uint256 word = wordIn(covers, id);
        vm.assertEq(field(word, 104, 8), 0);
        vm.assertEq(covers.claimState(id, 0), ClaimState.ACCEPTED);
        vm.assertEq(headIn(covers, id), nextHead(head, 3, CoverActs.DECIDE_CLAIM, word, abi.encode(value)));
    }
}
