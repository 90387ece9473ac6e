#!/bin/sh
# Print the path of geth's `evm`, version 1.13.15, the independent judge of the embedded ledger's blocks.
# Built once with Go, from the module proxy, into the user's cache. Exits with 3 when there is neither it nor Go.
set -eu
version=v1.13.15
place="${XDG_CACHE_HOME:-$HOME/.cache}/cangdan/geth-$version"
if [ ! -x "$place/evm" ]; then
  command -v go >/dev/null 2>&1 || { echo "Go is not installed, so geth's evm cannot be built" >&2; exit 3; }
  [ "${1:-}" != "--look" ] || { echo "$place/evm"; exit 0; }
  mkdir -p "$place/new.$$"
  GOBIN="$place/new.$$" go install -ldflags=-checklinkname=0 "github.com/ethereum/go-ethereum/cmd/evm@$version" >&2
  mv -f "$place/new.$$/evm" "$place/evm"
  rmdir "$place/new.$$"
fi
echo "$place/evm"
