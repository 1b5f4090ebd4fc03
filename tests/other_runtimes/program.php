<?php
// SPDX-License-Identifier: Apache-2.0
// Does what it is told, each thing once, and says how each ended. See `run`.
[, $base, $tcp, $udp, $name, $marker] = $argv;
function attempt($what, $do) {
  error_clear_last();
  try {
    $good = @$do();
  } catch (TypeError) { // fwrite(false, ...)
    $good = false;
  }
  $text = error_get_last()["message"] ?? "failed";
  echo $what, " ", $good ? "ok" : (str_contains($text, "Operation not permitted") ? "EPERM" : $text), "\n";
}
attempt("read", fn() => file_get_contents("$base/read") === "secret");
attempt("write", fn() => file_put_contents("$base/write", "written"));
attempt("rename", fn() => rename("$base/from", "$base/renamed"));
attempt("delete", fn() => unlink("$base/delete"));
attempt("list", fn() => scandir("$base/list"));
attempt("tcp", fn() => fwrite(stream_socket_client("tcp://127.0.0.1:$tcp"), "secret"));
attempt("udp", fn() => fwrite(stream_socket_client("udp://127.0.0.1:$udp"), "secret"));
echo "look_up ", gethostbyname($name) !== $name ? "ok" : "EPERM", "\n"; // it tells no reason
attempt("spawn", function () use ($marker) {
  $process = proc_open(["/usr/bin/touch", $marker], [], $pipes);
  return $process && proc_close($process) === 0;
});
