# Sourced by the trials of a package in a fresh system: what is tried, and how its result is told.

# tell STEP RESULT: a line for Scripts/try-package.
tell() { printf '%s\t%s\n' "$1" "$2" >&3; }

# try STEP COMMAND…: tells whether it went well; its output goes to the log. The trial goes on either way.
try() {
    local step=$1 start=$SECONDS
    shift
    echo "== $step: $*"
    if "$@"; then tell "$step" "yes, $((SECONDS - start)) s"; else tell "$step" "NO"; fi
}

song=(--seconds 4 --seed 7 --genre waltz --artist mira_sol --lyrics "sun sea sky far low you")
# Its codes' digests, as the tests know them.
digests() { sed -nE 's/.*"(z[0-2])" ?: "([0-9a-f]{64})".*/\1 \2/p' "$1" | sort; }
known_song() { [ "$(digests "$1" | wc -l)" = 3 ] && diff <(digests "$1") <(digests Tests/CommandLineTests/MusicBoxTests.swift); }

# Whether the program makes the same song here as anywhere, as a user that may write nowhere else.
samples_the_song() {
    rm -rf "$root/tmp/song"
    inside setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent "$1" sample "${song[@]}" --out /tmp/song &&
        known_song "$root/tmp/song/song.json" &&
        inside "$1" picture /tmp/song --out /tmp/song/picture.png && [ -s "$root/tmp/song/picture.png" ]
}

runs_the_demo() { inside "$1" demo --seconds 6 --out /tmp/demo; }

# The version that it tells, with the commit that was packaged.
tells_its_commit() { inside "$1" --version | grep -E '^[0-9.]+ \(commit [0-9a-f]+\+?\)$'; }
