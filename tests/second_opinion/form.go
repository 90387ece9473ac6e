package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// refusal is why a bundle is not believed: the step of bundle.md that fails, and what is wrong.
type refusal struct{ step, rule string }

const maxInteger = 1<<53 - 1

// refuse ends the check of a bundle; check() catches it.
func refuse(step, rule string, values ...any) {
	panic(refusal{step, fmt.Sprintf(rule, values...)})
}

// must refuses unless `holds`.
func must(holds bool, step, rule string, values ...any) {
	if !holds {
		refuse(step, rule, values...)
	}
}

// loose reads JSON in any form.
func loose(text []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	must(decoder.Decode(&value) == nil, "format", "not JSON")
	_, err := decoder.Token()
	must(err == io.EOF, "format", "more than one value")
	return value
}

// parse reads canonical JSON (RFC 8785) of whole numbers: what is written again must be the same bytes.
func parse(text []byte) any {
	value := loose(text)
	must(bytes.Equal(canonical(value), text), "format", "not canonical JSON")
	return value
}

// canonical writes a value as RFC 8785 asks.
func canonical(value any) []byte {
	var out bytes.Buffer
	write(&out, value)
	return out.Bytes()
}

func write(out *bytes.Buffer, value any) {
	switch value := value.(type) {
	case nil:
		out.WriteString("null")
	case bool:
		fmt.Fprint(out, value)
	case json.Number:
		number, err := value.Int64()
		must(err == nil && -maxInteger <= number && number <= maxInteger, "format", "number %s", value)
		fmt.Fprint(out, number)
	case string:
		writeText(out, value)
	case []any:
		out.WriteByte('[')
		for at, each := range value {
			if at > 0 {
				out.WriteByte(',')
			}
			write(out, each)
		}
		out.WriteByte(']')
	case map[string]any:
		writeObject(out, value)
	}
}

func writeObject(out *bytes.Buffer, value map[string]any) {
	names := make([]string, 0, len(value))
	for name := range value {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		return slices.Compare(utf16.Encode([]rune(names[i])), utf16.Encode([]rune(names[j]))) < 0
	})
	out.WriteByte('{')
	for at, name := range names {
		if at > 0 {
			out.WriteByte(',')
		}
		writeText(out, name)
		out.WriteByte(':')
		write(out, value[name])
	}
	out.WriteByte('}')
}

var short = map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

func writeText(out *bytes.Buffer, text string) {
	out.WriteByte('"')
	for _, letter := range text {
		if escaped, found := short[letter]; found {
			out.WriteString(escaped)
		} else if letter < 0x20 {
			fmt.Fprintf(out, `\u%04x`, letter)
		} else {
			out.WriteRune(letter)
		}
	}
	out.WriteByte('"')
}

// fields is an object that is read field by field; end() refuses what was not asked for.
type fields struct {
	path   string
	values map[string]any
	asked  map[string]bool
}

func object(path string, value any) *fields {
	values, ok := value.(map[string]any)
	must(ok, "format", "%s: not an object", path)
	return &fields{path, values, map[string]bool{}}
}

func (f *fields) has(name string) bool { _, found := f.values[name]; return found }

func (f *fields) take(name string) any {
	value, found := f.values[name]
	must(found, "format", "%s.%s: is missing", f.path, name)
	f.asked[name] = true
	return value
}

func (f *fields) end() {
	for name := range f.values {
		must(f.asked[name], "format", "%s.%s: is unknown", f.path, name)
	}
}

func (f *fields) text(name string) string {
	value, ok := f.take(name).(string)
	must(ok, "format", "%s.%s: not a text", f.path, name)
	return value
}

func isName(text string) bool {
	count := utf8.RuneCountInString(text)
	return 1 <= count && count <= 64
}

// name is a text of 1 to 64 characters.
func (f *fields) name(name string) string {
	value := f.text(name)
	must(isName(value), "format", "%s.%s: not of 1 to 64 characters", f.path, name)
	return value
}

func (f *fields) word(name string, words ...string) string {
	value := f.text(name)
	must(slices.Contains(words, value), "format", "%s.%s: %q", f.path, name, value)
	return value
}

func asInteger(path string, value any, low, high int64) int64 {
	number, ok := value.(json.Number)
	must(ok, "format", "%s: not a number", path)
	found, err := number.Int64()
	must(err == nil && low <= found && found <= high, "format", "%s: out of range", path)
	return found
}

func (f *fields) integer(name string, low, high int64) int64 {
	return asInteger(f.path+"."+name, f.take(name), low, high)
}

// optional is an integer with a default, which must not be written.
func (f *fields) optional(name string, low, high, otherwise int64) int64 {
	if !f.has(name) {
		return otherwise
	}
	value := f.integer(name, low, high)
	must(value != otherwise, "format", "%s.%s: the default is not written", f.path, name)
	return value
}

// maybe is an integer that may be missing.
func (f *fields) maybe(name string, low, high int64) *int64 {
	if !f.has(name) {
		return nil
	}
	value := f.integer(name, low, high)
	return &value
}

func asData(path string, value any, size int) []byte {
	text, ok := value.(string)
	must(ok && strings.HasPrefix(text, "0x") && text == strings.ToLower(text), "format", "%s: not lower-case 0x data", path)
	data, err := hex.DecodeString(text[2:])
	must(err == nil && (size < 0 || len(data) == size), "format", "%s: not %d bytes", path, size)
	return data
}

// data is a byte string; of any length where size is negative.
func (f *fields) data(name string, size int) []byte {
	return asData(f.path+"."+name, f.take(name), size)
}

func (f *fields) hash(name string) hash { return hash(f.data(name, 32)) }

func (f *fields) list(name string, fewest int) []any {
	value, ok := f.take(name).([]any)
	must(ok && len(value) >= fewest, "format", "%s.%s: not a list of %d or more", f.path, name, fewest)
	return value
}

func (f *fields) hashes(name string) (found []hash) {
	for _, each := range f.list(name, 0) {
		found = append(found, hash(asData(f.path+"."+name, each, 32)))
	}
	return found
}

// proof is a Merkle proof.
func (f *fields) proof(name string) []hash {
	found := f.hashes(name)
	must(len(found) <= 64, "format", "%s.%s: more than 64 members", f.path, name)
	return found
}

func (f *fields) inner(name string) *fields { return object(f.path+"."+name, f.take(name)) }

func (f *fields) objects(name string, fewest int) []*fields {
	var found []*fields
	for at, each := range f.list(name, fewest) {
		found = append(found, object(fmt.Sprintf("%s.%s[%d]", f.path, name, at), each))
	}
	return found
}

// ascending refuses a list that is not sorted by its keys, or has one twice.
func ascending[T any](path string, list []T, key func(T) string) []T {
	for at := 1; at < len(list); at++ {
		must(key(list[at-1]) < key(list[at]), "format", "%s: not sorted, each once", path)
	}
	return list
}
