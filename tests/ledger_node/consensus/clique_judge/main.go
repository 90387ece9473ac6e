// The judge of our Clique chains: geth's own consensus package, header by header.
//
// Reads [{"genesis": a genesis file, "headers": [as eth_getBlockByNumber answers]}] and writes, for each, the hash of
// block 0, how many headers geth accepts before it refuses one, why, and its snapshot after the last that it accepts.
package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/clique"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
)

type question struct {
	Genesis core.Genesis    `json:"genesis"`
	Headers []*types.Header `json:"headers"`
}

type answer struct {
	GenesisHash common.Hash      `json:"genesisHash"`
	Accepted    int              `json:"accepted"`
	Error       string           `json:"error"`
	Snapshot    *clique.Snapshot `json:"snapshot"`
}

// chain is what has been accepted so far.
type chain struct {
	config  *params.ChainConfig
	numbers map[uint64]*types.Header
	hashes  map[common.Hash]*types.Header
	head    *types.Header
}

func (c *chain) Config() *params.ChainConfig                    { return c.config }
func (c *chain) CurrentHeader() *types.Header                   { return c.head }
func (c *chain) GetHeaderByNumber(number uint64) *types.Header  { return c.numbers[number] }
func (c *chain) GetHeaderByHash(hash common.Hash) *types.Header { return c.hashes[hash] }
func (c *chain) GetTd(hash common.Hash, number uint64) *big.Int { return nil }
func (c *chain) GetHeader(hash common.Hash, number uint64) *types.Header {
	if header := c.hashes[hash]; header != nil && header.Number.Uint64() == number {
		return header
	}
	return nil
}

func (c *chain) add(header *types.Header) {
	c.numbers[header.Number.Uint64()] = header
	c.hashes[header.Hash()] = header
	c.head = header
}

func (c *chain) drop(header *types.Header, before *types.Header) {
	delete(c.numbers, header.Number.Uint64())
	delete(c.hashes, header.Hash())
	c.head = before
}

func judge(asked question) answer {
	block := asked.Genesis.ToBlock()
	made := &chain{asked.Genesis.Config, map[uint64]*types.Header{}, map[common.Hash]*types.Header{}, nil}
	made.add(block.Header())
	engine := clique.New(asked.Genesis.Config.Clique, rawdb.NewMemoryDatabase())
	api := engine.APIs(made)[0].Service.(*clique.API)
	found := answer{GenesisHash: block.Hash()}
	found.Snapshot, _ = api.GetSnapshotAtHash(block.Hash())
	for _, header := range asked.Headers {
		before := made.head
		if header.Number.Uint64() != before.Number.Uint64()+1 || header.ParentHash != before.Hash() {
			found.Error = "does not follow"
			return found
		}
		if err := engine.VerifyHeader(made, header); err != nil {
			found.Error = err.Error()
			return found
		}
		made.add(header)
		// What geth checks only when it applies the header to its snapshot.
		snapshot, err := api.GetSnapshotAtHash(header.Hash())
		if err != nil {
			made.drop(header, before)
			found.Error = err.Error()
			return found
		}
		found.Snapshot = snapshot
		found.Accepted++
	}
	return found
}

func main() {
	var asked []question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	answers := make([]answer, 0, len(asked))
	for _, each := range asked {
		answers = append(answers, judge(each))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		os.Exit(2)
	}
}
