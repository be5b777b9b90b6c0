#!/bin/sh
# Keeps one part of a cluster running: keep.sh FOLDER UNIT. `orchestrion up` starts it, detached or as a user's service.
#
# FOLDER/UNIT.command is what runs. It is started again when it ends by itself, after 1 to 30 s. SIGTERM goes on to it, and
# ends this when it has ended. UNIT.pid has this process, when it began, the boot, and the digest of what runs; UNIT.child the
# one that runs; UNIT.deaths how often it ended by itself since this began. UNIT.log is cut at 8 MB, and the part before is kept.
folder=$1 unit=$2
LC_ALL=C
export LC_ALL
umask 077
cd "$folder" || exit 1
trap '' HUP
exec >>"$unit.log" 2>&1 </dev/null

# When a process began, in ticks since the boot: with its number it names a process for good.
began() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
put() { printf '%s\n' "$2" >"$1.new" && mv -f "$1.new" "$1"; }
tell() { printf '%s keep: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1"; }
trim() {
    size=$(wc -c <"$unit.log" 2>/dev/null) || return 0
    [ "$size" -lt 8000000 ] || { cp "$unit.log" "$unit.log.1" && : >"$unit.log"; }
}

boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)
put "$unit.deaths" 0
put "$unit.pid" "$$ $(began $$) $boot $(sha256sum <"$unit.command" | cut -c 1-64)"

child='' stopping='' nap=''
stop() {
    stopping=yes
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
    [ -z "$nap" ] || kill "$nap" 2>/dev/null
}
trap stop TERM INT

# Looks after the log; ends within a moment when it is told to.
(
    sleeper=''
    trap '[ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null; exit 0' TERM
    while :; do
        sleep 30 &
        sleeper=$!
        wait "$sleeper"
        trim
    done
) &
trimmer=$!

pause=1 deaths=0
while [ -z "$stopping" ]; do
    start=$(date +%s)
    sh "./$unit.command" &
    child=$!
    put "$unit.child" "$child $(began "$child") $boot"
    [ -z "$stopping" ] || kill -TERM "$child" 2>/dev/null
    # A signal to this ends the waiting, and not the child.
    while :; do
        wait "$child"
        code=$?
        kill -0 "$child" 2>/dev/null || break
    done
    child=''
    rm -f "$unit.child"
    [ -z "$stopping" ] || break
    deaths=$((deaths + 1))
    put "$unit.deaths" "$deaths"
    [ $(($(date +%s) - start)) -lt 60 ] || pause=1
    tell "$unit ended with exit code $code, and is started again in $pause s"
    sleep "$pause" &
    nap=$!
    [ -z "$stopping" ] || kill "$nap" 2>/dev/null
    wait "$nap"
    nap=''
    pause=$((pause * 2))
    [ "$pause" -le 30 ] || pause=30
done
kill "$trimmer" 2>/dev/null
tell "$unit is stopped"
rm -f "$unit.pid"
exit 0
