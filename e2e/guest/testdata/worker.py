#!/usr/bin/python3
"""A worker with knobs, for the scenarios.

worker.py DIR [ARG...]: files in DIR make it misbehave, looked for at its start:
crash (holds the exit status), hang (never ready), deaf (ignores the retire
signal), hard (ignores SIGABRT), beat (sends WATCHDOG=1 while it waits), stacks
(prints where it is on SIGUSR1).
Requests: / and /sleep?MS, /sd (what libsystemd makes of the hand-over), /hang,
/report?TEXT, /ghost?TEXT, /flood?N, /fds?N, /leak?MIB; and those that do not end: /loop,
/connect?PORT, /recv?PORT, /flock?PATH, /fifo?PATH.
"""
import array
import json
import os
import random
import selectors
import signal
import socket
import stat
import sys
import time
import urllib.parse

folder = sys.argv[1]
leaked = []
address = os.environ["NOTIFY_SOCKET"]
address = "\0" + address[1:] if address[0] == "@" else address
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


def knob(name):
    return os.path.exists(os.path.join(folder, name))


def report(data, ancillary=()):
    try:
        sender.sendmsg([data], ancillary, 0, address)
    except OSError as error:
        print("report:", error, file=sys.stderr)


def handed():
    from systemd import daemon  # slow, so not at the start
    return {str(fd): name for fd, name in daemon.listen_fds_with_names(unset_environment=False).items()}


def describe(sd=False):
    return json.dumps({
        "pid": os.getpid(), "generation": int(os.environ["AVAILD_GENERATION"]), "args": sys.argv[2:],
        "stress": os.environ["AVAILD_STRESS"], "fds": os.environ["LISTEN_FDS"],
        "names": os.environ["LISTEN_FDNAMES"], "sd_listen_fds": handed() if sd else None})


def ghost(data):
    """Sends from a child that is gone when the report is read, or soon after."""
    child = os.fork()
    if child == 0:
        report(data)
        os._exit(0)
    os.waitpid(child, 0)


def attach(n):
    """Sends n descriptors along, and waits until nobody has them open."""
    pipes = [os.pipe() for _ in range(n)]
    report(b"STATUS=descriptors", [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [w for _, w in pipes]))])
    for _, w in pipes:
        os.close(w)
    for r, _ in pipes:
        os.read(r, 1)  # the end of the file, once the receiver has closed its copy
        os.close(r)


def obey(path):
    what, _, value = path.partition("?")
    text = urllib.parse.unquote_to_bytes(value)
    if what == "/sleep":
        time.sleep(int(value) / 1000)
    elif what == "/hang":
        while True:
            signal.pause()
    elif what == "/report":
        report(text)
    elif what == "/ghost":
        ghost(text)
    elif what == "/flood":
        for _ in range(int(value)):
            report(b"X_AVAILD=busy")
    elif what == "/fds":
        attach(int(value))
    elif what == "/leak":
        leaked.append(b"x" * (int(value) << 20))
        time.sleep(0.02)  # so that a fast machine does not leak faster than anybody looks
    else:
        stick(what, value)


def stick(what, value):
    """Does what does not end."""
    if what == "/loop":
        while True:
            pass
    elif what in ("/connect", "/recv"):
        database = socket.create_connection(("127.0.0.1", int(value)))
        database.recv(1)
    elif what == "/flock":
        import fcntl
        with open(value) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
    elif what == "/fifo":
        os.read(os.open(value, os.O_RDWR), 1)


def http(connection):
    connection.settimeout(10)
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(8192)
        if not data:
            return
        head += data
    path = head.split(b" ")[1].decode()
    obey(path)
    body = describe(path == "/sd").encode()
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def accept(listener):
    try:
        client, _ = listener.accept()
    except OSError:
        return
    report(b"X_AVAILD=busy")
    with client:
        if listener.type == socket.SOCK_SEQPACKET:
            client.recv(100)
            client.send(describe(True).encode())
        else:
            try:
                http(client)
            except OSError as error:
                print("client:", error, file=sys.stderr)
    report(b"X_AVAILD=idle")


def datagram(sock):
    try:
        _, peer = sock.recvfrom(100)
    except OSError:
        return
    report(b"X_AVAILD=busy")
    sock.sendto(describe(True).encode(), peer)
    report(b"X_AVAILD=idle")


def fifo(fd):
    try:
        text = os.read(fd, 100)
    except OSError:
        return
    report(b"X_AVAILD=busy")
    with open(os.environ["RUNTIME_DIRECTORY"] + "/fifo", "ab") as out:
        out.write(text)
    report(b"X_AVAILD=idle")


def serving(fd):
    if stat.S_ISFIFO(os.fstat(fd).st_mode):
        return fd, fifo
    sock = socket.socket(fileno=fd)
    return sock, datagram if sock.type == socket.SOCK_DGRAM else accept


if knob("hard"):
    signal.signal(signal.SIGABRT, signal.SIG_IGN)
if knob("crash"):
    with open(os.path.join(folder, "crash")) as status:
        sys.exit(int(status.read()))
if knob("stacks"):
    import faulthandler
    faulthandler.register(signal.SIGUSR1)
told, wakeup = os.pipe()
os.set_blocking(wakeup, False)
if knob("deaf"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: None)
if knob("hang"):
    while True:
        signal.pause()
waiting = selectors.DefaultSelector()
waiting.register(told, selectors.EVENT_READ, sys.exit)
for n in range(3, 3 + int(os.environ["LISTEN_FDS"])):
    opened, serve = serving(n)
    waiting.register(opened, selectors.EVENT_READ, serve)
report(b"READY=1")
pause = 0.2 if knob("beat") else None
while True:
    ready = [key for key, _ in waiting.select(pause)]
    if pause:
        report(b"WATCHDOG=1")
    if any(key.fileobj == told for key in ready):
        sys.exit(0)
    if ready:
        chosen = random.choice(ready)
        chosen.data(chosen.fileobj)
