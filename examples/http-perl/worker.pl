#!/usr/bin/perl
# SPDX-License-Identifier: 0BSD
#
# An example worker: answers each request with a line of JSON about itself. Core
# modules only. What availd asks for is between the two rules; run it under
# NonBlocking=yes, or a worker that loses the race for a connection waits inside
# accept() for the next one.
#
#     install -D worker.pl /usr/local/libexec/http-perl
#     availd run --listen 127.0.0.1:8080 -- /usr/local/libexec/http-perl
#     curl http://127.0.0.1:8080/
use strict;
use warnings;
use Errno;
use Socket;

# serve answers one request. The worker is this client's until it returns.
sub serve {
    my ($client) = @_;
    local $SIG{ALRM} = sub { die "it is silent\n" };
    my $head = '';
    alarm 10;    # a silent client must not keep a worker
    until ($head =~ /\r\n\r\n/ or length $head >= 8192) {
        my $n = sysread $client, $head, 8192, length $head;
        next if !defined $n and $!{EINTR};    # told to leave: finish first
        die "$!\n" unless defined $n;
        return if $n == 0;
    }
    alarm 0;
    my $status = '200 OK';
    my $body   = sprintf '{"pid":%d,"generation":%d,"stress":%s}', $$, $ENV{AVAILD_GENERATION} || 0,
      ($ENV{AVAILD_STRESS} || '') eq 'yes' ? 'true' : 'false';
    if ($head !~ m{^[A-Z]+ ([^ ?]*)(?:\?ms=(\d{1,5}))? HTTP/1\.[01]\r\n}) {
        ($status, $body) = ('400 Bad Request', '{"error":"not a request for / or /sleep?ms=N"}');
    }
    elsif ($1 eq '/sleep' and defined $2) {
        my $left = $2 / 1000;
        (undef, $left) = select undef, undef, undef, $left while $left > 0;    # a signal ends it early
    }
    $body .= "\n";
    syswrite $client, "HTTP/1.1 $status\r\nContent-Type: application/json\r\nContent-Length: "
      . length($body) . "\r\nConnection: close\r\n\r\n$body"
      or die "$!\n";
}

# ---------------------------------------------------------------- the contract
my $to = $ENV{NOTIFY_SOCKET} || '';
$to =~ s/^@/\0/;
socket my $reports, AF_UNIX, SOCK_DGRAM, 0 or die "socket: $!\n";
setsockopt $reports, SOL_SOCKET, SO_SNDTIMEO, pack('l!l!', 5, 0);

# report sends one line to availd, if there is one, and goes on if it fails.
sub report { send $reports, $_[0], 0, pack_sockaddr_un($to) if $to ne '' }

die "no sockets: start me with: availd run --listen 127.0.0.1:8080 -- $0\n" if ($ENV{LISTEN_PID} || 0) != $$;
my ($told_to_leave, @listeners) = (0);
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = sub { $told_to_leave = 1; report('STOPPING=1') };
for my $fd (3 .. 2 + $ENV{LISTEN_FDS}) {
    open $listeners[ $fd - 3 ], '+<&=', $fd or die "descriptor $fd: $!\n";
}
report('READY=1');
until ($told_to_leave) {
    my $ready = '';
    vec($ready, 2 + $_, 1) = 1 for 1 .. @listeners;
    # Perl runs a handler between two of its own operations: a signal that comes
    # right before select is noticed when that returns, hence the time.
    next unless select($ready, undef, undef, 5) > 0;
    my @waiting = grep { vec $ready, fileno $_, 1 } @listeners;
    # No socket goes first. It fails if another worker was faster, or the client has gone.
    accept my $client, $waiting[ rand @waiting ] or next;
    report('X_AVAILD=busy');
    # -------------------------------------------------------------- its end
    eval { serve($client); 1 } or print STDERR "client: $@";
    alarm 0;
    close $client;
    report('X_AVAILD=idle');
}
