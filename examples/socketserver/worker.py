#!/usr/bin/python3
# SPDX-License-Identifier: 0BSD
"""An accept loop that knows nothing of availd: one request at a time, and no word
about it. The socket is descriptor 3, as any service of a socket unit has it."""

import os
import socket
import socketserver


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # the rest of the head
        if not line:
            return
        body = b"worker %d\n" % os.getpid()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)


class Server(socketserver.TCPServer):
    def __init__(self):
        socketserver.BaseServer.__init__(self, None, Handler)
        self.socket = socket.socket(fileno=3)


Server().serve_forever()
