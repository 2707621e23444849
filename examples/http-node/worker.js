#!/usr/bin/node
// SPDX-License-Identifier: 0BSD
//
// An example worker for Node.js, without packages, which serves several clients at a
// time: answers each request with a line of JSON about itself. What availd asks for
// is between the two rules. Node cannot send datagrams to a Unix socket, but it can
// write to a descriptor, and with-reports gives it one:
//
//     install -Dt /usr/local/libexec/http-node worker.js with-reports
//     availd run --listen 127.0.0.1:8080 -- /usr/local/libexec/http-node/with-reports \
//         /usr/bin/node /usr/local/libexec/http-node/worker.js 10
//     curl http://127.0.0.1:8080/
//
// Node accepts whatever comes on a socket that it listens on, and cannot pause. So
// "busy" says that another worker is to be started, not that this one takes no more.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');

const most = Number(process.argv[2] || 10); // clients, and availd starts another worker

function answer(request, response) {
  const match = /^([^?]*)(?:\?ms=(\d{1,5}))?$/.exec(request.url);
  const body = JSON.stringify({
    pid: process.pid,
    generation: Number(process.env.AVAILD_GENERATION || 0),
    stress: process.env.AVAILD_STRESS === 'yes',
  }) + '\n';
  setTimeout(() => {
    response.writeHead(200, { 'Content-Type': 'application/json', Connection: 'close' });
    response.end(body);
  }, match && match[1] === '/sleep' ? Number(match[2] || 0) : 0);
}

// ---------------------------------------------------------------- the contract
// report goes on if it fails: availd may be away. A write waits for room, for up to five
// seconds; after one that did nothing is said for a minute, or nobody would be served.
let silent = 0;
function report(line) {
  if (!process.env.REPORT_FD || Date.now() < silent) return;
  try {
    fs.writeSync(Number(process.env.REPORT_FD), line);
  } catch (error) {
    if (error.code === 'EAGAIN') silent = Date.now() + 60000;
  }
}

let jobs = 0;
function tell(done) {
  report(`X_AVAILD=${jobs >= most ? 'busy' : 'idle'}\nX_AVAILD_JOBS=${jobs}\nX_AVAILD_DONE=${done}`);
}

if (Number(process.env.LISTEN_PID) !== process.pid) {
  console.error(`no sockets: start me with: availd run --listen 127.0.0.1:8080 -- with-reports node ${process.argv[1]}`);
  process.exit(1);
}
const server = http.createServer(answer);
// Not the HTTP server itself listens: when that is closed it also closes clients
// that have not said anything yet.
const listeners = [];
for (let n = 0; n < Number(process.env.LISTEN_FDS); n++) {
  listeners.push(net.createServer((client) => {
    jobs++;
    tell(0);
    client.setTimeout(70000, () => client.destroy()); // a silent client must not be held for ever
    client.on('error', (error) => console.error('client:', error.message));
    client.on('close', () => { jobs--; tell(1); });
    server.emit('connection', client);
  }));
}
process.on('SIGTERM', () => {
  report('STOPPING=1');
  for (const l of listeners) l.close(); // Node ends when the last client has gone
});
let waiting = listeners.length;
listeners.forEach((l, n) => l.listen({ fd: 3 + n }, () => { if (--waiting === 0) report('READY=1'); }));
// ---------------------------------------------------------------------- its end
