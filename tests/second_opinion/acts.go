package main

import (
	"math/big"
	"strconv"
	"strings"
)

// member is a field of a struct: its Solidity type and its name.
type member struct{ kind, name string }

// definition is a struct of static types, as ledger.md and contracts/interfaces write it.
type definition struct {
	text    string
	members []member
}

func define(text string) *definition {
	made := &definition{text: text}
	open := strings.Index(text, "(")
	for _, each := range strings.Split(text[open+1:len(text)-1], ",") {
		kind, name, _ := strings.Cut(each, " ")
		made.members = append(made.members, member{kind, name})
	}
	return made
}

var (
	issue    = define("Issue(bytes32 contentHash,uint32 depositor,uint32 keeper,uint16 profile,uint16 flags,uint64 quantity,bytes32 positionKey,bytes32 unitKeysHash,bytes32 replaces,uint64 draftedAt)")
	pledge   = define("Pledge(bytes32 receipt,uint32 seq,uint32 pledgor,uint32 keeper,uint32 pledgee,bytes32 facility,bytes32 termsHash,uint64 draftedAt)")
	release  = define("Release(bytes32 pledge,uint32 pledgeSeq,uint32 pledgee,uint64 draftedAt)")
	delivery = define("Delivery(bytes32 receipt,uint32 seq,uint32 holder,uint32 keeper,bytes32 orderHash,uint64 draftedAt)")
	cancel   = define("Cancellation(bytes32 replacedBy)")
	order    = define("HoldOrder(bytes32 receipt,uint8 bit,uint32 authority,bytes32 orderHash,bytes32 clearingHash)")
	facility = define("Facility(uint32 lender,uint32 borrower,uint16 panel,uint8 rules,uint16 instalments,bytes32 termsHash,bytes32 rulesRoot,bytes32 scheduleRoot,uint64 draftedAt)")
	drawdown = define("Drawdown(bytes32 facility,uint16 draw,bytes32 amountHash,uint64 draftedAt)")
	repay    = define("Repayment(bytes32 facility,uint16 instalment,bytes32 amountHash,uint64 draftedAt)")
	fired    = define("Firing(uint8 rule,uint8 action,bytes32 ruleLeaf,bytes32 evidence,uint64 slot,bytes32 target,uint64 dueMs)")
	clearing = define("Clearing(uint8 rule,bytes32 review)")
	closing  = define("Closing(uint32 by)")
	fleet    = define("Fleet(uint32 entity,uint32 epoch,uint32 devices,uint32 revoked,bytes32 fleetRoot,bytes32 revocationRoot,uint64 draftedAt)")
	cover    = define("Cover(uint32 insurer,uint32 insured,bytes32 facility,uint32 rules,bytes32 termsHash,uint64 start,uint64 end,uint64 draftedAt)")
	opening  = define("ClaimOpening(uint16 claim,bytes32 facility,bytes32 evidence,uint64 slot)")
	decision = define("ClaimDecision(bytes32 cover,uint16 claim,uint8 verdict,bytes32 reason,uint64 draftedAt)")
	review   = define("ReviewOpening(bytes32 facility,uint32 facilitySeq,uint8 rule,uint8 action,bytes32 evidence)")
	// Decision and Inspection stand in it one after the other.
	outcome      = define("ReviewOutcome(bytes32 review,uint8 verdict,bytes32 reason,bytes32 inspection,uint64 draftedAt,bytes32 subject,uint32 inspector,bytes32 resultHash,uint64 takenAt,uint256 members)")
	registration = define("Registration(uint8 kind,bytes32 idHash,address account)")
	account      = define("AccountChange(address account,uint8 role)")
	group        = define("GroupChange(uint32 group)")
	status       = define("StatusChange(uint8 status,bytes32 reason)")
	consents     = define("ConsentWithdrawal(uint64 before)")
	draft        = define("DraftWithdrawal(bytes32 digest)")
	condition    = define("Condition(bytes32 schema,bytes32 subject,bytes32 metric,uint64 periodMs,uint8 kind,uint8 comparator,uint8 count,bool missingSkips,uint16 flagMask,int64 threshold)")
	observation  = define("Observation(bytes32 schema,uint64 slot,bytes32 subject,bytes32 metric,int64 value,uint8 flag,uint32 count,bytes32 sources,bytes32 salt)")
	// A rule without its conditions: their offset stands last.
	ruleHead = define("Rule(uint8 index,uint8 action,uint32 parameter,bool singleKind,uint64 windowMs,bytes32 clause,bytes32 salt,uint256 conditions)")
)

// The acts of each contract that keeps records, from number 1; the first makes the record.
var acts = map[string][]*definition{
	"ParticipantRegistry": {registration, account, account, group, status, status, consents, draft},
	"DeviceRegistry":      {fleet},
	"ReceiptRegistry":     {issue, pledge, release, delivery, cancel, order, order},
	"CreditBook":          {facility, drawdown, repay, fired, fired, fired, clearing, closing},
	"ReviewBoard":         {review, outcome},
	"CoverBook":           {cover, opening, decision},
}

// The acts whose struct is that of another act too.
const (
	receiptHold, receiptClear = 6, 7
	creditDefer               = 5
)

// The bits of each contract's words that mean something, first and last of each run.
var layouts = map[string][][2]uint{
	"ParticipantRegistry": {{0, 159}},
	"DeviceRegistry":      {{0, 95}, {128, 159}},
	"ReceiptRegistry":     {{0, 255}},
	"CreditBook":          {{0, 223}},
	"ReviewBoard":         {{0, 47}, {64, 255}},
	"CoverBook":           {{0, 63}, {96, 159}},
}

// meaningful says whether a word has no bit outside its layout.
func meaningful(contract string, word hash) bool {
	rest := word.int()
	for _, run := range layouts[contract] {
		for bit := run[0]; bit <= run[1]; bit++ {
			rest.SetBit(rest, int(bit), 0)
		}
	}
	return rest.Sign() == 0
}

// values are a struct's fields, one word each.
type values struct {
	of    *definition
	words []hash
}

// decode reads the one encoding of a struct, nil when data is another.
func (d *definition) decode(data []byte) *values {
	if len(data) != 32*len(d.members) {
		return nil
	}
	made := &values{of: d}
	for at, each := range d.members {
		word := hash(data[32*at : 32*at+32])
		if !fits(each.kind, word) {
			return nil
		}
		made.words = append(made.words, word)
	}
	return made
}

func fits(kind string, value hash) bool {
	switch {
	case kind == "bytes32":
		return true
	case kind == "address":
		return value.int().BitLen() <= 160
	case kind == "bool":
		return value.int().BitLen() <= 1
	case kind == "int64":
		return value == word(value.signed())
	}
	size, _ := strconv.Atoi(strings.TrimPrefix(kind, "uint"))
	return value.int().BitLen() <= size
}

func (h hash) signed() int64 {
	return int64(new(big.Int).And(h.int(), new(big.Int).SetUint64(1<<64-1)).Uint64())
}

func (v *values) word(name string) hash {
	for at, each := range v.of.members {
		if each.name == name {
			return v.words[at]
		}
	}
	panic(v.of.text + " has no " + name)
}

// int is a field as a number; a uint64 over 2^63 - 1, which no time or slot of ours reaches, comes out negative.
func (v *values) int(name string) int64 { return v.word(name).signed() }

// digest is the EIP-712 digest of a consent to a contract's records.
func (v *values) digest(chainID int64, address [20]byte) hash {
	domain := keccak([]byte("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"))
	name, version, chain, verifying := keccak([]byte("Cangdan")), keccak([]byte("1")), word(chainID), left(address[:])
	separator := keccak(domain[:], name[:], version[:], chain[:], verifying[:])
	kind := keccak([]byte(v.of.text))
	structHash := keccak(kind[:], join(v.words))
	return keccak([]byte{0x19, 0x01}, separator[:], structHash[:])
}
