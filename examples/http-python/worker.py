#!/usr/bin/python3
# SPDX-License-Identifier: 0BSD
"""An example worker: answers each request with a line of JSON about itself.

Standard library only. What availd asks for is between the two last rules; run it
under NonBlocking=yes, or a worker that loses the race for a connection waits
inside accept() for the next one. become_worker() is for --template=worker alone, with
which workers are forks of one process that has loaded everything.

    install -D worker.py /usr/local/libexec/http-python
    availd run --listen 127.0.0.1:8080 -- /usr/local/libexec/http-python
    curl http://127.0.0.1:8080/
    curl http://127.0.0.1:8080/sleep?ms=5000
"""
import gc
import json
import os
import re
import select
import signal
import socket
import struct
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


# ---------------------------------------------------------------- the template
def become_worker():
    """Return in a worker. The template stays in here, and forks one for each order."""
    if "AVAILD_TEMPLATE_FD" not in os.environ:
        return  # there is none, this process is the worker
    channel = socket.socket(fileno=int(os.environ.pop("AVAILD_TEMPLATE_FD")))
    gc.freeze()  # what is loaded stays shared: the collector does not write into it
    channel.send(b"READY=1")
    while order := channel.recv(4096).decode().split("\n"):
        number = order[0].removeprefix("FORK=") or sys.exit()  # the end: availd wants no more
        middle = None
        try:
            if middle := os.fork():
                os.waitpid(middle, 0)
                continue
            if os.fork():  # the worker becomes availd's child
                os._exit(0)
        except OSError as error:
            channel.send(f"FAILED={number} {error}".encode())
            if middle == 0:
                os._exit(0)
            continue
        os.environ.update(line.split("=", 1) for line in order[1:])
        os.environ["LISTEN_PID"] = str(os.getpid())
        channel.send(b"BORN=" + number.encode())
        return channel.close()


# ---------------------------------------------------------------- the contract
def report(line, to=os.environ.get("NOTIFY_SOCKET", ""), wait=[0]):
    """Send one line to availd, if there is one, and go on if it fails. While availd hangs
    or is away its socket may have no room: that is waited for once, not each time."""
    try:
        if to:
            sender.sendto(line, wait[0], "\0" + to[1:] if to[0] == "@" else to)
        wait[0] = 0
    except BlockingIOError:
        wait[0] = socket.MSG_DONTWAIT
    except OSError:
        pass


become_worker()
if os.environ.get("LISTEN_PID") != str(os.getpid()):
    sys.exit("no sockets: start me with: availd run --listen 127.0.0.1:8080 -- " + sys.argv[0])
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 5, 0))
told_to_leave, wakeup = os.pipe()  # becomes readable with SIGTERM
os.set_blocking(wakeup, False)
signal.set_wakeup_fd(wakeup)
signal.signal(signal.SIGTERM, lambda *_: report(b"STOPPING=1"))
listeners = {fd: socket.socket(fileno=fd) for fd in range(3, 3 + int(os.environ["LISTEN_FDS"]))}
waiting = select.epoll()
waiting.register(told_to_leave, select.EPOLLIN)
for fd in listeners:  # each connection wakes one idle worker, the first in the socket's line
    waiting.register(fd, select.EPOLLIN | select.EPOLLEXCLUSIVE)
first = None  # when this worker was woken first since it joined the line
report(b"READY=1")
while not waiting.closed:
    ready = waiting.poll(maxevents=1)[0][0]  # sockets that are always ready take turns
    if ready == told_to_leave:
        # This worker may have been woken for a connection that nobody else will be
        # woken for: it is woken for no more, and serves one if one is there.
        waiting.close()
        left = select.select(listeners, [], [], 0)[0]
        if not left:
            break
        ready = left[0]
    else:
        first = first or time.monotonic()
        if time.monotonic() - first > 0.02:  # to the end of the line: the next one is for another worker
            waiting.unregister(ready)
            waiting.register(ready, select.EPOLLIN | select.EPOLLEXCLUSIVE)
            first = None
    try:
        client, _ = listeners[ready].accept()
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
