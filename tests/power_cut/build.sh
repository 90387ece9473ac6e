#!/bin/sh
# Print the path of the disk that can lose its power (shim.c), built once for this source. Exits with 3 where it cannot
# be: no C compiler, or no Linux with glibc.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
name="$(sha256sum <"$here/shim.c" | cut -c 1-16).so"
place="$here/../../build/power-cut"
if [ ! -f "$place/$name" ]; then
  command -v gcc >/dev/null 2>&1 || { echo "gcc is not installed, so the power cannot be cut" >&2; exit 3; }
  [ -e /proc/self/fd ] || { echo "this is no Linux, so the power cannot be cut" >&2; exit 3; }
  [ "${1:-}" != "--look" ] || exit 0
  mkdir -p "$place"
  gcc -shared -fPIC -O2 -Wall -Wextra -Werror -fvisibility=hidden -o "$place/$name.$$" "$here/shim.c" >&2
  mv -f "$place/$name.$$" "$place/$name"
fi
echo "$(cd "$place" && pwd)/$name"
