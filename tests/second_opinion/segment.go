package main

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/binary"
	"math/big"
	"unicode/utf8"
)

const (
	maxSegment = 61440
	es256      = 0x26
	edDSA      = 0x27
)

// segment is what a device signed (segment.md).
type segment struct {
	device, raw string
	digest      hash
	signature   []byte
	seq, t0     int64
	calibration hash
	readings    []reading
}

type reading struct {
	time, channel int64
	// value is an int64, a string, or 32 bytes as a hash.
	value   any
	exp10   int64
	quality int64
}

// first and last are the event times that a segment spans: those of its readings, t0 when it has none.
func (s *segment) first() int64 {
	if len(s.readings) == 0 {
		return s.t0
	}
	return s.readings[0].time
}

func (s *segment) last() int64 {
	if len(s.readings) == 0 {
		return s.t0
	}
	return s.readings[len(s.readings)-1].time
}

// cbor reads deterministic CBOR from the front of its bytes.
type cbor struct{ rest []byte }

func malformed(holds bool) { must(holds, "segments", "malformed segment") }

// head reads a major type and its argument, which must be as short as it can be.
func (c *cbor) head() (major byte, argument uint64) {
	malformed(len(c.rest) > 0)
	first := c.rest[0]
	major, argument = first>>5, uint64(first&31)
	c.rest = c.rest[1:]
	if argument < 24 {
		return major, argument
	}
	malformed(argument < 28)
	size := 1 << (argument - 24)
	malformed(len(c.rest) >= size)
	argument = 0
	for _, each := range c.rest[:size] {
		argument = argument<<8 | uint64(each)
	}
	c.rest = c.rest[size:]
	malformed(argument >= []uint64{24, 0, 1 << 8, 0, 1 << 16, 0, 0, 0, 1 << 32}[size])
	return major, argument
}

func (c *cbor) array() int {
	major, size := c.head()
	malformed(major == 4 && size <= maxSegment)
	return int(size)
}

func (c *cbor) integer(low, high int64) int64 {
	major, argument := c.head()
	malformed(major < 2 && argument < 1<<63)
	number := int64(argument)
	if major == 1 {
		number = -1 - number
	}
	malformed(low <= number && number <= high)
	return number
}

func (c *cbor) bytes(size int) []byte {
	major, length := c.head()
	malformed(major == 2)
	return c.take(length, size)
}

func (c *cbor) take(length uint64, size int) []byte {
	malformed(length <= uint64(len(c.rest)) && (size < 0 || length == uint64(size)))
	found := c.rest[:length]
	c.rest = c.rest[length:]
	return found
}

// readSegment reads the envelope and the payload, without the signature's check; kid names the key.
func readSegment(raw []byte) (read *segment, protected, kid, payload []byte) {
	must(len(raw) <= maxSegment, "segments", "oversized segment")
	envelope := cbor{raw}
	malformed(bytes.HasPrefix(raw, []byte{0xd2, 0x84}))
	envelope.rest = raw[2:]
	protected = envelope.bytes(38)
	malformed(protected[0] == 0xa2 && protected[1] == 1 && (protected[2] == es256 || protected[2] == edDSA))
	malformed(bytes.Equal(protected[3:6], []byte{4, 0x58, 0x20}))
	malformed(len(envelope.rest) > 0 && envelope.rest[0] == 0xa0)
	envelope.rest = envelope.rest[1:]
	payload = envelope.bytes(-1)
	signature := envelope.bytes(64)
	malformed(len(envelope.rest) == 0)
	read = readPayload(payload)
	read.raw, read.signature, read.digest = string(raw), signature, sha(payload)
	return read, protected, protected[6:], payload
}

func readPayload(payload []byte) *segment {
	from := &cbor{payload}
	malformed(from.array() == 12)
	from.integer(1, 1)
	made := &segment{device: string(from.bytes(16))}
	from.integer(0, 1<<32-1)
	made.seq = from.integer(0, maxInteger)
	from.bytes(32)
	from.bytes(32)
	made.t0 = from.integer(0, maxTime)
	from.integer(0, maxTime)
	from.integer(0, 5)
	from.bytes(32)
	made.calibration = hash(from.bytes(32))
	var before int64
	for count := from.array(); count > 0; count-- {
		malformed(from.array() == 5)
		dt := from.integer(0, 1<<32-1)
		malformed(dt >= before)
		before = dt
		made.readings = append(made.readings, readReading(from, made.t0+dt))
	}
	malformed(len(from.rest) == 0)
	return made
}

func readReading(from *cbor, time int64) reading {
	made := reading{time: time, channel: from.integer(0, 65535)}
	malformed(len(from.rest) > 0)
	number := false
	switch from.rest[0] >> 5 {
	case 2:
		made.value = hash(from.bytes(32))
	case 3:
		_, length := from.head()
		text := from.take(length, -1)
		malformed(len(text) <= 64 && utf8.Valid(text))
		made.value = string(text)
	default:
		number = true
		made.value = from.integer(-1<<63, 1<<63-1)
	}
	made.exp10 = from.integer(-18, 18)
	malformed(number || made.exp10 == 0)
	made.quality = from.integer(1, 9)
	malformed(made.quality <= 4 || made.quality == 9)
	malformed(made.quality != 9 || made.value == int64(0))
	return made
}

// Deterministic COSE_Keys of P-256 and Ed25519, up to their coordinates.
var (
	p256Key    = []byte{0xa4, 1, 2, 0x20, 1, 0x21, 0x58, 0x20}
	p256Second = []byte{0x22, 0x58, 0x20}
	edKey      = []byte{0xa3, 1, 1, 0x20, 6, 0x21, 0x58, 0x20}
)

// checkKey refuses at `format` what is no key.
func checkKey(key []byte) {
	if len(key) == 40 && bytes.HasPrefix(key, edKey) {
		return
	}
	must(len(key) == 75 && bytes.HasPrefix(key, p256Key) && bytes.Equal(key[40:43], p256Second), "format", "not a key")
	_, err := ecdh.P256().NewPublicKey(append([]byte{4}, append(key[8:40:40], key[43:]...)...))
	must(err == nil, "format", "not a point of P-256")
}

// signedBy says whether a device's key signed the payload for this chain and registry.
func signedBy(key, protected, payload, signature []byte, chainID int64, registry [20]byte) bool {
	context := append([]byte{0x83}, text("clr/seg/1")...)
	context = append(append(context, encodeHead(0, uint64(chainID))...), encodeBytes(registry[:])...)
	signed := append([]byte{0x84}, text("Signature1")...)
	signed = append(append(append(signed, encodeBytes(protected)...), encodeBytes(context)...), encodeBytes(payload)...)
	if len(key) == 40 {
		return protected[2] == edDSA && ed25519.Verify(key[8:], signed, signature)
	}
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	low := new(big.Int).Lsh(s, 1).Cmp(elliptic.P256().Params().N) < 0
	digest := sha(signed)
	x, y := new(big.Int).SetBytes(key[8:40]), new(big.Int).SetBytes(key[43:])
	public := &ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}
	return protected[2] == es256 && low && ecdsa.Verify(public, digest[:], r, s)
}

func encodeHead(major byte, argument uint64) []byte {
	switch {
	case argument < 24:
		return []byte{major<<5 | byte(argument)}
	case argument < 1<<8:
		return []byte{major<<5 | 24, byte(argument)}
	case argument < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(argument))
	case argument < 1<<32:
		return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(argument))
	}
	return binary.BigEndian.AppendUint64([]byte{major<<5 | 27}, argument)
}

func encodeBytes(data []byte) []byte { return append(encodeHead(2, uint64(len(data))), data...) }

func text(value string) []byte { return append(encodeHead(3, uint64(len(value))), value...) }
