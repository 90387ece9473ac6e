package main

import (
	"bytes"
	"math"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

type person = [20]byte

type vote struct {
	voter, subject person
	add            bool
}

// rules are what a genesis file says about headers (trust.md).
type rules struct {
	clique        bool
	client        string
	epoch         int64
	london        *int64
	periods, sets []change
}

// change is what holds from a block on.
type change struct {
	from, seconds int64
	validators    []person
}

// tip is what the next header is held against: the block before it.
type tip struct {
	number, timestamp, gasLimit, gasUsed int64
	hash                                 hash
	baseFee                              *big.Int
}

// followed is the state after a block (headers.md).
type followed struct {
	tip
	set     []person
	votes   []vote
	recents map[int64]person
}

func people(path string, list []any) (found []person) {
	for _, each := range list {
		text, ok := each.(string)
		must(ok, "format", "%s: not an address", path)
		found = append(found, asAddress(text))
	}
	for at := 1; at < len(found); at++ {
		must(bytes.Compare(found[at-1][:], found[at][:]) < 0, "format", "%s: not ascending", path)
	}
	return found
}

func readRules(from *fields, clique bool) *rules {
	made := &rules{clique: clique, client: from.word("client", "geth", "goquorum", "besu"), epoch: from.integer("epoch", 1, maxInteger)}
	if from.take("london") != nil {
		london := from.integer("london", 0, maxInteger)
		made.london = &london
	}
	for _, each := range from.objects("periods", 1) {
		made.periods = append(made.periods, change{from: each.integer("from", 0, maxInteger), seconds: each.integer("seconds", 0, maxInteger)})
		each.end()
	}
	for _, each := range from.objects("sets", 0) {
		made.sets = append(made.sets, change{from: each.integer("from", 0, maxInteger), validators: people("sets", each.list("validators", 1))})
		each.end()
	}
	from.end()
	return made
}

func readCheckpoint(from *fields, r *rules) *followed {
	block := from.inner("block")
	below := func(of *fields, name string, ceiling int64) int64 {
		found := asQuantity(name, of.take(name))
		must(found.Cmp(big.NewInt(ceiling)) <= 0, "format", "%s: too great", name)
		return found.Int64()
	}
	number := func(of *fields, name string) int64 { return below(of, name, maxInteger) }
	made := &followed{set: people("validators", from.list("validators", 1)), recents: map[int64]person{}}
	made.number, made.timestamp = number(block, "number"), below(block, "timestamp", maxTime)
	made.gasLimit, made.gasUsed = below(block, "gasLimit", math.MaxInt64), below(block, "gasUsed", math.MaxInt64)
	made.hash = block.hash("hash")
	if block.has("baseFeePerGas") {
		made.baseFee = asQuantity("baseFeePerGas", block.take("baseFeePerGas"))
	}
	block.end()
	for _, each := range from.objects("votes", 0) {
		add, ok := each.take("add").(bool)
		must(ok, "format", "votes: add is not true or false")
		made.votes = append(made.votes, vote{asAddress(each.text("voter")), asAddress(each.text("subject")), add})
		each.end()
	}
	for _, each := range from.objects("recents", 0) {
		made.recents[number(each, "number")] = asAddress(each.text("signer"))
		each.end()
	}
	from.end()
	must(r.clique || len(made.recents) == 0, "format", "recents: of another consensus than Clique")
	for _, each := range made.votes {
		must(slices.Contains(made.set, each.voter) || r.keepsVotes(made.number), "format", "votes: one of nobody")
	}
	return made
}

// keepsVotes says whether votes of who left can wait after a block: in GoQuorum, when a transition has set the set.
func (r *rules) keepsVotes(number int64) bool {
	return r.client == "goquorum" && slices.ContainsFunc(r.sets, func(c change) bool { return 1 < c.from && c.from <= number+1 })
}

func (h header) item(name string) []byte {
	at := 0
	for _, each := range headerFields {
		if each.name == name {
			return h.items[at]
		}
		at++
	}
	panic(name)
}

func (h header) quantity(name string) int64 {
	number := new(big.Int).SetBytes(h.item(name))
	must(number.IsInt64(), "header", "%s: too great", name)
	return number.Int64()
}

func (h header) baseFee() *big.Int {
	if len(h.items) == requiredFields {
		return nil
	}
	return new(big.Int).SetBytes(h.items[requiredFields])
}

func (h header) tip() tip {
	return tip{h.number.Int64(), h.quantity("timestamp"), h.quantity("gasLimit"), h.quantity("gasUsed"), h.hash(), h.baseFee()}
}

// believeRun refuses a run that the checkpoint's set does not vouch for; the run is linked already.
func believeRun(b *bundle, run []header, r *rules, checkpoint *followed) {
	state := *checkpoint
	state.votes, state.recents = slices.Clone(state.votes), map[int64]person{}
	whole := len(b.before) > 0
	var parent *tip
	if whole {
		first := run[0].item("parentHash")
		must(bytes.Equal(first, checkpoint.hash[:]) && run[0].number.Int64() == checkpoint.number+1, "header", "the run does not begin at the checkpoint")
		parent = &state.tip
		for number, signer := range checkpoint.recents {
			state.recents[number] = signer
		}
	}
	needed := 0
	for at, each := range run {
		now := each.tip()
		must(now.number != checkpoint.number || now.hash == checkpoint.hash, "header", "the checkpoint is another block")
		child := now.number != checkpoint.number+1 || bytes.Equal(each.item("parentHash"), checkpoint.hash[:])
		must(child, "header", "does not stand on the checkpoint")
		r.checkShared(each, parent)
		if r.clique {
			r.checkClique(each, parent, &state)
		} else {
			r.checkQBFT(each, &state)
		}
		if whole {
			r.tally(each, &state)
		}
		parent = &now
		if at == len(b.before) && r.clique {
			needed = len(state.set)/2 + 1
		}
	}
	must(r.clique && len(b.after) >= needed || !r.clique && len(b.after) == 0, "header", "not final, or more than is needed")
}

var noUncles = crypto.Keccak256([]byte{0xc0})

func (r *rules) checkShared(h header, parent *tip) {
	must(h.quantity("number") <= maxInteger && h.quantity("timestamp") <= maxTime, "header", "number or time too great")
	must(bytes.Equal(h.item("sha3Uncles"), noUncles), "header", "uncles")
	limit := h.quantity("gasLimit")
	must(h.quantity("gasUsed") <= limit, "header", "more gas than the limit")
	if parent == nil {
		return
	}
	var period int64
	for _, each := range r.periods {
		if each.from <= h.number.Int64() {
			period = each.seconds
		}
	}
	must(h.quantity("timestamp") >= parent.timestamp+period, "header", "too early")
}

func (r *rules) checkQBFT(h header, state *followed) {
	fixed := h.quantity("difficulty") == 1 && bytes.Equal(h.item("nonce"), make([]byte, 8)) && bytes.Equal(h.item("mixHash"), qbftMix)
	must(fixed, "header", "not a header of QBFT")
	var extra struct {
		Vanity     []byte
		Validators []person
		Vote       rlp.RawValue
		Round      uint32
		Seals      [][]byte
	}
	must(rlp.DecodeBytes(h.item("extraData"), &extra) == nil && len(extra.Vanity) == 32, "header", "extraData: not that of QBFT")
	readVote(extra.Vote)
	must(slices.Equal(extra.Validators, state.set), "header", "another set")
	must(slices.Contains(state.set, person(h.item("miner"))), "header", "the proposer is no validator")
	var parts []rlp.RawValue
	must(rlp.DecodeBytes(h.item("extraData"), &parts) == nil, "header", "extraData: not RLP")
	parts[4] = rlp.RawValue{0xc0}
	digest := h.with(parts)
	seen := map[person]bool{}
	for _, seal := range extra.Seals {
		signer := anySigner(digest, seal)
		must(slices.Contains(state.set, signer) && !seen[signer], "header", "a seal of nobody, or twice")
		seen[signer] = true
	}
	must(3*len(seen) >= 2*len(state.set), "header", "too few seals")
}

// with is the hash of the header with other parts in its extra data.
func (h header) with(parts []rlp.RawValue) hash {
	extra, err := rlp.EncodeToBytes(parts)
	must(err == nil, "header", "extraData: not RLP")
	return h.digest(extra)
}

func (h header) digest(extra []byte) hash {
	items := slices.Clone(h.items)
	items[12] = extra
	encoded, err := rlp.EncodeToBytes(items)
	must(err == nil, "header", "not RLP")
	return keccak(encoded)
}

// anySigner is who signed; s may lie in either half.
func anySigner(digest hash, seal []byte) person {
	must(len(seal) == 65 && seal[64] <= 1, "header", "a seal of another form")
	key, err := crypto.SigToPub(digest[:], seal)
	must(err == nil, "header", "a seal recovers to no key")
	return crypto.PubkeyToAddress(*key)
}

// readVote reads the vote of QBFT extra data: nobody, or whom to add or to drop.
func readVote(raw rlp.RawValue) (subject person, add, cast bool) {
	var parts [][]byte
	must(rlp.DecodeBytes(raw, &parts) == nil, "header", "a vote of another form")
	if len(parts) == 0 {
		return subject, false, false
	}
	add = len(parts) == 2 && bytes.Equal(parts[1], []byte{0xff})
	must(len(parts) == 2 && len(parts[0]) == 20 && (add || len(parts[1]) == 0), "header", "a vote of another form")
	return person(parts[0]), add, true
}

var addNonce, dropNonce = bytes.Repeat([]byte{0xff}, 8), make([]byte, 8)

func (r *rules) checkClique(h header, parent *tip, state *followed) {
	number, nonce, epoch := h.number.Int64(), h.item("nonce"), h.number.Int64()%r.epoch == 0
	adds, drops := bytes.Equal(nonce, addNonce), bytes.Equal(nonce, dropNonce)
	must((adds || drops) && bytes.Equal(h.item("mixHash"), zero[:]), "header", "not a header of Clique")
	must(!epoch || drops && person(h.item("miner")) == person{}, "header", "a vote in an epoch block")
	must(len(h.items) <= requiredFields+1, "header", "a field of Shanghai or later")
	r.checkGas(h, parent)
	extra := h.item("extraData")
	listed := 0
	if epoch {
		listed = 20 * len(state.set)
	}
	must(len(extra) == 32+listed+65, "header", "extraData: of another length")
	for at, each := range state.set {
		must(!epoch || bytes.Equal(extra[32+20*at:52+20*at], each[:]), "header", "another set")
	}
	signer := anySigner(h.digest(extra[:len(extra)-65]), extra[len(extra)-65:])
	place := slices.Index(state.set, signer)
	must(place >= 0, "header", "the signer is no member")
	for before := number - int64(len(state.set)/2); before < number; before++ {
		recent, known := state.recents[before]
		must(!known || recent != signer, "header", "the signer sealed lately")
	}
	state.recents[number] = signer
	turn := int64(1)
	if number%int64(len(state.set)) == int64(place) {
		turn = 2
	}
	must(h.quantity("difficulty") == turn, "header", "not the signer's turn")
}

func (r *rules) checkGas(h header, parent *tip) {
	number, limit, fee := h.number.Int64(), h.quantity("gasLimit"), h.baseFee()
	london := r.london != nil && number >= *r.london
	must((fee != nil) == london && limit >= 5000, "header", "a base fee, or none, or too little gas")
	if parent == nil {
		return
	}
	before := parent.gasLimit
	if london && number == *r.london {
		before *= 2
	}
	difference := max(limit-before, before-limit)
	must(difference < before/1024, "header", "the gas limit changes too much")
	must(!london || fee.Cmp(nextFee(parent)) == 0, "header", "another base fee")
}

// nextFee is the base fee that follows on a block (EIP-1559).
func nextFee(parent *tip) *big.Int {
	if parent.baseFee == nil {
		return big.NewInt(1_000_000_000)
	}
	target := parent.gasLimit / 2
	difference := big.NewInt(parent.gasUsed - target)
	if difference.Sign() == 0 {
		return parent.baseFee
	}
	step := new(big.Int).Mul(parent.baseFee, new(big.Int).Abs(difference))
	step.Div(step.Div(step, big.NewInt(target)), big.NewInt(8))
	if difference.Sign() > 0 {
		return step.Add(parent.baseFee, bigMax(step, big.NewInt(1)))
	}
	return bigMax(new(big.Int).Sub(parent.baseFee, step), new(big.Int))
}

func bigMax(one, other *big.Int) *big.Int {
	if one.Cmp(other) > 0 {
		return one
	}
	return other
}

// tally counts a header's vote, and gives the set that seals the next block.
func (r *rules) tally(h header, state *followed) {
	number := h.number.Int64()
	if number%r.epoch == 0 {
		state.votes = nil
	}
	var given vote
	cast := true
	if r.clique {
		given = vote{state.recents[number], person(h.item("miner")), bytes.Equal(h.item("nonce"), addNonce)}
	} else {
		var parts []rlp.RawValue
		must(rlp.DecodeBytes(h.item("extraData"), &parts) == nil, "header", "extraData: not RLP")
		given.voter = person(h.item("miner"))
		given.subject, given.add, cast = readVote(parts[2])
		// GoQuorum reads a missing vote as one to drop address 0.
		cast = cast || r.client == "goquorum"
	}
	if cast && (r.client != "besu" || number%r.epoch != 0) {
		r.count(given, state)
	}
	for _, each := range r.sets {
		if each.from == number+1 {
			state.set = each.validators
			if r.client != "goquorum" {
				state.votes = nil
			}
		}
	}
}

func (r *rules) count(given vote, state *followed) {
	for _, each := range state.votes {
		overtaken := each.subject == given.subject && slices.Contains(state.set, each.subject) == each.add
		must(!overtaken || r.client != "goquorum", "header", "a transition has overtaken votes on this address")
	}
	state.votes = slices.DeleteFunc(state.votes, func(v vote) bool { return v.voter == given.voter && v.subject == given.subject })
	useless := slices.Contains(state.set, given.subject) == given.add
	if useless && r.client != "besu" {
		return
	}
	state.votes = append(state.votes, given)
	alike := 0
	for _, each := range state.votes {
		if each.subject == given.subject && each.add == given.add {
			alike++
		}
	}
	if alike < len(state.set)/2+1 {
		return
	}
	set := slices.DeleteFunc(slices.Clone(state.set), func(p person) bool { return p == given.subject })
	if given.add {
		set = append(set, given.subject)
		slices.SortFunc(set, func(a, b person) int { return bytes.Compare(a[:], b[:]) })
	}
	state.set = set
	state.votes = slices.DeleteFunc(state.votes, func(v vote) bool {
		return v.subject == given.subject || !given.add && v.voter == given.subject
	})
}
