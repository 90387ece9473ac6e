"""A program that tells how it was started, as JSON; with a word, it ends with that word as its last one."""

import json
import os
import signal
import sys

if len(sys.argv) > 1:
    sys.exit(int(sys.argv[1]) if sys.argv[1].isdecimal() else sys.argv[1])
places = {name: os.readlink(f"/dev/fd/{name}") for name in os.listdir("/dev/fd") if os.path.exists(f"/dev/fd/{name}")}
told = {
    "session": os.getsid(0),
    "environment": dict(os.environ),
    "name": __name__,
    "argv": sys.argv[1:],
    "terms": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
    "open": sorted(set(places.values())),
}
sys.stdout.write(json.dumps(told) + "\n")
