#!/usr/bin/python3
# SPDX-License-Identifier: 0BSD
"""An example worker: answers each request with a line of JSON about itself.

Standard library only. What availd asks for is between the two rules; run it
under NonBlocking=yes, or a worker that loses the race for a connection waits
inside accept() for the next one.

    install -D worker.py /usr/local/libexec/http-python
    availd run --listen 127.0.0.1:8080 -- /usr/local/libexec/http-python
    curl http://127.0.0.1:8080/
    curl http://127.0.0.1:8080/sleep?ms=5000
"""
import json
import os
import random
import re
import selectors
import signal
import socket
import sys
import time


def serve(connection):
    """Answer one request. The worker is this client's until it returns."""
    connection.settimeout(10)  # a silent client must not keep a worker
    head = b""
    while b"\r\n\r\n" not in head and len(head) < 8192:
        data = connection.recv(8192)
        if not data:
            return
        head += data
    status, body = "200 OK", None
    match = re.match(rb"[A-Z]+ ([^ ?]*)(?:\?ms=(\d{1,5}))? HTTP/1\.[01]\r\n", head)
    if not match:
        status, body = "400 Bad Request", {"error": "not a request for / or /sleep?ms=N"}
    elif match[1] == b"/sleep" and match[2]:
        time.sleep(min(int(match[2]), 60000) / 1000)
    if body is None:
        body = {"pid": os.getpid(),
                "generation": int(os.environ.get("AVAILD_GENERATION") or 0),
                "stress": os.environ.get("AVAILD_STRESS") == "yes"}
    text = json.dumps(body, separators=(",", ":")).encode() + b"\n"
    connection.sendall(b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                       b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"
                       % (status.encode(), len(text), text))


# ---------------------------------------------------------------- the contract
def report(line, to=os.environ.get("NOTIFY_SOCKET", "")):
    """Send one line to availd, if there is one, and go on if it fails."""
    try:
        if to:
            sender.sendto(line, "\0" + to[1:] if to[0] == "@" else to)
    except OSError:
        pass


if os.environ.get("LISTEN_PID") != str(os.getpid()):
    sys.exit("no sockets: start me with: availd run --listen 127.0.0.1:8080 -- " + sys.argv[0])
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
waiting = selectors.DefaultSelector()
told_to_leave, wakeup = os.pipe()  # becomes readable with SIGTERM
os.set_blocking(wakeup, False)
signal.set_wakeup_fd(wakeup)
signal.signal(signal.SIGTERM, lambda *_: report(b"STOPPING=1"))
waiting.register(told_to_leave, selectors.EVENT_READ)
for fd in range(3, 3 + int(os.environ["LISTEN_FDS"])):
    waiting.register(socket.socket(fileno=fd), selectors.EVENT_READ)
report(b"READY=1")
while True:
    ready = [key.fileobj for key, _ in waiting.select()]
    if told_to_leave in ready:
        sys.exit(0)
    try:
        client, _ = random.choice(ready).accept()  # no socket goes first
    except OSError:  # another worker was faster, or the client has gone
        continue
    report(b"X_AVAILD=busy")
    # ------------------------------------------------------------------ its end
    try:
        with client:
            serve(client)
    except OSError as error:
        print("client:", error, file=sys.stderr)
    report(b"X_AVAILD=idle")
