"""A stand-in for Web3Signer: a process that holds encrypted key files and speaks its eth1 JSON-RPC over HTTP or HTTPS.

FOLDER holds *.json key files, their passphrase and, for HTTPS with client certificates, server.pem, server.key and
ca.pem. It writes its port to stdout, and the method of each request to FOLDER/asked. The path of a request, or
the file FOLDER/manner, says how it behaves; without, it is honest. It signs with eth-account alone.
"""

import gzip
import json
import os
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_account.signers.local import LocalAccount

folder = Path(sys.argv[1])
passphrase = (folder / "passphrase").read_text().strip()
opened: list[LocalAccount] = [
    Account.from_key(Account.decrypt(path.read_text(), passphrase)) for path in sorted(folder.glob("*.json"))
]
accounts = {each.address.lower(): each for each in opened}
CHAIN_ID = 20590  # Web3Signer is told its chain when it is started
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
CHANGES: dict[str, dict[str, Any]] = {
    "other-bytes": {"data": b"\xff"},
    "other-nonce": {"nonce": 999},
    "other-chain": {"chainId": 1},
}
Told = dict[str, Any]


def sign_transaction(params: list[Any], manner: str) -> str:
    asked = params[0]
    quantities = ("gas", "nonce", "value", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas")
    fields: Told = {name: int(asked[name], 16) for name in quantities if name in asked}
    fields |= {"chainId": CHAIN_ID, "data": bytes.fromhex(asked["data"][2:])}
    if "to" in asked:
        fields["to"] = bytes.fromhex(asked["to"][2:])
    signed = holder(asked["from"], manner).sign_transaction({**fields, **CHANGES.get(manner, {})})
    return "0x" + bytes(signed.raw_transaction).hex()


def sign_typed(params: list[Any], manner: str) -> str:
    document = json.loads(params[1])
    if manner == "other-bytes":
        document["domain"]["chainId"] += 1
    return signature(params[0], encode_typed_data(full_message=document), manner)


def sign_text(params: list[Any], manner: str) -> str:
    return signature(params[0], encode_defunct(hexstr="0x00" if manner == "other-bytes" else params[1]), manner)


def signature(account: str, message: Any, manner: str) -> str:
    made = holder(account, manner).sign_message(message)
    if manner == "high-s":
        return f"0x{made.r:064x}{ORDER - made.s:064x}{55 - made.v:02x}"
    v = made.v - 27 if manner == "parity" else made.v
    return f"0x{made.r:064x}{made.s:064x}{v:02x}"


def holder(account: str, manner: str) -> LocalAccount:
    return Account.create() if manner == "wrong-key" else accounts[account.lower()]


SIGN = {"eth_signTransaction": sign_transaction, "eth_signTypedData": sign_typed, "eth_sign": sign_text}


def answer(method: str, params: list[Any], manner: str) -> tuple[int, Told]:
    if method == "eth_accounts":
        return 200, {"result": sorted(accounts)}
    if method not in SIGN:
        return 200, {"error": {"code": -32601, "message": "Method not found"}}
    if manner == "slow":
        time.sleep(60)
    if manner == "dying":
        os._exit(1)
    account = params[0]["from"] if method == "eth_signTransaction" else params[0]
    if manner == "refusing" or account.lower() not in accounts:
        return 200, {"error": {"code": -32000, "message": "No unlocked account\nmatches the Sender"}}
    if manner == "bad-params":
        return 400, {"error": {"code": -32602, "message": "Invalid params"}}
    return 200, {"result": "0x00" if manner == "mute" else SIGN[method](params, manner)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        control = folder / "manner"
        manner = control.read_text() if control.exists() else self.path.strip("/")
        signs = asked["method"] in SIGN
        with (folder / "asked").open("a") as log:
            log.write(f"{'away' if manner == 'away' else asked['method']}\n")
        if manner == "away":
            self.close_connection = True
            return
        status, told = answer(asked["method"], asked["params"], manner)
        number = asked["id"] + 1 if manner == "other-id" else asked["id"]
        self._send(status, json.dumps({"jsonrpc": "2.0", "id": number, **told}).encode(), manner if signs else "")

    def _send(self, status: int, body: bytes, manner: str) -> None:
        body = {"html": b"<html>", "deep": b"[" * 100_000, "huge": body + b" " * (2 << 20)}.get(manner, body)
        self.send_response({"broken": 500, "elsewhere": 307}.get(manner, status))
        if manner == "elsewhere":
            self.send_header("location", "/honest")
        if manner == "compressed":
            body = gzip.compress(body)
            self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if manner != "dripping":
            self.wfile.write(body)
            return
        for place in range(len(body)):
            self.wfile.write(body[place : place + 1])
            time.sleep(0.2)

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
