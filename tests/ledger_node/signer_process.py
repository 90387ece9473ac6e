"""A stand-in for Web3Signer: a process that holds an encrypted key file and speaks its eth1 JSON-RPC over HTTPS.

FOLDER holds key.json, passphrase and, for HTTPS with client certificates, server.pem, server.key and ca.pem. It writes
its port to stdout. The path of a request says how it behaves: honest, other-bytes, other-nonce, other-chain,
wrong-key, slow, dying, refusing or mute.
"""

import json
import os
import ssl
import sys
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ledger_node.hexvalues import address_hex, data_hex
from ledger_node.keys import LocalSigner, load_signer
from ledger_node.transactions import DynamicFee, LegacyFee, Transaction

folder = Path(sys.argv[1])
signer = load_signer(folder / "key.json", folder / "passphrase")
CHAIN_ID = 20590  # Web3Signer is told its chain when it is started
CHANGES: dict[str, dict[str, Any]] = {
    "other-bytes": {"data": b"\xff"},
    "other-nonce": {"nonce": 999},
    "other-chain": {"chain_id": 1},
}


def sign(asked: dict[str, str], manner: str) -> str:
    def number(name: str) -> int:
        return int(asked.get(name, "0x0"), 16)

    fee = LegacyFee(number("gasPrice"))
    if "maxFeePerGas" in asked:
        fee = DynamicFee(number("maxFeePerGas"), number("maxPriorityFeePerGas"))  # type: ignore[assignment]
    to = bytes.fromhex(asked["to"][2:]) if "to" in asked else None
    transaction = Transaction(
        CHAIN_ID, number("nonce"), to, bytes.fromhex(asked["data"][2:]), number("gas"), fee, number("value")
    )
    holder = LocalSigner.generate() if manner == "wrong-key" else signer
    return data_hex(holder.sign_transaction(replace(transaction, **CHANGES.get(manner, {}))))


def answer(method: str, params: list[Any], manner: str) -> dict[str, Any]:
    if method == "eth_accounts":
        return {"result": [address_hex(signer.address)]}
    if method != "eth_signTransaction":
        return {"error": {"code": -32601, "message": "Method not found"}}
    if manner == "slow":
        time.sleep(60)
    if manner == "dying":
        os._exit(1)
    if manner == "refusing":
        return {"error": {"code": -32000, "message": "Signing from is not an unlocked account."}}
    return {"result": "0x00" if manner == "mute" else sign(params[0], manner)}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        told = answer(asked["method"], asked["params"], self.path.strip("/"))
        body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], **told}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if (folder / "server.pem").exists():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
sys.stdout.write(f"{server.server_port}\n")
sys.stdout.flush()
server.serve_forever()
