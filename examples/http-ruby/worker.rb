#!/usr/bin/ruby
# frozen_string_literal: true
# SPDX-License-Identifier: 0BSD
#
# An example worker: answers each request with a line of JSON about itself. Ruby's own
# library only. What availd asks for is between the rules; run it under NonBlocking=yes,
# or a worker that loses the race for a connection waits inside accept for the next one.
#
#     install -D worker.rb /usr/local/libexec/http-ruby
#     availd run --listen 127.0.0.1:8080 --template=worker -- /usr/local/libexec/http-ruby
#     curl http://127.0.0.1:8080/
#     curl http://127.0.0.1:8080/sleep?ms=5000
#
# Ruby waits with select(2) or the like, which wakes all idle workers for each
# connection; with hundreds of them keep the pool small.
require "json"
require "socket"
require "timeout"

# Answers one request. The worker is this client's until it returns.
def serve(client)
  head = +""
  Timeout.timeout(10) do # a silent client must not keep a worker
    head << client.readpartial(8192) until head.include?("\r\n\r\n") || head.size >= 8192
  end
  status = "200 OK"
  body = { pid: Process.pid, generation: ENV.fetch("AVAILD_GENERATION", "0").to_i,
           stress: ENV["AVAILD_STRESS"] == "yes" }
  case head
  when %r{\A[A-Z]+ /sleep\?ms=(\d{1,5}) HTTP/1\.[01]\r\n} then sleep($1.to_i / 1000.0)
  when %r{\A[A-Z]+ [^ ?]* HTTP/1\.[01]\r\n} then nil
  else status, body = "400 Bad Request", { error: "not a request for / or /sleep?ms=N" }
  end
  text = "#{JSON.generate(body)}\n"
  client.write("HTTP/1.1 #{status}\r\nContent-Type: application/json\r\n" \
               "Content-Length: #{text.bytesize}\r\nConnection: close\r\n\r\n#{text}")
rescue EOFError, SystemCallError, Timeout::Error => e
  warn "client: #{e.message}"
ensure
  client.close
end

# ---------------------------------------------------------------- the template
# Returns in a worker. With --template=worker this process does not: it has loaded what
# there is to load, and forks a worker for each order.
def become_worker
  fd = ENV.delete("AVAILD_TEMPLATE_FD") or return
  orders = Socket.for_fd(fd.to_i)
  Process.respond_to?(:warmup) ? Process.warmup : GC.start # what is shared is written to less
  orders.send("READY=1\nTHREADS=#{Dir.children("/proc/self/task").size}", 0) # Ruby's own, which a fork has, too
  template = Process.pid
  until (order = orders.recv(4096)).to_s.empty?
    number, *variables = order.delete_prefix("FORK=").split("\n")
    begin
      if (middle = fork)
        Process.wait(middle)
        next
      end
      exit! if fork # the worker becomes availd's child
    rescue SystemCallError => e
      orders.send("FAILED=#{number} #{e.message}", 0)
      Process.pid == template ? next : exit!
    end
    variables.each { |v| v.split("=", 2).then { |name, value| ENV[name] = value } }
    ENV["LISTEN_PID"] = Process.pid.to_s
    orders.send("BORN=#{number}", 0)
    return orders.close
  end
  exit # availd wants no more
end

become_worker

# ---------------------------------------------------------------- the contract
abort "no sockets: start me with: availd run --listen 127.0.0.1:8080 -- #{$PROGRAM_NAME}" if ENV["LISTEN_PID"] != Process.pid.to_s
TO = ENV["NOTIFY_SOCKET"]
REPORTS = Socket.new(:UNIX, :DGRAM)
REPORTS.setsockopt(:SOCKET, :SNDTIMEO, [5, 0].pack("l!l!")) # availd may hang, the worker must not

# Sends one line to availd, if there is one, and goes on if it fails. Room in availd's
# socket is waited for once, not each time.
$wait = 0
def report(line)
  REPORTS.send(line, $wait, Addrinfo.unix(TO.sub(/\A@/, "\0"))) if TO
  $wait = 0
rescue Errno::EAGAIN
  $wait = Socket::MSG_DONTWAIT
rescue SystemCallError
  nil
end

leave, wakeup = IO.pipe # readable after SIGTERM
trap("TERM") { report("STOPPING=1"); wakeup.close unless wakeup.closed? }
listeners = (3...3 + ENV["LISTEN_FDS"].to_i).map { |fd| Socket.for_fd(fd) }
report("READY=1")
loop do
  ready, = IO.select([leave, *listeners])
  break if ready.include?(leave)

  client, = ready.sample.accept_nonblock(exception: false)
  next if client.nil? || client == :wait_readable # another worker was faster

  report("X_AVAILD=busy")
  # -------------------------------------------------------------------- its end
  serve(client)
  report("X_AVAILD=idle")
rescue SystemCallError
  next # the client has gone before it was accepted
end
