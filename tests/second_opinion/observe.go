package main

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"sort"
)

// The flags of observations and readings, as QARTOD numbers them.
const (
	pass         = 1
	notEvaluated = 2
	suspect      = 3
	fail         = 4
	missing      = 9
	bps          = 10_000
)

// made is an observation that the segments give.
type made struct {
	value         int64
	flag, count   int64
	sources, salt hash
	contributors  []*segment
}

type span struct{ from, to int64 }

// question is a metric of one slot: its window with the look back, and the parts of it that count.
type question struct {
	*metric
	schema *schema
	slot   int64
	window span
	spans  []span
}

// heard is what one member said, in order.
type heard struct {
	channel
	said   []reading
	closed bool
}

func (s *schema) observe(m *metric, slot int64, streams map[string][]*segment) made {
	start, end := s.window(slot)
	q := question{m, s, slot, span{start - m.lookback, end}, nil}
	q.spans = []span{q.window}
	if m.margin != nil {
		q.spans = daylight(s, q.window, *m.margin)
	}
	segments := q.contributing(streams)
	members, against := q.hear(m.members, segments), q.hear(m.against, segments)
	var value *big.Rat
	var flag, count int64
	if m.counts() {
		value, flag, count = q.tally(members, against)
	} else {
		value, flag, count = q.measure(members)
	}
	number := halfEven(value)
	if !number.IsInt64() {
		number, flag = new(big.Int), fail
	}
	found := made{value: number.Int64(), flag: flag, count: count, contributors: segments}
	found.seal(s, m, slot)
	return found
}

// seal sets sources and salt.
func (o *made) seal(s *schema, m *metric, slot int64) {
	var digests, signatures []byte
	for _, each := range o.contributors {
		digests = append(digests, each.digest[:]...)
		signatures = append(signatures, each.signature...)
	}
	about := append(append(append(append([]byte{}, s.id[:]...), big8(slot)...), m.subject[:]...), m.id[:]...)
	if len(o.contributors) == 0 {
		o.salt = sha([]byte("cangdan/salt/missing/1"), s.salt[:], about)
		return
	}
	o.sources = sha([]byte("cangdan/sources/1"), digests)
	o.salt = sha([]byte("cangdan/salt/1"), about, signatures)
}

// contributing are the segments that an observation rests on, by device and then seq.
func (q *question) contributing(streams map[string][]*segment) (found []*segment) {
	channels := map[string][]int64{}
	for _, place := range append(append([]int64{}, q.members...), q.against...) {
		member := q.schema.members[place]
		channels[member.device] = append(channels[member.device], member.number)
	}
	devices := make([]string, 0, len(channels))
	for device := range channels {
		devices = append(devices, device)
	}
	sort.Strings(devices)
	for _, device := range devices {
		closed := !q.counts()
		for _, each := range streams[device] {
			closes := !closed && each.last() >= q.schema.closing(q.slot)
			closed = closed || closes
			speaks := slices.ContainsFunc(each.readings, func(r reading) bool {
				return slices.Contains(channels[device], r.channel) && q.window.from <= r.time && r.time < q.window.to
			})
			if closes || speaks {
				found = append(found, each)
			}
		}
	}
	return found
}

func (q *question) hear(places []int64, segments []*segment) (found []heard) {
	for _, place := range places {
		one := heard{channel: q.schema.members[place]}
		for _, each := range segments {
			if each.device != one.device {
				continue
			}
			one.closed = one.closed || each.last() >= q.schema.closing(q.slot)
			for _, r := range each.readings {
				if r.channel == one.number && r.quality != missing && q.asks(r.time) {
					one.said = append(one.said, r)
				}
			}
		}
		found = append(found, one)
	}
	return found
}

func (q *question) asks(time int64) bool {
	return slices.ContainsFunc(q.spans, func(s span) bool { return s.from <= time && time < s.to })
}

// expected counts the ticks of a cadence, from the start of the window, that fall into the spans.
func (q *question) expected(cadence int64) (count int64) {
	for _, each := range q.spans {
		count += ceiling(each.to-q.window.from, cadence) - ceiling(each.from-q.window.from, cadence)
	}
	return count
}

func ceiling(number, by int64) int64 { return (number + by - 1) / by }

// judge gives the flag of what was used: too few of the expected readings, too many doubtful ones, or neither.
func (q *question) judge(members []heard, times [][]int64, doubtful int64) int64 {
	var used int64
	for _, each := range times {
		used += int64(len(each))
	}
	if q.completeness > 0 {
		var expected, covered int64
		for at, member := range members {
			ticks := map[int64]bool{}
			for _, time := range times[at] {
				ticks[(time-q.window.from)/member.cadence] = true
			}
			asked := q.expected(member.cadence)
			expected += asked
			covered += min(int64(len(ticks)), asked)
		}
		if covered*bps < q.completeness*expected {
			return fail
		}
	}
	if doubtful*bps > q.suspect*used {
		return suspect
	}
	return pass
}

// tally makes a number out of events.
func (q *question) tally(members, against []heard) (*big.Rat, int64, int64) {
	if len(q.spans) == 0 {
		return new(big.Rat), notEvaluated, 0
	}
	var said, others []reading
	var times [][]int64
	var doubtful int64
	silent, closed := 0, true
	for _, member := range members {
		var own []int64
		for _, each := range member.said {
			if each.quality != fail {
				said, own = append(said, each), append(own, each.time)
			}
			if each.quality == suspect {
				doubtful++
			}
		}
		times = append(times, own)
		if len(own) == 0 && (member.cadence > 0 || !member.closed) {
			silent++
		}
		closed = closed && member.closed
	}
	for _, member := range against {
		others, closed = append(others, member.said...), closed && member.closed
	}
	if silent == len(members) {
		return new(big.Rat), missing, 0
	}
	flag := int64(fail)
	if silent == 0 {
		flag = q.judge(members, times, doubtful)
	}
	if flag == pass && !closed {
		flag = suspect
	}
	return new(big.Rat).SetInt64(q.number(said, others)), flag, int64(len(said))
}

func (q *question) number(said, others []reading) (count int64) {
	names := map[string]bool{}
	for _, each := range said {
		names[nameOf(each.value)] = true
	}
	for _, each := range q.metric.expected {
		if names[each] {
			count++
		}
	}
	switch q.aggregate {
	case "count":
		return int64(len(said))
	case "distinct":
		return int64(len(names))
	case "absent":
		return int64(len(q.metric.expected)) - count
	case "extra":
		return int64(len(names)) - count
	}
	count = 0
	for _, each := range said {
		code, number := each.value.(int64)
		if q.aggregate == "count_event" && number && each.exp10 == 0 && slices.Contains(q.codes, code) {
			count++
		}
		if q.aggregate == "unmatched" && each.time >= q.slot && !q.matched(each, others) {
			count++
		}
	}
	return count
}

func (q *question) matched(event reading, others []reading) bool {
	return event.value != "" && slices.ContainsFunc(others, func(r reading) bool {
		return r.value == event.value && event.time-q.lookback <= r.time && r.time <= event.time && r.quality != fail
	})
}

func nameOf(value any) string {
	if digest, ok := value.(hash); ok {
		return "0x" + hex.EncodeToString(digest[:])
	}
	return fmt.Sprint(value)
}

// halfEven rounds to a whole number, a half to the even one.
func halfEven(value *big.Rat) *big.Int {
	twice := new(big.Int).Lsh(value.Num(), 1)
	floor, rest := new(big.Int).DivMod(twice.Add(twice, value.Denom()), new(big.Int).Lsh(value.Denom(), 1), new(big.Int))
	if rest.Sign() == 0 && floor.Bit(0) == 1 {
		floor.Sub(floor, big.NewInt(1))
	}
	return floor
}
