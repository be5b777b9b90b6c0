# Sourced by the other scripts: installs the C libraries that are missing, or says which.

# What the build and the programs need, as Debian's packages.
packages="libzmq3-dev libopenblas-dev libsndfile1-dev libsamplerate0-dev libsodium-dev libsqlite3-dev libcairo2-dev curl ca-certificates"

install_dependencies() {
    command -v swift >/dev/null || {
        echo "There is no Swift here. Install Swift 6.1 or newer from https://www.swift.org/install and try again." >&2
        exit 1
    }
    install_packages $packages "$@"
}

# Installs Debian's packages of these names where they are missing.
install_packages() {
    local missing="" package
    for package in "$@"; do
        dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    local sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo --non-interactive"
    if command -v apt-get >/dev/null && { [ -z "$sudo" ] || $sudo true 2>/dev/null; }; then
        echo "Installing$missing" >&2
        $sudo apt-get update -qq >&2 &&
            DEBIAN_FRONTEND=noninteractive $sudo apt-get -o DPkg::Lock::Timeout=300 install -y -qq ${lean:-} $missing \
                >/dev/null && return 0
    fi
    echo "Please install these packages (or your system's equivalents) and try again:" >&2
    echo "   sudo apt-get install$missing" >&2
    exit 1
}

# Installs what a check needs that is no part of the build; without it the check is skipped, and says so.
#   need "what is skipped" "commands that must be there then" packages…
need() {
    local what=$1 commands=$2 command lean=--no-install-recommends
    shift 2
    # Debian's daemons and administrators' tools are there.
    PATH="$PATH:/usr/sbin:/sbin"
    for command in $commands; do
        command -v "$command" >/dev/null || {
            (install_packages "$@") || { echo "SKIPPED: $what: there is no $command here"; exit 0; }
            break
        }
    done
}

# A browser for the tests of the page. Without one they are skipped, and say so.
install_browser() {
    command -v chromium >/dev/null && command -v chromedriver >/dev/null && return 0
    (install_dependencies chromium chromium-driver) || echo "There is no Chromium: the tests of the page are skipped." >&2
}
