package main

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"

	"github.com/ethereum/go-ethereum/crypto"
	"golang.org/x/mod/sumdb/tlog"
)

type hash [32]byte

var zero hash

func keccak(parts ...[]byte) hash { return hash(crypto.Keccak256(parts...)) }

func sha(parts ...[]byte) hash {
	digest := sha256.New()
	for _, part := range parts {
		digest.Write(part)
	}
	return hash(digest.Sum(nil))
}

func join(hashes []hash) []byte {
	var found []byte
	for _, each := range hashes {
		found = append(found, each[:]...)
	}
	return found
}

func big8(number int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(number)) }

// word is a number as 32 bytes; negative ones in two's complement.
func word(number int64) (found hash) {
	if number < 0 {
		for at := range found {
			found[at] = 0xff
		}
	}
	binary.BigEndian.PutUint64(found[24:], uint64(number))
	return found
}

func left(data []byte) (found hash) { copy(found[32-len(data):], data); return found }

func (h hash) int() *big.Int { return new(big.Int).SetBytes(h[:]) }

// bits is the number in bits low to high of a word; at most 64 of them.
func (h hash) bits(low, high uint) int64 {
	shifted := new(big.Int).Rsh(h.int(), low)
	mask := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), high-low+1), big.NewInt(1))
	return shifted.And(shifted, mask).Int64()
}

func (h hash) plus(number int64) hash {
	sum := new(big.Int).Add(h.int(), big.NewInt(number))
	return left(sum.Mod(sum, new(big.Int).Lsh(big.NewInt(1), 256)).Bytes())
}

// mapped is the storage slot of a mapping's member: keccak256(key ‖ slot of the mapping).
func mapped(key hash, slot int64) hash { number := word(slot); return keccak(key[:], number[:]) }

func leafOf(data []byte) hash { return keccak([]byte{0}, data) }

// inTree says whether a leaf lies at an index of a tree on the chain (ledger.md, "Trees on the chain").
func inTree(leaf hash, index int64, proof []hash, root hash) bool {
	for at, sibling := range proof {
		if at < 62 && index>>at&1 == 1 {
			leaf = keccak([]byte{1}, sibling[:], leaf[:])
		} else {
			leaf = keccak([]byte{1}, leaf[:], sibling[:])
		}
	}
	return leaf == root && (len(proof) > 62 || index>>len(proof) == 0)
}

// treeRoot is the root of leaves filled up to a power of two with leaves of empty data.
func treeRoot(data [][]byte) hash {
	var level []hash
	for _, each := range data {
		level = append(level, leafOf(each))
	}
	for len(level)&(len(level)-1) != 0 {
		level = append(level, leafOf(nil))
	}
	for len(level) > 1 {
		var above []hash
		for at := 0; at < len(level); at += 2 {
			above = append(above, keccak([]byte{1}, level[at][:], level[at+1][:]))
		}
		level = above
	}
	return level[0]
}

// inLog says whether data is the entry at a place of the log of that size and root (log.md).
func inLog(data []byte, place, size int64, proof []hash, root hash) bool {
	if place >= size {
		return false
	}
	path := make(tlog.RecordProof, len(proof))
	for at, each := range proof {
		path[at] = tlog.Hash(each)
	}
	return tlog.CheckRecord(path, size, tlog.Hash(root), place, tlog.RecordHash(data)) == nil
}
