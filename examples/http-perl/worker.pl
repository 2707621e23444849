#!/usr/bin/perl
# SPDX-License-Identifier: 0BSD
#
# An example worker: answers each request with a line of JSON about itself. Core
# modules only. What availd asks for is between the two last rules; run it under
# NonBlocking=yes, or a worker that loses the race for a connection waits inside
# accept() for the next one. become_worker() is for --template=worker alone, with which
# workers are forks of one process that has loaded everything.
#
#     install -D worker.pl /usr/local/libexec/http-perl
#     availd run --listen 127.0.0.1:8080 -- /usr/local/libexec/http-perl
#     curl http://127.0.0.1:8080/
use strict;
use warnings;
use Config;
use Errno;
use POSIX ();
use Socket;

# serve answers one request. The worker is this client's until it returns.
sub serve {
    my ($client) = @_;
    local $SIG{ALRM} = sub { die "it is silent\n" };
    my $head = '';
    alarm 10;    # a silent client must not keep a worker
    until ($head =~ /\r\n\r\n/ or length $head >= 8192) {
        my $n = sysread $client, $head, 8192, length $head;
        next if !defined $n and $!{EINTR};    # told to retire: finish first
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

# ---------------------------------------------------------------- the template
# become_worker returns in a worker. With --template=worker this process does not: it
# has loaded what there is to load, and forks a worker for each order.
sub become_worker {
    my $fd = delete $ENV{AVAILD_TEMPLATE_FD} // return;
    open my $orders, '+<&=', $fd or die "the template's descriptor $fd: $!\n";
    syswrite $orders, 'READY=1';
    while (sysread $orders, my $order, 4096) {
        my ($number, @variables) = split /\n/, $order =~ s/^FORK=//r;
        if (my $middle = fork) { waitpid $middle, 0; next }
        elsif (!defined $middle) { syswrite $orders, "FAILED=$number $!"; next }
        if (my $worker = fork) { POSIX::_exit(0) }    # it becomes availd's child
        elsif (!defined $worker) { syswrite $orders, "FAILED=$number $!"; POSIX::_exit(0) }
        %ENV = (%ENV, LISTEN_PID => $$, map { split /=/, $_, 2 } @variables);
        srand;    # or all workers draw the same numbers
        syswrite $orders, "BORN=$number";
        return;   # the descriptor is closed
    }
    exit;         # availd wants no more
}

become_worker();

# ---------------------------------------------------------------- the contract
my $to = $ENV{NOTIFY_SOCKET} || '';
$to =~ s/^@/\0/;
socket my $reports, AF_UNIX, SOCK_DGRAM, 0 or die "socket: $!\n";
setsockopt $reports, SOL_SOCKET, SO_SNDTIMEO, pack('l!l!', 5, 0);

# report sends one line to availd, if there is one, and goes on if it fails. Room in
# availd's socket is waited for once, not each time.
my $wait = 0;

sub report {
    return if $to eq '';
    my $sent = send $reports, $_[0], $wait, pack_sockaddr_un($to);
    $wait = !defined $sent && $!{EAGAIN} ? MSG_DONTWAIT : 0;
}

die "no sockets: start me with: availd run --listen 127.0.0.1:8080 -- $0\n" if ($ENV{LISTEN_PID} || 0) != $$;
my ($told_to_leave, @listeners) = (0);
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = sub { $told_to_leave = 1; report('STOPPING=1') };

# Perl has no epoll(7), so these are the numbers of its calls (epoll_create1, epoll_ctl,
# epoll_pwait) and the form of its struct, of x86_64 and aarch64. It is worth that:
# with EPOLLEXCLUSIVE each connection wakes one idle worker, not all of them, and that
# is the first in the socket's line.
my ($create, $ctl, $wait, $event) =
  $Config{archname} =~ /^x86_64/ ? (291, 233, 281, 'L Q') : (20, 21, 22, 'L x4 Q');
my ($in, $exclusive, $cloexec) = (1, 1 << 28, 0x80000);
open my $set, '<&=', syscall($create, $cloexec) or die "epoll: $!\n";
for my $fd (3 .. 2 + $ENV{LISTEN_FDS}) {
    open $listeners[ $fd - 3 ], '+<&=', $fd or die "descriptor $fd: $!\n";
    my $on = pack $event, $in | $exclusive, $fd;
    syscall($ctl, fileno $set, 1, $fd, $on) == 0 or die "epoll: $!\n";
}

# take accepts one connection, if there is one, and serves it. It fails if another
# worker was faster, or the client has gone.
sub take {
    my ($listener) = @_;
    accept my $client, $listener or return 0;
    report('X_AVAILD=busy');
    # -------------------------------------------------------------- its end
    eval { serve($client); 1 } or print STDERR "client: $@";
    alarm 0;
    close $client;
    report('X_AVAILD=idle');
    return 1;
}

my $first = 0;    # when this worker has served first since it joined the line
report('READY=1');
until ($told_to_leave) {
    my $ready = pack $event, 0, 0;
    # Perl runs a handler between two of its own operations: a signal that comes
    # right before the wait is noticed when that returns, hence the 5 s.
    next unless syscall($wait, fileno $set, $ready, 1, 5000, 0, 8) == 1;
    my $fd = (unpack $event, $ready)[1];
    take($listeners[ $fd - 3 ]);
    my $now = (POSIX::times())[0];    # in hundredths of a second
    $first ||= $now;
    next if $now - $first < 2;
    # To the end of the line: the next connection is for another worker.
    $first = 0;
    syscall($ctl, fileno $set, 2, $fd, 0);
    my $on = pack $event, $in | $exclusive, $fd;
    syscall($ctl, fileno $set, 1, $fd, $on) == 0 or die "epoll: $!\n";
}

# This worker may have been woken for a connection that nobody else will be woken for.
# It is woken for no more when the set is closed, and then serves one if one is there.
close $set;
my $left = '';
vec($left, 2 + $_, 1) = 1 for 1 .. @listeners;
select($left, undef, undef, 0) > 0 or exit 0;
for my $listener (grep { vec $left, fileno $_, 1 } @listeners) {
    last if take($listener);
}
