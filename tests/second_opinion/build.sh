#!/bin/sh
# Print the path of the second opinion's program, built with Go once for these sources. Exits with 3 without Go 1.24 or
# one from 1.21 on, which fetches a newer one by itself.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
name="$(cat "$here"/go.* "$here"/*.go | sha256sum | cut -c 1-16)"
place="$here/../../build/second-opinion"
if [ ! -x "$place/$name" ]; then
  least="$(printf '%s\n' "$(go env GOVERSION 2>/dev/null || echo 0)" go1.21 | sort -V | head -n 1)"
  [ "$least" = go1.21 ] || { echo "Go 1.21 or newer is not installed, so the second opinion cannot be built" >&2; exit 3; }
  [ "${1:-}" != "--look" ] || exit 0
  mkdir -p "$place"
  (cd "$here" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$place/$name.$$" .) >&2
  mv -f "$place/$name.$$" "$place/$name"
fi
echo "$(cd "$place" && pwd)/$name"
