#!/usr/bin/env bash
# Sourced by tools/up and tools/down with `root` set: processes known by a pid file, and how they are stopped.

# The file's process when it runs and is the program we started: PROGRAM and WORD (its configuration file) are both in
# its command line. A pid that belongs to something else by now is nobody's.
running_pid() { # FILE PROGRAM WORD
  local pid line
  [[ -r $1 ]] || return 1
  pid=$(<"$1")
  [[ $pid =~ ^[1-9][0-9]*$ && -r /proc/$pid/cmdline ]] || return 1
  line=$(tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null) || return 1
  [[ $(head -n 1 <<<"$line") == *"$2" ]] && grep -qxF -- "$3" <<<"$line" || return 1
  # A zombie has ended; only its parent has not looked.
  [[ $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) != Z ]] || return 1
  echo "$pid"
}

# SIGTERM, then waits; SIGKILL, with a word, when it takes longer than SECONDS.
stop_process() { # NAME FILE PROGRAM WORD SECONDS
  local pid tenths
  if ! pid=$(running_pid "$2" "$3" "$4"); then
    rm -f "$2"
    return 1
  fi
  kill -TERM "$pid" 2>/dev/null || true
  for ((tenths = 0; tenths < $5 * 10; ++tenths)); do
    if ! running_pid "$2" "$3" "$4" >/dev/null; then
      rm -f "$2"
      return 0
    fi
    sleep 0.1
  done
  echo "$1 (pid $pid) did not stop within $5 seconds; killing it" >&2
  kill -KILL "$pid" 2>/dev/null || true
  for ((tenths = 0; tenths < 50; ++tenths)); do
    running_pid "$2" "$3" "$4" >/dev/null || break
    sleep 0.1
  done
  rm -f "$2"
}

# The private PostgreSQL and Redis of a folder.
servers() { PYTHONPATH=${root:?}/tools/lib PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m servers "$@"; }

servers_run() { # DIR (absolute)
  running_pid "$1/run/postgresql.pid" postgres "--config-file=$1/postgresql/postgresql.conf" >/dev/null &&
    running_pid "$1/run/redis.pid" redis-server "$1/redis/redis.conf" >/dev/null
}

# parleyd first, so that it drains while the broker and the database are there; the servers last.
stop_all() { # DIR (absolute); prints what it did
  local stopped='' said=''
  if stop_process parleyd "$1/run/parleyd.pid" parleyd "$1/parleyd.toml" 15; then
    echo "parleyd stopped"
    stopped=yes
  fi
  if stop_process mosquitto "$1/run/mosquitto.pid" mosquitto "$1/mosquitto.conf" 15; then
    echo "mosquitto stopped"
    stopped=yes
  fi
  if [[ -d $1/postgresql ]]; then
    said=$(servers stop "$1")
    [[ ! $said ]] || echo "$said"
  fi
  [[ $stopped$said ]]
}
