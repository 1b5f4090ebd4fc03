# SPDX-License-Identifier: Apache-2.0
# Does what it is told, each thing once, and says how each ended. See `run`.
require "socket"
$stdout.sync = true
base, tcp, udp, name, marker = ARGV

def attempt(what)
  result = yield
  puts "#{what} #{result ? 'ok' : 'failed'}"
rescue SystemCallError, SocketError => e
  puts "#{what} #{e.class}"
end

attempt("read") { File.read("#{base}/read") == "secret" }
attempt("write") { File.write("#{base}/write", "written") }
attempt("rename") { File.rename("#{base}/from", "#{base}/renamed") == 0 }
attempt("delete") { File.delete("#{base}/delete") }
attempt("list") { Dir.children("#{base}/list") == ["inner"] }
attempt("tcp") { TCPSocket.open("127.0.0.1", tcp.to_i) { |s| s.write("secret") } }
attempt("udp") { UDPSocket.new.send("secret", 0, "127.0.0.1", udp.to_i) }
attempt("look_up") { Addrinfo.getaddrinfo(name, nil, :INET, :STREAM) }
attempt("spawn") { Process.wait(Process.spawn("/usr/bin/touch", marker)) && $?.success? }
