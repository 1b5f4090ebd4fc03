// SPDX-License-Identifier: Apache-2.0
//
// Does what it is told, each thing once, and says how each ended. See `run`.
import java.io.IOException;
import java.net.*;
import java.nio.file.*;
import java.util.concurrent.Callable;

public class Program {
  static void attempt(String what, Callable<Boolean> action) {
    try {
      System.out.println(what + (action.call() ? " ok" : " failed"));
    } catch (Exception | UnsatisfiedLinkError e) {
      System.out.println(what + " " + e.getClass().getName() + ": " + e.getMessage());
    }
  }

  // Enough work for every compiler of the machine.
  static long hot(int rounds) {
    long sum = 0;
    for (int i = 0; i < rounds; i++) sum += Long.rotateLeft(i * 31L, i & 15) % 7;
    return sum;
  }

  public static void main(String[] words) {
    Path base = Path.of(words[0]);
    int tcp = Integer.parseInt(words[1]), udp = Integer.parseInt(words[2]);
    for (int i = 0; i < 50; i++) hot(20000);
    attempt("read", () -> Files.readString(base.resolve("read")).equals("secret"));
    attempt("write", () -> Files.writeString(base.resolve("write"), "written") != null);
    attempt("rename", () -> Files.move(base.resolve("from"), base.resolve("renamed"), StandardCopyOption.ATOMIC_MOVE) != null);
    attempt("delete", () -> { Files.delete(base.resolve("delete")); return true; });
    attempt("list", () -> { try (var all = Files.newDirectoryStream(base.resolve("list"))) { return all.iterator().hasNext(); } });
    attempt("tcp", () -> { try (Socket s = new Socket("127.0.0.1", tcp)) { s.getOutputStream().write("secret".getBytes()); return true; } });
    attempt("udp", () -> { try (DatagramSocket s = new DatagramSocket()) { s.send(new DatagramPacket("secret".getBytes(), 6, InetAddress.getByName("127.0.0.1"), udp)); return true; } });
    attempt("look_up", () -> InetAddress.getByName(words[3]) != null);
    attempt("spawn", () -> new ProcessBuilder("/usr/bin/touch", words[4]).start().waitFor() == 0);
    if (words.length > 5) attempt("load", () -> { System.load(words[5]); return true; });
  }
}
