# Sourced by the scripts that try a site for real: what happened when, and waiting for states.

begin=$SECONDS
table=()
note() {
    table+=("$(printf '%5d s  %s' $((SECONDS - begin)) "$1")")
    echo "${table[-1]}" >&2
}
# await SECONDS WHAT COMMAND…: until the command succeeds.
await() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { echo "$(basename "$0"): $what did not happen in time" >&2; exit 1; }
        sleep 0.3
    done
}
print_table() {
    echo
    echo "$1"
    printf '%s\n' "${table[@]}"
}
# The text at a script's head.
usage() { sed -n '2,/^set/s/^# \?//p' "$0" | sed '$d'; }
