#!/bin/sh
# Write the lock files: hashes, no index address, no path. Made for Python 3.11, which 3.12 and 3.13 can use as well.
set -eu
flags="--quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate"
$UV pip compile $flags tools/requirements-build.in --output-file requirements-build.lock
$UV pip compile $flags pyproject.toml --output-file requirements.lock
$UV pip compile $flags --constraint requirements.lock pyproject.toml --group dev --output-file requirements-dev.lock
npm install --package-lock-only --no-audit --no-fund --loglevel=error
# Funding links are the only addresses that npm still writes.
python3 - <<'PYTHON'
import json, pathlib

path = pathlib.Path("package-lock.json")
lock = json.loads(path.read_text())
for package in lock["packages"].values():
    package.pop("funding", None)
path.write_text(json.dumps(lock, indent=2) + "\n")
PYTHON
