#!/usr/bin/perl
# A worker that counts: at its end it says how many clients it has accepted and
# how many it has answered. The request /sleep?ms=N takes N ms.
use strict;
use warnings;
use Socket;

my ($accepted, $answered, $told) = (0, 0, 0);
$SIG{TERM} = sub { $told = 1 };
open(my $listener, '+<&=', 3) or die $!;
socket(my $sender, AF_UNIX, SOCK_DGRAM, 0) or die $!;
my $to = pack_sockaddr_un($ENV{NOTIFY_SOCKET} =~ s/^@/\0/r);
sub report { send($sender, $_[0], 0, $to) }

# In pieces, so that a signal does not end it early.
sub nap { my $end = $_[0] / 1000; while ($end > 0) { my $n = $end > 0.1 ? 0.1 : $end; select(undef, undef, undef, $n); $end -= $n } }

sub serve {
    my ($client) = @_;
    my $head = '';
    while ($head !~ /\r\n\r\n/) {
        my $n = sysread($client, $head, 8192, length $head);
        next if !defined $n && $!{EINTR};
        return if !$n;
    }
    nap($1) if $head =~ m{^GET /sleep\?ms=(\d+) };
    my $body = "$$\n";
    my $text = "HTTP/1.0 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    $answered++ if (syswrite($client, $text) // 0) == length $text;
}

report('READY=1');
until ($told) {
    my $ready = '';
    vec($ready, 3, 1) = 1;
    next if select($ready, undef, undef, 0.1) <= 0;
    next if $told || !accept(my $client, $listener);
    $accepted++;
    report('X_AVAILD=busy');
    serve($client);
    close($client);
    report('X_AVAILD=idle');
}
print "counted $accepted accepted, $answered answered\n";
