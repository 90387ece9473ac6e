package main

import (
	"bytes"
	"math/big"
)

// run is the evidence for one condition of a rule.
type run []*values

// firing is what a rule fired on: abi.encode(Rule, Observation[][]).
type firing struct {
	rule       *values
	conditions []*values
	evidence   []run
}

// abi reads and writes words of 32 bytes.
type abi struct {
	data []byte
	at   int
}

func (a *abi) next() hash {
	must(a.at+32 <= len(a.data), "rule", "the firing is cut short")
	a.at += 32
	return hash(a.data[a.at-32 : a.at])
}

func (a *abi) count() int {
	number := a.next().int()
	must(number.Cmp(big.NewInt(4096)) <= 0, "rule", "the firing has too many members")
	return int(number.Int64())
}

func (a *abi) structs(of *definition, count int) (found []*values) {
	for range count {
		size := 32 * len(of.members)
		must(a.at+size <= len(a.data), "rule", "the firing is cut short")
		one := of.decode(a.data[a.at : a.at+size])
		must(one != nil, "rule", "a field of the firing is out of range")
		found, a.at = append(found, one), a.at+size
	}
	return found
}

// readFiring reads the parts where their one encoding has them, and refuses every other encoding.
func readFiring(data []byte) *firing {
	from := &abi{data, 64}
	made := &firing{rule: from.structs(ruleHead, 1)[0]}
	made.conditions = from.structs(condition, from.count())
	runs := from.count()
	from.at += 32 * runs
	for range runs {
		made.evidence = append(made.evidence, run(from.structs(observation, from.count())))
	}
	must(bytes.Equal(made.encoded(), data), "rule", "the firing is not in its one encoding")
	return made
}

// ruleTail is the encoding of the rule without the offset to it.
func (f *firing) ruleTail() []byte {
	offset, count := word(int64(32*len(ruleHead.members))), word(int64(len(f.conditions)))
	tail := append(join(f.rule.words[:7]), offset[:]...)
	tail = append(tail, count[:]...)
	for _, each := range f.conditions {
		tail = append(tail, join(each.words)...)
	}
	return tail
}

func (f *firing) leaf() hash {
	offset := word(32)
	return leafOf(append(offset[:], f.ruleTail()...))
}

func (f *firing) encoded() []byte {
	tail := f.ruleTail()
	var runs []byte
	offsets := []hash{word(64), word(int64(64 + len(tail))), word(int64(len(f.evidence)))}
	for _, each := range f.evidence {
		offsets = append(offsets, word(int64(32*len(f.evidence)+len(runs))))
		count := word(int64(len(each)))
		runs = append(runs, count[:]...)
		for _, one := range each {
			runs = append(runs, join(one.words)...)
		}
	}
	made := append(join(offsets[:2]), tail...)
	return append(append(made, join(offsets[2:])...), runs...)
}

// The names of actions that a rule may have end here, and so do its classes of evidence and comparators.
const lastAction, lastKind, lastComparator = 12, 7, 6

const (
	actionHold, actionReview, actionDefer, actionClaim = 1, 2, 5, 11
)

func flagKnown(flag int64) bool { return flag >= 1 && flag <= 4 || flag == missing }

// check refuses a firing whose evidence does not meet its rule, and gives the first and last slot.
func (f *firing) check() (first, last int64) {
	action := f.rule.int("action")
	must(action >= 1 && action <= lastAction, "rule", "no such action")
	must(len(f.evidence) == len(f.conditions) && len(f.conditions) > 0, "rule", "one run a condition")
	kinds := map[int64]bool{}
	first = 1<<63 - 1
	for at, each := range f.conditions {
		kind, comparator := each.int("kind"), each.int("comparator")
		must(kind >= 1 && kind <= lastKind && comparator >= 1 && comparator <= lastComparator, "rule", "condition %d: no such kind or comparator", at)
		kinds[kind] = true
		must(meets(each, f.evidence[at]), "rule", "condition %d is not met", at)
		for _, one := range f.evidence[at] {
			first, last = min(first, one.int("slot")), max(last, one.int("slot"))
		}
	}
	must(last-first <= f.rule.int("windowMs"), "rule", "the evidence is wider than the window")
	must(action != actionHold || f.rule.int("singleKind") == 1 || len(kinds) > 1, "rule", "a hold of one kind")
	return first, last
}

func meets(condition *values, evidence run) bool {
	count := int64(0)
	period := condition.int("periodMs")
	for at, each := range evidence {
		for _, name := range []string{"schema", "subject", "metric"} {
			if each.word(name) != condition.word(name) {
				return false
			}
		}
		flag := each.int("flag")
		if !flagKnown(flag) {
			return false
		}
		if at > 0 {
			step := each.int("slot") - evidence[at-1].int("slot")
			if step <= 0 || period != 0 && step != period {
				return false
			}
		}
		if condition.int("flagMask")>>flag&1 == 1 && compares(condition, each.int("value")) {
			count++
			continue
		}
		inside := at > 0 && at < len(evidence)-1
		if !inside || condition.int("missingSkips") != 1 || flag != missing {
			return false
		}
	}
	return len(evidence) > 0 && count == condition.int("count")
}

func compares(condition *values, value int64) bool {
	threshold := condition.int("threshold")
	switch condition.int("comparator") {
	case 1:
		return value < threshold
	case 2:
		return value <= threshold
	case 3:
		return value > threshold
	case 4:
		return value >= threshold
	case 5:
		return value == threshold
	}
	return value != threshold
}
