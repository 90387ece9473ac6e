"""A program that writes its starts and stops to a file and answers at /ready: FILE NAME PORT NEEDED_FILE."""

import http.server
import pathlib
import signal
import sys

order, name, port = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
needed = pathlib.Path(sys.argv[4])


def tell(word):
    with order.open("a") as file:
        file.write(f"{word} {name}\n")


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = self.path == "/ready" and needed.exists()
        if not ready:
            tell("busy")
        self.send_response(200 if ready else 503)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def stop(number, frame):
    # A unit is asked to stop once with its rank and once by itself; both may come before it has ended.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell("stop")
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
tell("start")
sys.stdout.write("serving\n")
sys.stdout.flush()
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
