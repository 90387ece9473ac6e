package main

import (
	"maps"
	"slices"
)

const maxTime = 1<<48 - 1

type transition struct {
	act         int64
	word        hash
	data        []byte
	block, time int64
	// says is the struct of the act, once the history is read.
	says *values
}

type record struct {
	contract    string
	id          hash
	transitions []*transition
}

type document struct {
	salt    hash
	content []byte
}

func (d document) commitment() hash { return keccak(d.salt[:], d.content) }

type bundle struct {
	kind      string
	id        hash
	seq       int64
	chainID   int64
	header    header
	seal      []byte
	before    []header
	after     []header
	proofs    []stateProof
	records   []*record
	documents []document
	action    *action
}

func readBundle(text []byte) bundle {
	must(len(text) <= 64<<20, "format", "too long")
	from := object("bundle", parse(text))
	from.word("format", "cangdan/bundle/1")
	made := bundle{chainID: from.integer("chainId", 1, maxInteger), header: readHeader(from.inner("header"))}
	claim := from.inner("claim")
	made.kind, made.id = claim.word("kind", "receipt", "facility", "action"), claim.hash("id")
	if made.kind == "action" {
		made.seq = claim.integer("seq", 1, 1<<32-1)
		made.action = readAction(from.inner("action"))
	}
	claim.end()
	if from.has("seal") {
		made.seal = from.data("seal", 65)
	}
	made.before, made.after = readRun(from, "before"), readRun(from, "after")
	proofs := from.inner("proofs")
	for _, name := range slices.Sorted(maps.Keys(proofs.values)) {
		must(slices.Contains(contracts, name), "format", "%s: no contract", name)
		made.proofs = append(made.proofs, readProof(name, proofs.inner(name)))
	}
	for _, each := range from.objects("records", 0) {
		made.records = append(made.records, readRecord(each))
	}
	ascending("records", made.records, func(r *record) string { return r.contract + " " + string(r.id[:]) })
	for _, each := range from.objects("documents", 0) {
		made.documents = append(made.documents, document{each.hash("salt"), canonical(each.take("content"))})
		each.end()
	}
	ascending("documents", made.documents, func(d document) string { c := d.commitment(); return string(c[:]) })
	from.end()
	return made
}

// readRun reads headers that stand before or after the bundle's own; none are not written.
func readRun(from *fields, name string) (found []header) {
	if !from.has(name) {
		return nil
	}
	for _, each := range from.objects(name, 1) {
		found = append(found, readHeader(each))
	}
	return found
}

func readRecord(from *fields) *record {
	contract := from.text("contract")
	must(acts[contract] != nil, "format", "%s: keeps no records", contract)
	made := &record{contract: contract, id: from.hash("id")}
	for _, each := range from.objects("transitions", 1) {
		made.transitions = append(made.transitions, &transition{
			act: each.integer("act", 1, 255), word: each.hash("word"), data: each.data("data", -1),
			block: each.integer("block", 0, maxInteger), time: each.integer("time", 0, maxInteger),
		})
		each.end()
	}
	from.end()
	return made
}

type action struct {
	firing     []byte
	ruleProof  []hash
	instalment *instalment
	schemas    []*schema
	rounds     []*round
	segments   []*loggedSegment
	devices    []*device
	fleets     []*fleetList
}

type instalment struct {
	start, due int64
	amount     hash
	proof      []hash
}

type observed struct {
	subject, metric hash
	index           int64
	proof, salts    []hash
}

type checkpoint struct {
	oracle      string
	size, index int64
	root        hash
	proof       []hash
	used        bool
}

type round struct {
	schema       hash
	slot         int64
	observations []observed
	checkpoints  []*checkpoint
	streams      map[string][]*segment
}

type entry struct {
	schema               hash
	slot, place, arrived int64
	oracle               string
	salt                 hash
	proof                []hash
}

type loggedSegment struct {
	raw     []byte
	entries []entry
}

type device struct {
	id, profile         string
	record              []byte
	key                 []byte
	calibration         hash
	validFrom, firstSeq int64
	index               int64
	proof               []hash
	used                bool
}

type revocation struct {
	device string
	at     int64
}

type fleetList struct {
	entity      int64
	revocations []revocation
}

func place(schema hash, slot int64) string { return string(schema[:]) + string(big8(slot)) }

func readAction(from *fields) *action {
	made := &action{firing: from.data("firing", -1), ruleProof: from.proof("ruleProof")}
	if from.has("instalment") {
		in := from.inner("instalment")
		made.instalment = &instalment{
			in.integer("periodStartMs", 0, maxTime), in.integer("dueMs", 0, maxTime), in.hash("amountHash"), in.proof("proof"),
		}
		in.end()
	}
	for _, each := range from.objects("schemas", 1) {
		made.schemas = append(made.schemas, readSchema(each))
	}
	ascending("schemas", made.schemas, func(s *schema) string { return string(s.id[:]) })
	for _, each := range from.objects("rounds", 1) {
		made.rounds = append(made.rounds, readRound(each))
	}
	ascending("rounds", made.rounds, func(r *round) string { return place(r.schema, r.slot) })
	for _, each := range from.objects("segments", 0) {
		made.segments = append(made.segments, readLogged(each))
	}
	ascending("segments", made.segments, func(s *loggedSegment) string { return string(s.raw) })
	for _, each := range from.objects("devices", 0) {
		made.devices = append(made.devices, readDevice(each))
	}
	ascending("devices", made.devices, func(d *device) string { return d.id })
	for _, each := range from.objects("fleets", 0) {
		made.fleets = append(made.fleets, readFleet(each))
	}
	ascending("fleets", made.fleets, func(f *fleetList) string { return string(big8(f.entity)) })
	from.end()
	return made
}

func readRound(from *fields) *round {
	made := &round{schema: from.hash("schema"), slot: from.integer("slot", 0, maxTime), streams: map[string][]*segment{}}
	for _, each := range from.objects("observations", 1) {
		made.observations = append(made.observations, observed{
			each.hash("subject"), each.hash("metric"), each.integer("index", 0, 1<<32-1), each.proof("proof"), each.hashes("salts"),
		})
		each.end()
	}
	ascending("observations", made.observations, func(o observed) string { return string(o.subject[:]) + string(o.metric[:]) })
	for _, each := range from.objects("checkpoints", 0) {
		made.checkpoints = append(made.checkpoints, &checkpoint{
			oracle: string(each.data("oracle", 20)), size: each.integer("size", 1, maxInteger),
			index: each.integer("index", 0, 1<<32-1), root: each.hash("root"), proof: each.proof("proof"),
		})
		each.end()
	}
	ascending("checkpoints", made.checkpoints, func(c *checkpoint) string { return c.oracle })
	from.end()
	return made
}

func readLogged(from *fields) *loggedSegment {
	made := &loggedSegment{raw: from.data("segment", -1)}
	for _, each := range from.objects("entries", 1) {
		made.entries = append(made.entries, entry{
			schema: each.hash("schema"), slot: each.integer("slot", 0, maxTime), oracle: string(each.data("oracle", 20)),
			place: each.integer("place", 0, maxInteger), arrived: each.integer("arrivedMs", 0, maxTime),
			salt: each.hash("salt"), proof: each.proof("proof"),
		})
		each.end()
	}
	ascending("entries", made.entries, func(e entry) string { return place(e.schema, e.slot) })
	from.end()
	return made
}

func readDevice(from *fields) *device {
	in := from.inner("record")
	made := &device{record: canonical(in.values), index: from.integer("index", 0, 1<<32-1), proof: from.proof("proof")}
	made.id, made.key, made.profile = string(in.data("device", 16)), in.data("key", -1), in.name("profile")
	checkKey(made.key)
	in.data("profileDigest", 32)
	made.calibration = in.hash("calibration")
	in.hashes("watches")
	made.validFrom, made.firstSeq = in.integer("validFromMs", 0, maxTime), in.integer("firstSeq", 0, maxInteger)
	in.end()
	from.end()
	return made
}

func readFleet(from *fields) *fleetList {
	made := &fleetList{entity: from.integer("entity", 1, 1<<32-1)}
	for _, each := range from.objects("revocations", 0) {
		made.revocations = append(made.revocations, revocation{string(each.data("device", 16)), each.integer("atMs", 0, maxTime)})
		each.end()
	}
	ascending("revocations", made.revocations, func(r revocation) string { return r.device })
	from.end()
	return made
}
