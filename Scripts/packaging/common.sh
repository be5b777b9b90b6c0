# Sourced by the scripts that package: words for people, and what is being packaged.

say() { echo "package: $*" >&2; }

fail() {
    echo "$(basename "$0"): $1" >&2
    exit "${2:-1}"
}

# The comment at a script's head.
usage() { sed -n '2,/^[^#]/ s/^# \{0,1\}//p' "$1"; }

# The version that `orchestrion --version` says.
program_version() {
    sed -n '/enum ProgramVersion/,/^}/ s/.*current = "\([0-9.]*\)".*/\1/p' Sources/Cluster/ClusterProtocol/ProtocolVersion.swift
}

# The commit, with a + where files differ from it.
program_commit() {
    local commit
    commit=$(git rev-parse --short=12 HEAD)
    [ -z "$(git status --porcelain)" ] || commit="$commit+"
    echo "$commit"
}

# What the files are called after: the version, and of anything but a release the commit.
package_name() {
    local name
    name=orchestrion-$(program_version)
    [ -n "${PACKAGE_RELEASE:-}" ] || name="$name-$(program_commit | tr -d +)"
    echo "$name"
}

# The folder of Swift's toolchain.
swift_toolchain() { dirname "$(dirname "$(realpath "$(command -v swiftc)")")"; }

# The folder with the sources of the Swift packages: a build's, if there was one.
checkouts() {
    local scratch
    for scratch in .build-package .build; do
        [ ! -d "$scratch/checkouts/swift-argument-parser" ] || { echo "$scratch/checkouts"; return; }
    done
    swift package resolve --scratch-path .build-package >&2
    echo .build-package/checkouts
}
