#!/usr/bin/python3
# SPDX-License-Identifier: 0BSD
"""An example worker with asyncio, which serves several clients at a time.

Standard library only. What availd asks for is between the two rules. A worker that
holds several clients says busy when it can take no more, and always how many it holds
and how many it has finished. Run it under NonBlocking=yes.

    install -D worker.py /usr/local/libexec/http-asyncio
    availd run --listen 127.0.0.1:8080 -- /usr/local/libexec/http-asyncio 10
    curl http://127.0.0.1:8080/
"""
import asyncio
import json
import os
import re
import select
import selectors
import signal
import socket
import struct
import sys

MOST = int(sys.argv[1]) if len(sys.argv) > 1 else 10  # clients at a time


async def serve(reader, writer):
    """Answer one request."""
    # A silent client must not be held for ever.
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    status, body = "200 OK", None
    match = re.match(rb"[A-Z]+ ([^ ?]*)(?:\?ms=(\d{1,5}))? HTTP/1\.[01]\r\n", head)
    if not match:
        status, body = "400 Bad Request", {"error": "not a request for / or /sleep?ms=N"}
    elif match[1] == b"/sleep" and match[2]:
        await asyncio.sleep(int(match[2]) / 1000)
    if body is None:
        body = {"pid": os.getpid(),
                "generation": int(os.environ.get("AVAILD_GENERATION") or 0),
                "stress": os.environ.get("AVAILD_STRESS") == "yes"}
    text = json.dumps(body, separators=(",", ":")).encode() + b"\n"
    writer.write(b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"
                 % (status.encode(), len(text), text))
    await asyncio.wait_for(writer.drain(), 10)


async def talk(client):
    """Serve one client, whatever it does."""
    reader, writer = await asyncio.open_connection(sock=client)
    try:
        await serve(reader, writer)
    except (OSError, EOFError, ValueError, asyncio.TimeoutError, asyncio.LimitOverrunError) as error:
        print("client:", repr(error), file=sys.stderr)
    finally:
        writer.close()


# ---------------------------------------------------------------- the contract
def report(line, to=os.environ.get("NOTIFY_SOCKET", ""), wait=[0]):
    """Send a report to availd, if there is one, and go on if it fails. While availd hangs
    or is away its socket may have no room: that is waited for once, not each time."""
    try:
        if to:
            sender.sendto(line.encode(), wait[0], "\0" + to[1:] if to[0] == "@" else to)
        wait[0] = 0
    except BlockingIOError:
        wait[0] = socket.MSG_DONTWAIT
    except OSError:
        pass


class OneIsWoken(selectors.EpollSelector):
    """asyncio's own selector, but each connection wakes one idle worker, not all of
    them: what is only listened on is watched with EPOLLEXCLUSIVE."""

    def register(self, fileobj, events, data=None):
        key = super().register(fileobj, events, data)
        if isinstance(fileobj, socket.socket) and fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            self._selector.unregister(key.fd)
            self._selector.register(key.fd, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        return key


class Worker:
    """The clients that are held, and the sockets that more come from."""

    def __init__(self, listeners):
        self.loop = asyncio.get_running_loop()
        self.listeners, self.jobs, self.leaving = listeners, set(), False
        self.over = asyncio.Event()
        self.watched = False  # the sockets are
        self.first = None  # when this worker accepted first since it joined their lines

    def watch(self):
        """Accept while there is room. accept() itself is called when a socket is
        readable: a task that waits inside sock_accept() and is cancelled in the
        same moment loses its client."""
        room = not self.leaving and len(self.jobs) < MOST
        if self.watched and room and (self.first is None or self.loop.time() - self.first <= 0.02):
            return
        for listener in self.listeners:
            # Out and in again is to the end of the socket's line, whose first is woken.
            self.loop.remove_reader(listener)
            if room:
                self.loop.add_reader(listener, self.take, listener)
        self.watched, self.first = room, None

    def take(self, listener):
        try:
            client, _ = listener.accept()
        except OSError:  # another worker was faster, or the client has gone
            return
        if self.first is None:
            self.first = self.loop.time()
        client.setblocking(False)
        job = self.loop.create_task(talk(client))
        self.jobs.add(job)
        job.add_done_callback(self.finished)
        self.tell(done=0)

    def finished(self, job):
        self.jobs.remove(job)
        self.tell(done=1)

    def tell(self, done):
        report("X_AVAILD=%s\nX_AVAILD_JOBS=%d\nX_AVAILD_DONE=%d"
               % ("busy" if len(self.jobs) >= MOST else "idle", len(self.jobs), done))
        self.watch()
        if self.leaving and not self.jobs:
            self.over.set()

    def leave(self):
        """Told to: take no more, finish what is held. But this worker may have been
        woken for a connection that nobody else will be woken for: when it is woken
        for no more, it takes one if one is there."""
        had_room, self.leaving = len(self.jobs) < MOST, True
        report("STOPPING=1")
        self.watch()
        left = select.select(self.listeners, [], [], 0)[0] if had_room else []
        if left:
            self.take(left[0])
        self.tell(done=0)


async def main():
    worker = Worker([socket.socket(fileno=3 + n) for n in range(int(os.environ["LISTEN_FDS"]))])
    worker.loop.add_signal_handler(signal.SIGTERM, worker.leave)
    report("READY=1")
    worker.watch()
    await worker.over.wait()
# ---------------------------------------------------------------------- its end


if os.environ.get("LISTEN_PID") != str(os.getpid()):
    sys.exit("no sockets: start me with: availd run --listen 127.0.0.1:8080 -- " + sys.argv[0])
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 5, 0))
loop = asyncio.SelectorEventLoop(OneIsWoken())
loop.run_until_complete(main())
