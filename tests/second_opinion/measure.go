package main

import (
	"math/big"
	"sort"
)

// sample is a reading as an integer of the exponent that all readings of a metric are brought to.
type sample struct {
	time    int64
	value   *big.Int
	quality int64
}

func power(exponent int64) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(exponent), nil)
}

// measure makes a number out of numbers: readings are tested, each member aggregated, the members combined.
func (q *question) measure(members []heard) (*big.Rat, int64, int64) {
	if len(q.spans) == 0 {
		return new(big.Rat), notEvaluated, 0
	}
	exponent := q.metric.exp10
	for _, member := range members {
		exponent = min(exponent, member.exp10)
		for _, each := range member.said {
			exponent = min(exponent, each.exp10)
		}
	}
	var results []*big.Rat
	var times [][]int64
	var doubtful, count int64
	said, lacking := false, false
	for _, member := range members {
		samples := member.assessed(exponent)
		said = said || len(samples) > 0
		var used []sample
		var own []int64
		for _, each := range samples {
			if each.quality != fail {
				used, own = append(used, each), append(own, each.time)
			}
			if each.quality == suspect {
				doubtful++
			}
		}
		times, count, lacking = append(times, own), count+int64(len(used)), lacking || len(used) == 0
		if len(used) > 0 {
			results = append(results, q.aggregated(used, member, exponent))
		}
	}
	if !said {
		return new(big.Rat), missing, 0
	}
	if count == 0 {
		return new(big.Rat), fail, 0
	}
	flag := int64(fail)
	if !lacking || q.combine != "sum" {
		flag = q.judge(members, times, doubtful)
	}
	value := combined(results, q.combine)
	if q.aggregate != "stuck_run" {
		value.Quo(value, new(big.Rat).SetInt(power(q.metric.exp10-exponent)))
	}
	return value, flag, count
}

// scaled is a limit in units of 10^exponent.
func (h *heard) scaled(limit *int64, exponent int64) *big.Int {
	if limit == nil {
		return nil
	}
	return new(big.Int).Mul(big.NewInt(*limit), power(h.exp10-exponent))
}

// assessed are a member's numbers with the flags that QARTOD's tests give (profile.md).
func (h *heard) assessed(exponent int64) []sample {
	var found []sample
	for _, each := range h.said {
		if number, ok := each.value.(int64); ok {
			value := new(big.Int).Mul(big.NewInt(number), power(each.exp10-exponent))
			found = append(found, sample{each.time, value, each.quality})
		}
	}
	low, high := h.scaled(h.low, exponent), h.scaled(h.high, exponent)
	step := h.scaled(h.step, exponent)
	stuck := h.stuckPlaces(found, exponent)
	var good *sample
	flags := make([]int64, len(found))
	for at := range found {
		each := &found[at]
		flags[at] = each.quality
		if each.quality == notEvaluated {
			flags[at] = pass
		}
		if each.quality == fail {
			continue
		}
		if low != nil && each.value.Cmp(low) < 0 || high != nil && each.value.Cmp(high) > 0 {
			flags[at] = fail
			continue
		}
		if stuck[at] || good != nil && step != nil && h.tooFast(good, each, step) {
			flags[at] = suspect
		}
		good = each
	}
	for at := range found {
		found[at].quality = flags[at]
	}
	return found
}

func (h *heard) tooFast(before, after *sample, step *big.Int) bool {
	change := new(big.Int).Sub(after.value, before.value)
	change.Abs(change)
	if h.stepMs == 0 {
		return change.Cmp(step) > 0
	}
	allowed := new(big.Int).Mul(step, big.NewInt(max(after.time-before.time, h.stepMs)))
	return change.Mul(change, big.NewInt(h.stepMs)).Cmp(allowed) > 0
}

// stuckPlaces are the places of runs that do not change.
func (h *heard) stuckPlaces(samples []sample, exponent int64) map[int]bool {
	found := map[int]bool{}
	if h.stuck == nil {
		return found
	}
	floor, tolerance := h.scaled(h.stuckFloor, exponent), h.scaled(&h.tolerance, exponent)
	var run []int
	for at, each := range samples {
		if each.quality == fail || floor != nil && each.value.CmpAbs(floor) <= 0 {
			run = nil
			continue
		}
		if len(run) > 0 && within(each.value, samples[run[0]].value, tolerance) {
			run = append(run, at)
		} else {
			run = []int{at}
		}
		if int64(len(run)) >= *h.stuck {
			for _, place := range run {
				found[place] = true
			}
		}
	}
	return found
}

func within(one, other, tolerance *big.Int) bool {
	return new(big.Int).Sub(one, other).CmpAbs(tolerance) <= 0
}

func (q *question) aggregated(samples []sample, member heard, exponent int64) *big.Rat {
	first, last := samples[0].value, samples[len(samples)-1].value
	sum, low, high := new(big.Int), first, first
	for _, each := range samples {
		sum.Add(sum, each.value)
		if each.value.Cmp(low) < 0 {
			low = each.value
		}
		if each.value.Cmp(high) > 0 {
			high = each.value
		}
	}
	switch q.aggregate {
	case "mean":
		return new(big.Rat).SetFrac(sum, big.NewInt(int64(len(samples))))
	case "sum":
		return new(big.Rat).SetInt(sum)
	case "min":
		return new(big.Rat).SetInt(low)
	case "max":
		return new(big.Rat).SetInt(high)
	case "first":
		return new(big.Rat).SetInt(first)
	case "last":
		return new(big.Rat).SetInt(last)
	case "delta":
		return new(big.Rat).SetInt(new(big.Int).Sub(last, first))
	}
	return new(big.Rat).SetInt64(q.longestRun(samples, member, exponent))
}

// longestRun is the length of the longest run of equal values above the floor that reaches into the slot.
func (q *question) longestRun(samples []sample, member heard, exponent int64) (longest int64) {
	floor, tolerance := member.scaled(member.stuckFloor, exponent), member.scaled(&member.tolerance, exponent)
	begun := -1
	for at, each := range samples {
		if floor != nil && each.value.CmpAbs(floor) <= 0 {
			begun = -1
			continue
		}
		gap := at > 0 && member.cadence > 0 && 2*(each.time-samples[max(at-1, 0)].time) >= 3*member.cadence
		if begun < 0 || gap || !within(each.value, samples[begun].value, tolerance) {
			begun = at
		}
		if each.time >= q.slot {
			longest = max(longest, int64(at-begun+1))
		}
	}
	return longest
}

func combined(values []*big.Rat, how string) *big.Rat {
	ordered := append([]*big.Rat{}, values...)
	sort.Slice(ordered, func(i, j int) bool { return ordered[i].Cmp(ordered[j]) < 0 })
	count := len(ordered)
	switch how {
	case "min":
		return new(big.Rat).Set(ordered[0])
	case "max":
		return new(big.Rat).Set(ordered[count-1])
	case "median":
		middle := new(big.Rat).Add(ordered[(count-1)/2], ordered[count/2])
		return middle.Quo(middle, big.NewRat(2, 1))
	}
	sum := new(big.Rat)
	for _, each := range ordered {
		sum.Add(sum, each)
	}
	if how == "mean" {
		sum.Quo(sum, big.NewRat(int64(count), 1))
	}
	return sum
}
