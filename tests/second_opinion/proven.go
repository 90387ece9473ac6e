package main

import (
	"bytes"
	"encoding/binary"
)

type slotName struct {
	contract string
	slot     hash
}

type recordName struct {
	contract string
	id       hash
}

// proven is a bundle with what its steps have shown so far.
type proven struct {
	bundle
	trust    trust
	values   map[slotName]hash
	asked    map[slotName]bool
	found    map[recordName]*record
	loaded   map[recordName]bool
	pledges  map[hash]*pledged
	holds    map[hash]map[int64]int64
	openings map[hash][]*values
	guards   []int64
	states   []int64
}

// pledged is what a receipt's acts say of one pledge.
type pledged struct {
	receipt hash
	word    hash
	pledgee int64
	live    bool
}

func prove(text []byte, believed trust) {
	p := &proven{bundle: readBundle(text), trust: believed}
	p.values, p.asked = map[slotName]hash{}, map[slotName]bool{}
	p.found, p.loaded = map[recordName]*record{}, map[recordName]bool{}
	p.pledges, p.holds, p.openings = map[hash]*pledged{}, map[hash]map[int64]int64{}, map[hash][]*values{}
	for _, each := range p.records {
		p.found[recordName{each.contract, each.id}] = each
	}
	must(p.chainID == believed.chainID, "trust", "another chain")
	for _, name := range contracts {
		_, named := believed.contracts[name]
		must(named, "trust", "%s is not named", name)
	}
	checkHeader(&p.bundle, believed)
	p.checkState()
	commitments := map[hash]bool{}
	switch p.kind {
	case "receipt":
		p.proveReceipt()
	case "facility":
		p.proveFacility()
	default:
		p.proveAction(commitments)
	}
	p.openDocuments(commitments)
	p.finish()
}

func (p *proven) checkState() {
	for _, proof := range p.proofs {
		known := p.trust.contracts[proof.contract]
		checkProof(p.header.stateRoot, proof)
		must(proof.address == known.address, "state", "%s: another address", proof.contract)
		must(proof.codeHash == known.codeHash, "state", "%s: other code", proof.contract)
		for _, slot := range proof.slots {
			name := slotName{proof.contract, slot.key}
			_, twice := p.values[name]
			must(!twice, "state", "a slot twice")
			p.values[name] = slot.value
		}
	}
}

func (p *proven) slot(contract string, slot hash) hash {
	name := slotName{contract, slot}
	value, found := p.values[name]
	must(found, "state", "%s: slot %x is not proved", contract, slot)
	p.asked[name] = true
	return value
}

// load checks a record's history against its word and head, and gives it.
func (p *proven) load(contract string, id hash) *record {
	name := recordName{contract, id}
	r := p.found[name]
	must(r != nil, "history", "%s: record %x is missing", contract, id)
	if p.loaded[name] {
		return r
	}
	p.loaded[name] = true
	var head hash
	for at, each := range r.transitions {
		seq := word(int64(at + 1))
		must(each.word.bits(128, 159) == int64(at+1) && meaningful(contract, each.word), "history", "%s %x seq %d: its word", contract, id, at+1)
		must(int(each.act) <= len(acts[contract]), "history", "%s: no act %d", contract, each.act)
		each.says = acts[contract][each.act-1].decode(each.data)
		must(each.says != nil, "history", "%s %x seq %d: its data", contract, id, at+1)
		p.apply(r, at, each)
		data, act, block, time := keccak(each.data), word(each.act), word(each.block), word(each.time)
		digest := keccak(act[:], each.word[:], block[:], time[:], data[:])
		head = keccak(head[:], seq[:], digest[:])
	}
	first := mapped(id, 0)
	last := r.transitions[len(r.transitions)-1].word
	must(p.slot(contract, first) == last, "history", "%s %x: another word", contract, id)
	must(p.slot(contract, first.plus(1)) == head, "history", "%s %x: another head", contract, id)
	return r
}

// apply refuses an act that cannot follow what came before it, and keeps what later steps ask for.
func (p *proven) apply(r *record, at int, each *transition) {
	must((each.act == 1) == (at == 0) || r.contract == "DeviceRegistry", "history", "%s: a record is made once, first", r.contract)
	says := each.says
	switch r.contract {
	case "ReceiptRegistry":
		p.applyReceipt(r, each)
	case "CreditBook":
		p.applyFacility(r, each)
	case "DeviceRegistry":
		must(word(says.int("entity")) == r.id, "history", "the fleet is another entity's")
	case "CoverBook":
		switch says.of {
		case cover:
			p.checkID(r, says)
		case opening:
			must(says.int("claim") == int64(len(p.openings[r.id])), "history", "claims are counted")
			p.openings[r.id] = append(p.openings[r.id], says)
		case decision:
			must(says.int("claim") < int64(len(p.openings[r.id])), "history", "no such claim")
		}
	}
}

func (p *proven) checkID(r *record, says *values) {
	digest := says.digest(p.trust.chainID, p.trust.contracts[r.contract].address)
	must(digest == r.id, "history", "%s: the id is not the digest", r.contract)
}

func (p *proven) applyReceipt(r *record, each *transition) {
	says := each.says
	switch says.of {
	case issue:
		p.checkID(r, says)
		p.holds[r.id] = map[int64]int64{}
	case pledge:
		must(says.word("receipt") == r.id, "history", "the pledge is of another receipt")
		var made hash
		copy(made[:12], r.id[:12])
		binary.BigEndian.PutUint32(made[12:16], 1)
		binary.BigEndian.PutUint16(made[16:18], uint16(each.word.bits(112, 127)))
		made[18], made[19] = byte(each.word.bits(104, 111)), 1
		binary.BigEndian.PutUint32(made[24:28], uint32(says.int("pledgor")))
		binary.BigEndian.PutUint32(made[28:32], uint32(says.int("pledgee")))
		id := says.digest(p.trust.chainID, p.trust.contracts["ReceiptRegistry"].address)
		p.pledges[id] = &pledged{r.id, made, says.int("pledgee"), true}
	case release:
		made := p.pledges[says.word("pledge")]
		must(made != nil && made.receipt == r.id && made.live, "history", "no live pledge is released")
		made.live = false
		made.word[15], made.word[19] = 2, 2
	case order:
		bit := says.int("bit")
		_, stands := p.holds[r.id][bit]
		must(each.act == receiptHold || stands, "history", "the hold does not stand")
		delete(p.holds[r.id], bit)
		if each.act == receiptHold {
			p.holds[r.id][bit] = says.int("authority")
		}
	}
}

func (p *proven) applyFacility(r *record, each *transition) {
	says := each.says
	switch says.of {
	case facility:
		p.checkID(r, says)
		p.guards, p.states = make([]int64, says.int("rules")), make([]int64, says.int("instalments"))
	case repay:
		must(says.int("instalment") < int64(len(p.states)), "history", "no such instalment")
		p.states[says.int("instalment")] = 1
	case fired:
		rule, slot := says.int("rule"), says.int("slot")
		must(rule < int64(len(p.guards)) && slot > p.guards[rule], "history", "no such rule, or older evidence")
		p.guards[rule] = slot
		if each.act == creditDefer {
			target := says.word("target").int()
			must(target.IsInt64() && target.Int64() < int64(len(p.states)), "history", "no such instalment")
			p.states[target.Int64()] = 2
		}
	}
}

func (p *proven) entities(numbers ...int64) {
	for _, number := range numbers {
		p.load("ParticipantRegistry", word(number))
	}
}

func (p *proven) proveReceipt() {
	r := p.load("ReceiptRegistry", p.id)
	for id, each := range p.pledges {
		must(p.slot("PledgeRegistry", mapped(id, 0)) == each.word, "history", "pledge %x: another word", id)
	}
	last := r.transitions[len(r.transitions)-1].word
	p.entities(last.bits(0, 31), last.bits(32, 63))
	for _, each := range p.pledges {
		p.entities(each.pledgee)
	}
	for _, authority := range p.holds[p.id] {
		p.entities(authority)
	}
}

func (p *proven) proveFacility() *values {
	r := p.load("CreditBook", p.id)
	terms := r.transitions[0].says
	first := mapped(p.id, 3)
	must(p.slot("CreditBook", first) == terms.word("rulesRoot"), "history", "another rules root")
	must(p.slot("CreditBook", first.plus(1)) == terms.word("scheduleRoot"), "history", "another schedule root")
	var states hash
	for at, each := range p.states {
		must(at < 64, "history", "more than 64 instalments")
		states[31-at/2] |= byte(each << (4 * (at % 2)))
	}
	must(p.slot("CreditBook", first.plus(2)) == states, "history", "other instalment states")
	last := r.transitions[len(r.transitions)-1].word
	p.entities(last.bits(0, 31), last.bits(32, 63))
	return terms
}

// The fields of acts that commit to documents.
var committing = []string{"contentHash", "termsHash", "orderHash", "clearingHash", "amountHash", "reason", "resultHash"}

func (p *proven) openDocuments(commitments map[hash]bool) {
	for name := range p.loaded {
		for _, each := range p.found[name].transitions {
			for at, field := range each.says.of.members {
				for _, known := range committing {
					if field.name == known {
						commitments[each.says.words[at]] = true
					}
				}
			}
		}
	}
	for _, each := range p.documents {
		must(commitments[each.commitment()], "documents", "a document that nothing commits to")
	}
}

func (p *proven) finish() {
	for name := range p.values {
		must(p.asked[name], "complete", "%s: slot %x was not asked for", name.contract, name.slot)
	}
	for name := range p.found {
		must(p.loaded[name], "complete", "%s: record %x was not asked for", name.contract, name.id)
	}
}

func same(one, other []byte) bool { return bytes.Equal(one, other) }
