package main

import (
	"bytes"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
)

type slotProof struct {
	key, value hash
	nodes      [][]byte
}

type stateProof struct {
	contract          string
	address           [20]byte
	nonce, balance    *big.Int
	storage, codeHash hash
	nodes             [][]byte
	slots             []slotProof
}

func readProof(name string, from *fields) stateProof {
	made := stateProof{contract: name, nodes: readNodes(from, "accountProof")}
	text := from.text("address")
	made.address = asAddress(text)
	must(common.Address(made.address).Hex() == text, "format", "%s: an address without its checksum", text)
	made.nonce = asQuantity("nonce", from.take("nonce"))
	must(made.nonce.IsUint64(), "format", "nonce: too great")
	made.balance = asQuantity("balance", from.take("balance"))
	made.storage, made.codeHash = from.hash("storageHash"), from.hash("codeHash")
	for _, each := range from.objects("storageProof", 0) {
		value := left(asQuantity("value", each.take("value")).Bytes())
		made.slots = append(made.slots, slotProof{each.hash("key"), value, readNodes(each, "proof")})
		each.end()
	}
	from.end()
	return made
}

func readNodes(from *fields, name string) (nodes [][]byte) {
	for _, each := range from.list(name, 0) {
		nodes = append(nodes, asData(name, each, -1))
	}
	return nodes
}

// listed gives the nodes of a proof in their order, each once; trie.VerifyProof asks for them by their hashes.
type listed struct {
	nodes [][]byte
	used  int
}

func (l *listed) Get(key []byte) ([]byte, error) {
	if l.used == len(l.nodes) || !bytes.Equal(crypto.Keccak256(l.nodes[l.used]), key) {
		return nil, nil
	}
	l.used++
	return l.nodes[l.used-1], nil
}

func (l *listed) Has(key []byte) (bool, error) { found, err := l.Get(key); return found != nil, err }

// proved is the value at a key of a trie, nil where its absence is proved. Only what a real trie can be is believed.
func proved(root hash, key []byte, nodes [][]byte) []byte {
	if root == hash(emptyRoot) {
		must(len(nodes) == 0 || len(nodes) == 1 && bytes.Equal(nodes[0], []byte{0x80}), "state", "nodes of an empty trie")
		return nil
	}
	for at, node := range nodes {
		must(at == 0 || len(node) >= 32, "state", "a listed node is under 32 bytes")
		checkNode(node, false)
	}
	proof := &listed{nodes: nodes}
	value, err := trie.VerifyProof(common.Hash(root), crypto.Keccak256(key), proof)
	must(err == nil, "state", "no proof: %v", err)
	must(proof.used == len(nodes), "state", "a node is not used")
	return value
}

var emptyRoot = crypto.Keccak256([]byte{0x80})

// checkNode refuses forms that decode and that no trie of 32-byte keys has.
func checkNode(node []byte, underExtension bool) {
	var parts []rlp.RawValue
	must(rlp.DecodeBytes(node, &parts) == nil, "state", "a node is not RLP")
	if len(parts) == 17 {
		children := 0
		for _, part := range parts[:16] {
			if !bytes.Equal(part, []byte{0x80}) {
				children++
				checkChild(part, false)
			}
		}
		must(children > 1 && bytes.Equal(parts[16], []byte{0x80}), "state", "a branch with a value, or with less than two children")
		return
	}
	must(len(parts) == 2 && !underExtension, "state", "not a node, or a short one under an extension")
	var path []byte
	must(rlp.DecodeBytes(parts[0], &path) == nil && len(path) > 0, "state", "a node without a path")
	must(path[0]>>4 < 4 && (path[0]&0x10 != 0 || path[0]&0x0f == 0), "state", "a path with a wrong prefix")
	if path[0]&0x20 == 0 {
		must(len(path) > 1 || path[0]&0x10 != 0, "state", "an extension of nothing")
		checkChild(parts[1], true)
	}
}

func checkChild(part rlp.RawValue, underExtension bool) {
	if kind, content, _, err := rlp.Split(part); err == nil && kind != rlp.List {
		must(len(content) == 32, "state", "a child is not a hash")
		return
	}
	must(len(part) < 32, "state", "an embedded node of 32 bytes or more")
	checkNode(part, underExtension)
}

// checkProof refuses an account or slot that is not in the state.
func checkProof(root hash, proof stateProof) {
	var account struct {
		Nonce    uint64
		Balance  *big.Int
		Storage  common.Hash
		CodeHash common.Hash
	}
	value := proved(root, proof.address[:], proof.nodes)
	must(value != nil && rlp.DecodeBytes(value, &account) == nil, "state", "%s: no account", proof.contract)
	same := account.Nonce == proof.nonce.Uint64() && account.Balance.Cmp(proof.balance) == 0
	same = same && hash(account.Storage) == proof.storage && hash(account.CodeHash) == proof.codeHash
	must(same, "state", "%s: another account", proof.contract)
	for _, slot := range proof.slots {
		var number []byte
		if value := proved(proof.storage, slot.key[:], slot.nodes); value != nil {
			must(rlp.DecodeBytes(value, &number) == nil, "state", "%x: not a number", slot.key)
			must(len(number) > 0 && len(number) <= 32 && number[0] != 0, "state", "%x: not a number", slot.key)
		}
		must(left(number) == slot.value, "state", "%s %x: another value", proof.contract, slot.key)
	}
}
