#!/usr/bin/env bash
# Sourced by tools/up and tools/test with `root` set: configuring and building a preset.

# A clone elsewhere finds what another has compiled.
export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${root:?} CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}

# Configures build/PRESET when it has never been, or the presets have changed; all else the builder notices itself.
configure_preset() { # PRESET
  local log=$root/build/$1/configure.log
  if [[ $root/build/$1/build.ninja -nt $root/CMakePresets.json ]]; then return 0; fi
  mkdir -p "$root/build/$1"
  if ! (cd "$root" && flock "build/$1/.building" cmake --preset "$1") >"$log" 2>&1; then
    cat "$log" >&2
    echo "could not configure build/$1" >&2
    return 1
  fi
}

# Builds TARGETs in build/PRESET; two at a time wait for each other. On a terminal the builder's own progress is seen, otherwise only
# what went wrong.
build_preset() { # PRESET TARGET…
  local dir=$root/build/$1 quiet=(--quiet)
  shift
  if [[ -t 2 ]]; then quiet=(); fi
  if [[ $(ninja -C "$dir" -n "$@" 2>&1) == *"no work to do"* ]]; then return 0; fi
  flock "$dir/.building" ninja -C "$dir" -j "$(nproc)" "${quiet[@]}" "$@" >&2
}
