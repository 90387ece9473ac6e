package main

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"regexp"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

// The contracts of ledger.md; a trust file names all of them.
var contracts = []string{
	"ConsortiumAccess", "ParticipantRegistry", "GoodsIndex", "ReceiptRegistry", "PledgeRegistry", "DeviceRegistry",
	"AttestationHub", "RuleEngine", "CreditBook", "ReviewBoard", "CoverBook", "IssueDesk", "DeliveryDesk", "HoldDesk",
}

type contract struct {
	address  [20]byte
	codeHash hash
}

// trust is what the verifier believes before it reads any evidence (trust.md).
type trust struct {
	engine    string
	chainID   int64
	genesis   hash
	sealer    [20]byte
	pinned    map[int64]hash
	contracts map[string]contract
	rules     *rules
	followed  *followed
}

func readTrust(text []byte) trust {
	from := object("trust", loose(text))
	from.word("format", "cangdan/trust/1")
	made := trust{pinned: map[int64]hash{}, contracts: map[string]contract{}}
	made.engine = from.word("engine", "embedded", "qbft", "clique", "pinned")
	made.chainID = from.integer("chainId", 1, maxInteger)
	made.genesis = from.hash("genesisHash")
	switch made.engine {
	case "embedded":
		made.sealer = asAddress(from.text("sealer"))
	case "pinned":
		for _, each := range from.objects("pinned", 0) {
			number := each.integer("number", 0, maxInteger)
			_, twice := made.pinned[number]
			must(!twice, "format", "trust.pinned: a number twice")
			made.pinned[number] = each.hash("hash")
			each.end()
		}
	default:
		made.rules = readRules(from.inner("rules"), made.engine == "clique")
		made.followed = readCheckpoint(from.inner("checkpoint"), made.rules)
	}
	named := from.inner("contracts")
	for name := range named.values {
		each := named.inner(name)
		made.contracts[name] = contract{asAddress(each.text("address")), each.hash("codeHash")}
		each.end()
	}
	from.end()
	return made
}

func asAddress(text string) [20]byte {
	must(common.IsHexAddress(text) && strings.HasPrefix(text, "0x"), "format", "%q: not an address", text)
	address, digits := common.HexToAddress(text), text[2:]
	mixed := digits != strings.ToLower(digits) && digits != strings.ToUpper(digits)
	must(!mixed || address.Hex() == text, "format", "%s: a wrong checksum", text)
	return address
}

// The fields of a header in the order in which they are hashed; a size, or -1 for any data, or 0 for a quantity.
var headerFields = []struct {
	name string
	size int
}{
	{"parentHash", 32}, {"sha3Uncles", 32}, {"miner", 20}, {"stateRoot", 32}, {"transactionsRoot", 32}, {"receiptsRoot", 32},
	{"logsBloom", 256}, {"difficulty", 0}, {"number", 0}, {"gasLimit", 0}, {"gasUsed", 0}, {"timestamp", 0},
	{"extraData", -1}, {"mixHash", 32}, {"nonce", 8},
	{"baseFeePerGas", 0}, {"withdrawalsRoot", 32}, {"blobGasUsed", 0}, {"excessBlobGas", 0},
	{"parentBeaconBlockRoot", 32}, {"requestsHash", 32},
}

const requiredFields = 15

// The mix hash of a QBFT header, which is hashed with round 0 and without its seals.
var qbftMix, _ = hex.DecodeString("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365")

type header struct {
	items     [][]byte
	number    *big.Int
	stateRoot hash
}

var quantityForm = regexp.MustCompile(`^0x(0|[1-9a-f][0-9a-f]{0,63})$`)

func asQuantity(path string, value any) *big.Int {
	text, ok := value.(string)
	must(ok && quantityForm.MatchString(text), "format", "%s: not a quantity", path)
	number, _ := new(big.Int).SetString(text[2:], 16)
	return number
}

func readHeader(from *fields) header {
	var made header
	gap := ""
	for at, each := range headerFields {
		if at >= requiredFields && !from.has(each.name) {
			gap = each.name
			continue
		}
		var item []byte
		if each.size == 0 {
			item = asQuantity(each.name, from.take(each.name)).Bytes()
		} else {
			item = from.data(each.name, each.size)
		}
		must(gap == "" || made.number.Sign() == 0, "format", "header.%s: is missing", gap)
		if each.name == "number" {
			made.number = new(big.Int).SetBytes(item)
		}
		made.items = append(made.items, item)
	}
	made.stateRoot = from.hash("stateRoot")
	from.end()
	return made
}

func (h header) hash() hash {
	items := h.items
	if bytes.Equal(items[13], qbftMix) {
		items = append([][]byte{}, items...)
		items[12] = unsealed(items[12])
	}
	encoded, err := rlp.EncodeToBytes(items)
	must(err == nil, "header", "not RLP")
	return keccak(encoded)
}

// unsealed is QBFT extra data [vanity, validators, vote, round, seals] with round 0 and no seals.
func unsealed(extra []byte) []byte {
	var parts []rlp.RawValue
	must(rlp.DecodeBytes(extra, &parts) == nil && len(parts) == 5, "header", "extraData: not that of QBFT")
	parts[3], parts[4] = rlp.RawValue{0x80}, rlp.RawValue{0xc0}
	made, err := rlp.EncodeToBytes(parts)
	must(err == nil, "header", "extraData: not RLP")
	return made
}

// checkHeader refuses a header that the trust file does not believe, and a run that is not one chain.
func checkHeader(b *bundle, believed trust) {
	h, digest := b.header, b.header.hash()
	first := h.number.Sign() == 0
	must((b.seal != nil) == (believed.engine == "embedded" && !first), "header", "a seal is there exactly when one is asked for")
	run := append(append(append([]header{}, b.before...), h), b.after...)
	must(len(run) == 1 || believed.engine != "embedded" && !first, "header", "a run that nothing asks for")
	for at := 1; at < len(run); at++ {
		before := run[at-1].hash()
		next := new(big.Int).Add(run[at-1].number, big.NewInt(1))
		must(run[at].number.Cmp(next) == 0 && same(run[at].items[0], before[:]), "header", "the run is not one chain")
	}
	switch {
	case first:
		must(digest == believed.genesis, "header", "not the genesis block")
	case believed.rules != nil:
		believeRun(b, run, believed.rules, believed.followed)
	case believed.engine == "pinned":
		pin, found := believed.pinned[h.number.Int64()]
		must(h.number.IsInt64() && found && pin == digest, "header", "the block is not pinned")
	default:
		must(recovered(digest, b.seal) == believed.sealer, "header", "not sealed by the sealer")
	}
}

// recovered is who signed: 65 bytes r, s, v with s in the lower half (headers.md).
func recovered(digest hash, seal []byte) (signer [20]byte) {
	v := seal[64]
	must(v == 27 || v == 28, "header", "seal: v is %d", v)
	r, s := new(big.Int).SetBytes(seal[:32]), new(big.Int).SetBytes(seal[32:64])
	must(crypto.ValidateSignatureValues(v-27, r, s, true), "header", "seal: r or s out of range")
	key, err := crypto.SigToPub(digest[:], append(append([]byte{}, seal[:64]...), v-27))
	must(err == nil, "header", "seal: recovers to no key")
	return crypto.PubkeyToAddress(*key)
}
