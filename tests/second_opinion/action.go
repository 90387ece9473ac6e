package main

import "encoding/binary"

// actionProof holds what the steps of an action claim hand on to each other.
type actionProof struct {
	*proven
	evidence   *action
	terms      *values
	transition *transition
	firing     *firing
	last       int64
	rounds     map[string]*round
	wanted     map[string]map[string]*values
	schemas    map[hash]*schema
	devices    map[string]*device
	revoked    map[string]int64
}

func (p *proven) proveAction(commitments map[hash]bool) {
	a := &actionProof{proven: p, evidence: p.action, rounds: map[string]*round{}, wanted: map[string]map[string]*values{},
		schemas: map[hash]*schema{}, devices: map[string]*device{}, revoked: map[string]int64{}}
	for _, each := range a.evidence.schemas {
		a.schemas[each.id] = each
	}
	for _, each := range a.evidence.rounds {
		a.rounds[place(each.schema, each.slot)] = each
	}
	a.claim()
	a.rule()
	a.checkRounds()
	a.checkDevices()
	a.checkSegments()
	a.checkObservations()
	a.checkAction()
	commitments[a.firing.rule.word("clause")] = true
	if a.evidence.instalment != nil {
		commitments[a.evidence.instalment.amount] = true
	}
}

func (a *actionProof) claim() {
	a.terms = a.proveFacility()
	history := a.found[recordName{"CreditBook", a.id}].transitions
	must(a.seq <= int64(len(history)), "claim", "no seq %d", a.seq)
	a.transition = history[a.seq-1]
	must(a.transition.says.of == fired, "claim", "no rule did seq %d", a.seq)
}

func (a *actionProof) rule() {
	says := a.transition.says
	must(keccak(a.evidence.firing) == says.word("evidence"), "rule", "another firing")
	a.firing = readFiring(a.evidence.firing)
	leaf, index := a.firing.leaf(), a.firing.rule.int("index")
	must(leaf == says.word("ruleLeaf") && index == says.int("rule"), "rule", "another rule")
	must(inTree(leaf, index, a.evidence.ruleProof, a.terms.word("rulesRoot")), "rule", "not a rule of the facility")
	first, last := a.firing.check()
	must(last == says.int("slot"), "rule", "another last slot")
	a.last = last
	for _, each := range a.found[recordName{"CreditBook", a.id}].transitions[:a.seq-1] {
		if each.says.of == fired && each.says.int("rule") == index {
			must(first > each.says.int("slot"), "rule", "the rule acted on this before")
		}
	}
	for _, run := range a.firing.evidence {
		for _, each := range run {
			name := place(each.word("schema"), each.int("slot"))
			if a.wanted[name] == nil {
				a.wanted[name] = map[string]*values{}
			}
			a.wanted[name][about(each.word("subject"), each.word("metric"))] = each
		}
	}
}

func about(subject, metric hash) string { return string(subject[:]) + string(metric[:]) }

func (a *actionProof) checkRounds() {
	must(len(a.wanted) == len(a.rounds), "rounds", "not the rounds of the firing")
	for name, wanted := range a.wanted {
		r := a.rounds[name]
		must(r != nil, "rounds", "a round is missing")
		slot := word(r.slot)
		id := keccak(r.schema[:], slot[:])
		root := a.slot("AttestationHub", mapped(id, 1))
		must(root != zero, "rounds", "a round is not anchored")
		must(len(r.observations) == len(wanted), "rounds", "not the observations of the firing")
		for _, each := range r.observations {
			seen := wanted[about(each.subject, each.metric)]
			must(seen != nil, "rounds", "not an observation of the firing")
			kind := word(1)
			must(inTree(leafOf(append(kind[:], join(seen.words)...)), each.index, each.proof, root), "rounds", "an observation is not its leaf")
			must(sha([]byte("cangdan/agreed-salt/1"), join(each.salts)) == seen.word("salt"), "rounds", "the salts do not give the observation's")
		}
		for _, each := range r.checkpoints {
			leaf := join([]hash{word(2), r.schema, slot, left([]byte(each.oracle)), word(each.size), each.root})
			must(inTree(leafOf(leaf), each.index, each.proof, root), "rounds", "a checkpoint is not its leaf")
		}
	}
}

func entityOf(device string) int64 { return int64(binary.BigEndian.Uint32([]byte(device[:4]))) }

func (a *actionProof) checkDevices() {
	entities := map[int64]bool{}
	for _, each := range a.evidence.devices {
		entities[entityOf(each.id)] = true
		a.devices[each.id] = each
	}
	must(len(entities) == len(a.evidence.fleets), "devices", "not the fleets of the devices")
	fleets := map[int64]*values{}
	for _, each := range a.evidence.fleets {
		must(entities[each.entity], "devices", "a fleet without a device")
		says := a.fleetInForce(each.entity)
		var leaves [][]byte
		for _, revoked := range each.revocations {
			leaves = append(leaves, append([]byte(revoked.device), big8(revoked.at)...))
			a.revoked[revoked.device] = revoked.at
		}
		must(int64(len(leaves)) == says.int("revoked"), "devices", "not all revocations")
		must(len(leaves) == 0 || treeRoot(leaves) == says.word("revocationRoot"), "devices", "other revocations")
		fleets[each.entity] = says
	}
	for _, each := range a.evidence.devices {
		root := fleets[entityOf(each.id)].word("fleetRoot")
		must(inTree(leafOf(each.record), each.index, each.proof, root), "devices", "%x is not in its fleet", each.id)
	}
}

// fleetInForce is the last fleet that an entity set in a block not after the transition's.
func (a *actionProof) fleetInForce(entity int64) (says *values) {
	r := a.load("DeviceRegistry", word(entity))
	now := r.transitions[len(r.transitions)-1].says
	first := mapped(r.id, 1)
	must(a.slot("DeviceRegistry", first) == now.word("fleetRoot"), "history", "another fleet root")
	must(a.slot("DeviceRegistry", first.plus(1)) == now.word("revocationRoot"), "history", "another revocation root")
	a.entities(entity)
	for _, each := range r.transitions {
		if each.block <= a.transition.block {
			says = each.says
		}
	}
	must(says != nil, "devices", "there was no fleet then")
	return says
}

func (a *actionProof) checkSegments() {
	registry := a.trust.contracts["DeviceRegistry"].address
	for _, each := range a.evidence.segments {
		read, protected, kid, payload := readSegment(each.raw)
		device := a.devices[read.device]
		must(device != nil, "segments", "unknown device")
		named := sha(device.key)
		must(same(kid, named[:]), "segments", "wrong device")
		must(signedBy(device.key, protected, payload, read.signature, a.chainID, registry), "segments", "bad signature")
		must(read.calibration == device.calibration, "segments", "another calibration")
		must(read.seq >= device.firstSeq && read.first() >= device.validFrom, "segments", "older than the enrolment")
		device.used = true
		for _, entry := range each.entries {
			a.checkEntry(each.raw, read, entry)
		}
	}
	for _, each := range a.evidence.devices {
		must(each.used, "segments", "a device without a segment")
	}
	for _, r := range a.rounds {
		for _, each := range r.checkpoints {
			must(each.used, "segments", "a checkpoint without a segment")
		}
	}
}

func (a *actionProof) checkEntry(raw []byte, read *segment, given entry) {
	r := a.rounds[place(given.schema, given.slot)]
	must(r != nil, "segments", "an entry of no round")
	var known *checkpoint
	for _, each := range r.checkpoints {
		if each.oracle == given.oracle {
			known = each
		}
	}
	must(known != nil, "segments", "an entry of no checkpoint")
	data := sha([]byte("clr/entry/1"), given.salt[:], big8(given.arrived), raw)
	must(inLog(data[:], given.place, known.size, given.proof, known.root), "segments", "not an entry of the log")
	at, revoked := a.revoked[read.device]
	must(!revoked || given.arrived < at, "segments", "it arrived after the revocation")
	known.used = true
	stream := append(r.streams[read.device], read)
	for at := len(stream) - 1; at > 0 && stream[at].seq < stream[at-1].seq; at-- {
		stream[at], stream[at-1] = stream[at-1], stream[at]
	}
	r.streams[read.device] = stream
}

func (a *actionProof) checkObservations() {
	asked := map[hash]bool{}
	for _, each := range a.firing.conditions {
		asked[each.word("schema")] = true
		must(a.schemas[each.word("schema")] != nil, "observations", "a schema is missing")
	}
	must(len(asked) == len(a.schemas), "observations", "a schema too many")
	for name, r := range a.rounds {
		s := a.schemas[r.schema]
		must(s.isSlot(r.slot), "observations", "not a slot")
		contributed := map[hash]bool{}
		for _, each := range r.observations {
			seen := a.wanted[name][about(each.subject, each.metric)]
			for _, one := range a.recompute(s, r, each, seen).contributors {
				contributed[one.digest] = true
			}
		}
		for _, stream := range r.streams {
			for _, each := range stream {
				must(contributed[each.digest], "observations", "a segment contributes to nothing")
			}
		}
	}
}

func (a *actionProof) recompute(s *schema, r *round, each observed, seen *values) made {
	var asked *metric
	for _, one := range s.metrics {
		if one.subject == each.subject && one.id == each.metric {
			asked = one
		}
	}
	must(asked != nil, "observations", "the schema has no such metric")
	own := s.observe(asked, r.slot, r.streams)
	value, count, sources := own.value, own.count, own.sources
	if own.flag == missing {
		value, count, sources = 0, 0, zero
	}
	agree := own.flag == seen.int("flag") && value == seen.int("value") && count == seen.int("count") && sources == seen.word("sources")
	must(agree, "observations", "the segments give another observation")
	known := false
	for _, salt := range each.salts {
		known = known || salt == own.salt
	}
	must(known, "observations", "no reporter had this salt")
	return own
}

func (a *actionProof) checkAction() {
	says, rule := a.transition.says, a.firing.rule
	done := says.int("action")
	must(done == rule.int("action") || done == actionReview, "action", "another action than the rule's")
	must((a.evidence.instalment != nil) == (done == actionDefer), "action", "an instalment is there of DEFER alone")
	switch done {
	case actionDefer:
		a.checkDeferral(says, rule)
	case actionHold, actionReview:
		opened := a.load("ReviewBoard", says.word("target")).transitions[0].says
		same := opened.word("facility") == a.id && opened.int("facilitySeq") == a.seq && opened.int("rule") == says.int("rule")
		same = same && opened.int("action") == done && opened.word("evidence") == says.word("evidence")
		must(same, "action", "the review is of something else")
	case actionClaim:
		a.checkClaim(says)
	}
}

func (a *actionProof) checkDeferral(says, rule *values) {
	in := a.evidence.instalment
	ordinal := says.word("target").int()
	must(ordinal.IsInt64(), "action", "no such instalment")
	leaf := join([]hash{word(ordinal.Int64()), word(in.start), word(in.due), in.amount})
	must(inTree(leafOf(leaf), ordinal.Int64(), in.proof, a.terms.word("scheduleRoot")), "action", "not in the schedule")
	must(in.start <= a.last && a.last < in.due, "action", "the evidence is not of the instalment's period")
	must(says.int("dueMs") == in.due+rule.int("parameter")*dayMs, "action", "not moved by the rule's days")
}

func (a *actionProof) checkClaim(says *values) {
	id := says.word("target")
	r := a.load("CoverBook", id)
	terms, first := r.transitions[0].says, mapped(id, 3)
	must(a.slot("CoverBook", first) == terms.word("facility"), "history", "another facility")
	period := a.slot("CoverBook", first.plus(1))
	start, end := terms.word("start"), terms.word("end")
	must(same(period[16:24], end[24:]) && same(period[24:], start[24:]), "history", "another period")
	rules, rule := terms.word("rules"), uint(says.int("rule"))
	must(same(period[12:16], rules[28:]) && period.int().BitLen() <= 160, "history", "other rules")
	must(rules.bits(rule, rule) == 1, "action", "the cover is not the rule's")
	must(terms.int("start") <= a.last && a.last < terms.int("end"), "action", "the cover is not in force at the last evidence")
	a.slot("CoverBook", first.plus(2))
	last := r.transitions[len(r.transitions)-1].word
	a.entities(last.bits(0, 31), last.bits(32, 63))
	found := false
	for _, each := range a.openings[id] {
		found = found || each.word("evidence") == says.word("evidence") && each.word("facility") == a.id
	}
	must(found, "action", "no claim on this evidence")
}
