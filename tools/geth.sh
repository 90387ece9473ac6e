#!/bin/sh
# Print the path of geth's program NAME, version 1.13.15: `evm` judges the embedded ledger's blocks, four of `geth` are
# the network of the tests. Both are built once with Go, from the module proxy, into the user's cache. Exits with 3 when
# there is neither the program nor Go. With --look nothing is built.
set -eu
version=v1.13.15
look=""
[ "$1" != "--look" ] || { look=yes; shift; }
place="${XDG_CACHE_HOME:-$HOME/.cache}/cangdan/geth-$version"
if [ ! -x "$place/$1" ]; then
  command -v go >/dev/null 2>&1 || { echo "Go is not installed, so geth's $1 cannot be built" >&2; exit 3; }
  [ -z "$look" ] || { echo "$place/$1"; exit 0; }
  module=github.com/ethereum/go-ethereum
  mkdir -p "$place/new.$$"
  if command -v flock >/dev/null 2>&1; then exec 9>"$place/building"; flock 9; fi # one builds, others wait for it
  if [ -x "$place/$1" ]; then rmdir "$place/new.$$"; echo "$place/$1"; exit 0; fi
  GOBIN="$place/new.$$" go install -ldflags="-checklinkname=0 -s -w" "$module/cmd/evm@$version" "$module/cmd/geth@$version" >&2
  mv -f "$place/new.$$/evm" "$place/new.$$/geth" "$place/"
  rmdir "$place/new.$$"
fi
echo "$place/$1"
