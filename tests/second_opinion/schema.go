package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	dayMs    = 86_400_000
	maxSpan  = 400 * dayMs
	minuteMs = 60_000
)

// channel is a member of a schema: one channel of one device, with its limits.
type channel struct {
	device                 string
	number, cadence, exp10 int64
	low, high, step, stuck *int64
	stuckFloor             *int64
	stepMs, tolerance      int64
}

type metric struct {
	id, subject             hash
	aggregate, combine      string
	exp10, lookback         int64
	completeness, suspect   int64
	margin                  *int64
	members, against, codes []int64
	expected                []string
}

var counting = []string{"count", "count_event", "distinct", "absent", "extra", "unmatched"}

func (m *metric) counts() bool { return slices.Contains(counting, m.aggregate) }

// schema says what is observed of what, and when (observation.md).
type schema struct {
	id, salt                hash
	period, start, lateness int64
	latitude, longitude     int64
	offset                  int64
	members                 []channel
	metrics                 []*metric
}

// window is the slot from its first millisecond up to and without the one after its last.
func (s *schema) window(slot int64) (int64, int64) { return slot, slot + max(s.period, 1) }

func (s *schema) isSlot(slot int64) bool {
	return slot >= s.start && (s.period == 0 || (slot-s.start)%s.period == 0)
}

// closing is the event time at which a stream has passed a slot.
func (s *schema) closing(slot int64) int64 { return slot + s.period + s.lateness }

var (
	aggregates = append([]string{"mean", "sum", "min", "max", "first", "last", "delta", "stuck_run"}, counting...)
	periodForm = regexp.MustCompile(`^P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$`)
)

func readSchema(from *fields) *schema {
	encoded := canonical(from.values)
	from.word("format", "cangdan/schema/1")
	from.name("name")
	made := &schema{id: keccak(encoded), salt: from.hash("salt"), start: from.integer("startMs", 0, maxTime)}
	event := from.word("kind", "period", "event") == "event"
	if !event {
		made.period = readPeriod(from.text("period"))
	}
	zone := from.inner("zone")
	made.latitude, made.longitude = zone.integer("latE6", -90_000_000, 90_000_000), zone.integer("lonE6", -180_000_000, 180_000_000)
	made.offset = zone.integer("utcOffsetMin", -14*60, 14*60)
	zone.end()
	made.lateness = from.optional("latenessMs", 0, 30*dayMs, 0)
	from.integer("fleetEntity", 1, 1<<32-1)
	for _, each := range from.objects("members", 1) {
		made.members = append(made.members, readChannel(each))
	}
	for _, each := range from.objects("metrics", 1) {
		made.metrics = append(made.metrics, readMetric(each, made.members, event))
	}
	if event {
		readPlaces(from, "triggers", len(made.members), true)
	}
	from.end()
	checkSchema(made)
	return made
}

func checkSchema(s *schema) {
	seen := map[string]bool{}
	for _, each := range s.members {
		name := fmt.Sprint(each.device, each.number)
		must(!seen[name], "format", "schema.members: a channel twice")
		seen[name] = true
	}
	for _, each := range s.metrics {
		name := string(each.subject[:]) + string(each.id[:])
		must(!seen[name], "format", "schema.metrics: one twice")
		seen[name] = true
	}
	days := s.period > 0 && s.period%dayMs == 0
	must(!days || (s.start+s.offset*minuteMs)%dayMs == 0, "format", "schema.startMs: not midnight")
}

// readPeriod reads an ISO 8601 duration in its shortest form.
func readPeriod(text string) int64 {
	parts := periodForm.FindStringSubmatch(text)
	must(parts != nil, "format", "schema.period: not a duration")
	sizes, units := []int64{86400, 3600, 60, 1}, "DHMS"
	var seconds int64
	for at, size := range sizes {
		number, _ := strconv.ParseInt(parts[at+1], 10, 64)
		seconds += number * size
	}
	must(seconds > 0 && seconds*1000 <= maxSpan, "format", "schema.period: too short or too long")
	short, rest := "P", seconds
	for at, size := range sizes {
		if number := rest / size; number > 0 {
			if at > 0 && !strings.Contains(short, "T") {
				short += "T"
			}
			short += fmt.Sprint(number) + units[at:at+1]
		}
		rest %= size
	}
	must(text == short, "format", "schema.period: not in its shortest form")
	return seconds * 1000
}

func readChannel(from *fields) channel {
	made := channel{
		device: string(from.data("device", 16)), number: from.integer("channel", 0, 65535),
		cadence: from.optional("cadenceMs", 0, maxSpan, 0), exp10: from.optional("exp10", -18, 18, 0),
		low: from.maybe("low", -maxInteger, maxInteger), high: from.maybe("high", -maxInteger, maxInteger),
		step: from.maybe("step", 0, maxInteger), stepMs: from.optional("stepMs", 0, maxInteger, 0),
		stuck: from.maybe("stuck", 2, maxInteger), stuckFloor: from.maybe("stuckFloor", 0, maxInteger),
		tolerance: from.optional("tolerance", 0, maxInteger, 0),
	}
	must(made.low == nil || made.high == nil || *made.low <= *made.high, "format", "schema.members: low above high")
	from.end()
	return made
}

// readPlaces reads a list of places in another list; none twice.
func readPlaces(from *fields, name string, count int, needed bool) []int64 {
	return readNumbers(from, name, 0, int64(count)-1, needed)
}

func readNumbers(from *fields, name string, low, high int64, needed bool) (found []int64) {
	if !needed && !from.has(name) {
		return nil
	}
	for _, each := range from.list(name, 1) {
		number := asInteger(name, each, low, high)
		must(!slices.Contains(found, number), "format", "%s: one twice", name)
		found = append(found, number)
	}
	return found
}

func readMetric(from *fields, members []channel, event bool) *metric {
	made := &metric{id: keccak([]byte(from.name("name"))), subject: from.hash("subject"), combine: "sum"}
	made.aggregate = from.word("aggregate", aggregates...)
	made.exp10 = from.optional("exp10", -18, 18, 0)
	made.members = readPlaces(from, "members", len(members), true)
	made.against = readPlaces(from, "against", len(members), false)
	made.codes = readNumbers(from, "codes", -maxInteger, maxInteger, false)
	if from.has("combine") {
		made.combine = from.word("combine", "mean", "median", "min", "max")
	}
	if from.has("expected") {
		for _, each := range from.list("expected", 1) {
			name, ok := each.(string)
			must(ok && isName(name) && !slices.Contains(made.expected, name), "format", "expected: not a name, or twice")
			made.expected = append(made.expected, name)
		}
	}
	made.lookback = from.optional("lookbackMs", 0, maxSpan, 0)
	made.margin = from.maybe("daylightMarginMs", -dayMs/4, dayMs/4)
	made.completeness = from.optional("completenessBps", 0, 10_000, 0)
	made.suspect = from.optional("suspectBps", 0, 10_000, 0)
	from.end()
	checkMetric(made, members, event)
	return made
}

func checkMetric(m *metric, members []channel, event bool) {
	joint := m.counts()
	must(!joint || m.exp10 == 0 && m.combine == "sum", "format", "metric: a count has no exponent and combines nothing")
	must((m.aggregate == "unmatched") == (m.against != nil), "format", "metric.against: goes with unmatched")
	must((m.aggregate == "count_event") == (m.codes != nil), "format", "metric.codes: goes with count_event")
	expecting := m.aggregate == "absent" || m.aggregate == "extra"
	must(expecting == (m.expected != nil), "format", "metric.expected: goes with absent and extra")
	for _, place := range m.members {
		must(!slices.Contains(m.against, place), "format", "metric.against: a member")
		must(m.completeness == 0 || !event && members[place].cadence > 0, "format", "metric.completenessBps: nothing is expected")
	}
}
