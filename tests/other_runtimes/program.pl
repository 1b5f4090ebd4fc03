# SPDX-License-Identifier: Apache-2.0
# Does what it is told, each thing once, and says how each ended. See `run`.
use strict;
use warnings;
use Errno;
use Socket;
$| = 1;
my ($base, $tcp, $udp, $name, $marker) = @ARGV;

sub say_of {
  my ($what, $good) = @_;
  print "$what ", $good ? "ok" : $!{EPERM} ? "EPERM" : "$!", "\n";
}
sub send_to {
  my ($type, $port) = @_;
  socket(my $s, AF_INET, $type, 0) or return 0;
  connect($s, pack_sockaddr_in($port, inet_aton("127.0.0.1"))) or return 0;
  return send($s, "secret", 0);
}

my $f;
say_of("read", open($f, "<", "$base/read") && <$f> eq "secret");
say_of("write", open($f, ">", "$base/write") && print($f "written") && close($f));
say_of("rename", rename("$base/from", "$base/renamed"));
say_of("delete", unlink("$base/delete"));
say_of("list", opendir(my $d, "$base/list"));
say_of("tcp", send_to(SOCK_STREAM, $tcp));
say_of("udp", send_to(SOCK_DGRAM, $udp));
my ($error) = Socket::getaddrinfo($name, undef, {family => AF_INET, socktype => SOCK_STREAM});
print "look_up ", !$error ? "ok" : $error == Socket::EAI_SYSTEM && $!{EPERM} ? "EPERM" : "$error", "\n";
{
  no warnings "exec";
  my $status = system {"/usr/bin/touch"} "touch", $marker;
  say_of("spawn", $status == 0);
}
