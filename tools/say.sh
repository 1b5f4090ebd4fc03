# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts here: one line per step with its time, colour only on a terminal, logs kept for what fails.
#
#   say_step "node 22" install_node 22     runs the command quietly; prints `node 22   3.1 s`, or the log's tail and exits

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  say_bold=$'\e[1m' say_dim=$'\e[2m' say_red=$'\e[31m' say_green=$'\e[32m' say_yellow=$'\e[33m' say_off=$'\e[0m'
else
  say_bold='' say_dim='' say_red='' say_green='' say_yellow='' say_off=''
fi

say_fail() { printf '%s%s%s\n' "$say_red" "$*" "$say_off" >&2; exit 1; }
say_warn() { printf '%s%s%s\n' "$say_yellow" "$*" "$say_off"; }

# Milliseconds since the epoch.
say_now() { echo $(( ${EPOCHREALTIME/[.,]/} / 1000 )); }
say_since() { local ms=$(( $(say_now) - $1 )); printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100)); }

say_step() {
  local what=$1 started log ticker='' status=0
  shift
  started=$(say_now)
  log=$say_logs/$(printf '%s' "$what" | tr -c 'a-zA-Z0-9.\n' '_').log
  mkdir -p "$say_logs"
  if [ -t 1 ]; then
    { while :; do printf '\r  %s… %s %s%s' "$say_dim" "$what" "$(say_since "$started")" "$say_off"; sleep 1; done; } &
    ticker=$!
  fi
  # A shell of its own, because `||` would switch `set -e` off inside a function.
  ( set -euo pipefail; "$@" ) > "$log" 2>&1 < /dev/null &
  wait $! || status=$?
  if [ -n "$ticker" ]; then kill "$ticker" 2>/dev/null; wait "$ticker" 2>/dev/null || true; printf '\r\e[K'; fi
  if [ "$status" -ne 0 ]; then
    printf '  %s%-44s failed after %s%s\n' "$say_red" "$what" "$(say_since "$started")" "$say_off"
    tail -n 40 "$log" | sed 's/^/    /'
    say_fail "$what failed; the whole log is $log"
  fi
  printf '  %s%-44s%s %9s\n' "$say_green" "$what" "$say_off" "$(say_since "$started")"
}
