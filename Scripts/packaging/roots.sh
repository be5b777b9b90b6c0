# Sourced by what tries packages: fresh systems by debootstrap, kept once and never changed; trials see a layer over them.

# Debian's and Ubuntu's names of what people call by numbers.
suite_of() {
    case "$1" in
        debian-12) echo bookworm ;;
        debian-13) echo trixie ;;
        ubuntu-22.04) echo jammy ;;
        ubuntu-24.04) echo noble ;;
        *) return 1 ;;
    esac
}

# make_root SYSTEM FOLDER: a minimal system in FOLDER, unless it is there.
make_root() {
    local system=$1 folder=$2 suite keyring mirror=http://deb.debian.org/debian options=() script=()
    [ ! -e "$folder/.complete" ] || return 0
    suite=$(suite_of "$system")
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    case "$system" in ubuntu-*)
        mirror=http://archive.ubuntu.com/ubuntu keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg
        options=(--components=main,universe)
        # Debian's debootstrap may not know Ubuntu's newest; all of them are made like this one.
        script=(gutsy)
        ;;
    esac
    if [ -e "$keyring" ]; then
        options+=(--keyring="$keyring")
    else
        echo "there is no $keyring here: what $mirror sends for the trial is not checked" >&2
        options+=(--no-check-gpg)
    fi
    rm -rf "$folder"
    mkdir -p "$folder"
    debootstrap --variant=minbase "${options[@]}" "$suite" "$folder" "$mirror" "${script[@]}" >"$folder.log" 2>&1 || {
        tail -3 "$folder.log" >&2
        return 1
    }
    case "$system" in debian-*)
        echo "deb http://deb.debian.org/debian-security $suite-security main" >>"$folder/etc/apt/sources.list" ;;
    esac
    touch "$folder/.complete"
}

# Mounts a layer over BASE at FOLDER, with what programs expect of a system. For a shell that has mounts of its own (unshare), with
# which they go.
enter_root() {
    local base=$1 folder=$2
    mkdir -p "$folder"
    mount -t tmpfs tmpfs "$folder"
    mkdir "$folder"/{upper,work,root}
    mount -t overlay overlay -o "lowerdir=$base,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
    root=$folder/root
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/dev/shm" 2>/dev/null || true
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    # Nothing is started by an installation here.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
}

# inside COMMAND…: in the root, with an environment of its own.
inside() {
    chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$@"
}
