# What is done on a host of a cluster. It comes on the standard input of /bin/sh behind lines that set its variables, and before a
# line that calls one of its functions: so nothing of it runs unless all of it has come.
#
# dir       the cluster's folder; ~/ is this user's home
# prefix    of what is answered: lines KEY=VALUE between a line that begins and one that ends it
LC_ALL=C
export LC_ALL
umask 077

say() { printf '%s=%s\n' "$1" "$(printf '%s' "$2" | tr '\n\r' '  ')"; }
fail() {
    say fault "$1"
    printf 'orchestrion-end\n'
    exit 0
}
size() { stat -c %s "$1" 2>/dev/null || wc -c <"$1" | tr -d ' '; }
digest() { sha256sum <"$1" | cut -c 1-64; }
began() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
boot() { cat /proc/sys/kernel/random/boot_id 2>/dev/null; }
last_words() { tail -n "$2" "$1" 2>/dev/null | cut -c 1-400; }

begin() {
    printf 'orchestrion-begin\n'
    case $dir in
        '~/'*) dir=$HOME/${dir#'~/'} ;;
        /*) ;;
        *) dir=$HOME/$dir ;;
    esac
    host=$(uname -n | tr -c 'A-Za-z0-9._\n-' _)
    # A home that several machines share has a folder for each.
    run=$dir/run/$host
}
end() { printf 'orchestrion-end\n'; }

# The state of a part: running and as which process, or not.
running() {
    [ -f "$run/$1.pid" ] || return 1
    read -r pid start itsboot what <"$run/$1.pid" || return 1
    [ "$itsboot" = "$(boot)" ] && [ -n "$start" ] && [ "$start" = "$(began "$pid")" ]
}
orphan() {
    [ -f "$run/$1.child" ] || return 1
    read -r pid start itsboot <"$run/$1.child" || return 1
    [ "$itsboot" = "$(boot)" ] && [ -n "$start" ] && [ "$start" = "$(began "$pid")" ]
}
units() {
    for file in "$run"/*.command; do
        [ -f "$file" ] || continue
        unit=${file##*/}
        unit=${unit%.command}
        if running "$unit"; then
            say unit "$unit running $what $(cat "$run/$unit.deaths" 2>/dev/null || echo 0)"
        elif orphan "$unit"; then
            say unit "$unit orphan - 0"
        else
            say unit "$unit stopped - 0"
        fi
    done
}

# Whether services of this user outlive their login.
services() {
    command -v systemctl >/dev/null 2>&1 || return 1
    XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
    export XDG_RUNTIME_DIR
    case $(systemctl --user is-system-running </dev/null 2>/dev/null) in
        running | degraded | starting) ;;
        *) return 1 ;;
    esac
    [ "$(loginctl show-user "$(id -un)" --property=Linger --value </dev/null 2>/dev/null)" = yes ]
}

# What kind of machine it is. With `make` the folder is made.
probe() {
    begin
    say dir "$dir"
    say host "$host"
    say system "$(uname -s)"
    say arch "$(uname -m)"
    say time "$(date +%s)"
    say cores "$(nproc 2>/dev/null || grep -c '^processor' /proc/cpuinfo)"
    say memory "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
    say available "$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
    for tool in sha256sum tail cut sed tr date df mv; do
        command -v "$tool" >/dev/null 2>&1 || fail "there is no program $tool there, which is needed"
    done
    place=$dir
    while [ ! -d "$place" ] && [ "$place" != / ] && [ -n "$place" ]; do place=$(dirname "$place"); done
    if [ "$make" = yes ]; then
        reason=$(mkdir -p "$run" "$dir/versions" "$dir/models" 2>&1) || fail "the folder $dir cannot be made: $reason"
        chmod 700 "$dir" "$run" 2>/dev/null
        place=$dir
        printf '#!/bin/sh\nexit 0\n' 2>/dev/null >"$run/try.sh" || fail "nothing can be written into $run"
        chmod 700 "$run/try.sh"
        "$run/try.sh" 2>/dev/null ||
            fail "no program can be started in $dir: it is on a file system that is mounted noexec. Give another folder"
        rm -f "$run/try.sh"
    fi
    say disk "$(df -Pk "$place" 2>/dev/null | sed -n '2s/^.* \([0-9][0-9]*\)  *[0-9-][0-9]*%.*$/\1/p')"
    [ ! -d "$dir" ] || say place "$(boot) $(ls -di "$dir" | sed 's/^ *//' | cut -d ' ' -f 1) $host"
    say owner "$(cat "$dir/cluster" 2>/dev/null)"
    say current "$(readlink "$dir/current" 2>/dev/null)"
    if services; then say services yes; else say services no; fi
    units
    end
}

# Says whose folder it is, where nobody has said so yet.
own() {
    begin
    if [ -s "$dir/cluster" ]; then
        [ "$(cat "$dir/cluster")" = "$owner" ] || fail "$dir belongs to another cluster"
    else
        printf '%s\n' "$owner" >"$dir/cluster.new" && mv -f "$dir/cluster.new" "$dir/cluster" || fail "$dir cannot be written"
    fi
    end
}

# Of the files of $list, which are in $folder and how large.
have() {
    begin
    printf '%s\n' "$list" | while IFS= read -r path; do
        [ ! -f "$folder/$path" ] || say have "$(size "$folder/$path") $path"
    done
    end
}

# Makes the folders of files that will come.
prepare() {
    begin
    printf '%s\n' "$list" | while IFS= read -r path; do
        mkdir -p "$(dirname "$folder/$path")" || exit 1
    done || fail "folders for what is copied cannot be made in $folder"
    end
}

# Compares what is in $folder with $list, lines SHA-256 SIZE MODE PATH; what differs is named. With full, by content.
compare() {
    printf '%s\n' "$list" | while read -r sum bytes mode path; do
        if [ ! -f "$1/$path" ] || [ "$(size "$1/$path")" != "$bytes" ]; then
            say bad "$path"
        elif [ "$full" = yes ] && [ "$(digest "$1/$path")" != "$sum" ]; then
            say bad "$path"
            # So that it is not taken for a beginning.
            [ "$1" = "$folder" ] || rm -f "$1/$path"
        elif [ "$1" != "$folder" ]; then
            chmod "$mode" "$1/$path"
        fi
    done
}
check() {
    begin
    if [ -d "$folder" ]; then compare "$folder"; else say bad .; fi
    end
}
# Puts what has come in $part to its place $folder, if it is all right.
commit() {
    begin
    bad=$(full=yes compare "$part")
    if [ -n "$bad" ]; then
        printf '%s\n' "$bad"
    else
        if [ -d "$folder" ]; then mv "$folder" "$part.former" || fail "$folder cannot be replaced"; fi
        mv "$part" "$folder" || fail "$folder cannot be made"
        rm -rf "$part.former"
    fi
    end
}
# Whether a program runs here at all, and which it is.
try() {
    begin
    said=$(program --version 2>&1 </dev/null) || fail "the program does not run there: $(printf '%s' "$said" | tail -n 3)"
    say version "$said"
    ln -sfn "versions/$version" "$dir/current.new" && mv -fT "$dir/current.new" "$dir/current" 2>/dev/null
    end
}
version() {
    begin
    say version "$(program --version 2>/dev/null </dev/null)"
    end
}
program() (
    cd "$run" && LD_LIBRARY_PATH="$dir/versions/$version/lib" exec "$dir/versions/$version/bin/orchestrion" "$@"
)
# What a model is, as the program there sees it.
inspect() {
    begin
    case $model in '~/'*) model=$HOME/${model#'~/'} ;; esac
    say path "$model"
    [ "$model" = music-box ] || [ -d "$model" ] || fail "there is no folder $model there"
    said=$(eval "program model inspect --json $options \"\$model\"" 2>"$run/inspect.err" </dev/null) ||
        fail "the model cannot be used there: $(last_words "$run/inspect.err" 3)"
    rm -f "$run/inspect.err"
    say model "$said"
    end
}

# This host's own key pair; its public half.
own_key() {
    begin
    [ -s "$run/$pair" ] || reason=$(program keys new "$run/$pair" 2>&1 </dev/null) || fail "no key: $reason"
    say public "$(program keys show "$run/$pair" 2>/dev/null </dev/null)"
    end
}
# At the coordinator's: lets keys in, lines KEY ROLE NAME of $list, and takes off those of former hosts.
allow() {
    begin
    state=$dir/state
    [ -e "$state" ] || say new yes
    printf '%s\n' "$list" | while read -r key role name; do
        printf '%s\n' "$key" >"$run/allow.pub"
        reason=$(program keys allow --state "$state" --name "$name" --role "$role" "$run/allow.pub" 2>&1 </dev/null) ||
            say refused "$name: $reason"
    done
    rm -f "$run/allow.pub"
    program keys list --state "$state" 2>/dev/null </dev/null | while read -r line; do say allowed "$line"; done
    say public "$(program keys show "$state/coordinator.key.pub" 2>/dev/null </dev/null)"
    end
}
disallow() {
    begin
    printf '%s\n' "$list" | while read -r key; do
        printf '%s\n' "$key" >"$run/disallow.pub"
        program keys remove --state "$dir/state" "$run/disallow.pub" >/dev/null 2>&1 </dev/null
    done
    rm -f "$run/disallow.pub"
    end
}

# Starts $unit with $command, unless just that runs. $keeper is the script that keeps it.
start() {
    begin
    if [ -n "$serverkey" ]; then
        printf '%s\n' "$serverkey" >"$run/coordinator.key.pub.new" && mv -f "$run/coordinator.key.pub.new" "$run/coordinator.key.pub"
    fi
    printf '%s' "$command" >"$run/$unit.command.new" || fail "$run cannot be written"
    if running "$unit" && [ "$what" = "$(digest "$run/$unit.command.new")" ]; then
        mv -f "$run/$unit.command.new" "$run/$unit.command"
        say started no
        end
        return
    fi
    halt "$unit"
    mv -f "$run/$unit.command.new" "$run/$unit.command"
    printf '%s' "$keeper" >"$run/keep.sh.new" && mv -f "$run/keep.sh.new" "$run/keep.sh" || fail "$run cannot be written"
    rm -f "$run/$unit.endpoint"
    : >>"$run/$unit.log"
    say from "$(size "$run/$unit.log")"
    if [ "$service" = yes ] && services; then
        mkdir -p "$HOME/.config/systemd/user"
        printf '%s' "$description" >"$HOME/.config/systemd/user/$name-$unit.service"
        systemctl --user daemon-reload </dev/null >/dev/null 2>&1
        reason=$(systemctl --user enable --now "$name-$unit.service" 2>&1 </dev/null) || fail "the service $name-$unit cannot be started: $reason"
    elif command -v setsid >/dev/null 2>&1; then
        setsid sh "$run/keep.sh" "$run" "$unit" </dev/null >/dev/null 2>&1 &
    else
        nohup sh "$run/keep.sh" "$run" "$unit" </dev/null >/dev/null 2>&1 &
    fi
    waited=0
    until running "$unit"; do
        waited=$((waited + 1))
        [ "$waited" -lt 500 ] || fail "$unit does not start: $(last_words "$run/$unit.log" 5)"
        sleep 0.1 2>/dev/null || sleep 1
    done
    say started yes
    end
}
# Ends a part; what does not end in $grace seconds is killed.
halt() {
    unitfile=$HOME/.config/systemd/user/$name-$1.service
    if [ -f "$unitfile" ]; then
        XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} systemctl --user disable --now "$name-$1.service" </dev/null >/dev/null 2>&1
        rm -f "$unitfile"
    fi
    # One signal, and to one of them: a second one would end it at once.
    if running "$1" || orphan "$1"; then kill -TERM "$pid" 2>/dev/null; fi
    waited=0
    while running "$1" || orphan "$1"; do
        waited=$((waited + 1))
        if [ "$waited" -gt $((grace * 5)) ]; then
            if running "$1"; then kill -KILL "$pid" 2>/dev/null; fi
            if orphan "$1"; then kill -KILL "$pid" 2>/dev/null; fi
            say killed "$1"
            sleep 1
            break
        fi
        sleep 0.2 2>/dev/null || sleep 1
    done
    rm -f "$run/$1.pid" "$run/$1.child"
}
# Ends the parts that $list names, and forgets them.
stop() {
    begin
    for unit in $list; do
        if running "$unit" || orphan "$unit"; then say stopped "$unit"; fi
        halt "$unit"
        rm -f "$run/$unit.command" "$run/$unit.deaths"
    done
    end
}
# How a part is: what it listens on, whether it is welcome, and the end of its log.
look() {
    begin
    if running "$unit"; then say running yes; else say running no; fi
    say deaths "$(cat "$run/$unit.deaths" 2>/dev/null || echo 0)"
    say endpoint "$(cat "$run/$unit.endpoint" 2>/dev/null)"
    last_words "$run/$unit.log" "$lines" | while IFS= read -r line; do say log "$line"; done
    end
}
# What the coordinator says of its workers; asked on its own machine.
ask() {
    begin
    said=$(eval "timeout \"\$patience\" env LD_LIBRARY_PATH=\"\$dir/versions/\$version/lib\" \"\$dir/versions/\$version/bin/orchestrion\" $options --connect \"\$connect\" --server-key \"\$dir/state/coordinator.key.pub\" --key \"\$run/admin.key\"" 2>"$run/ask.err" </dev/null) ||
        fail "the coordinator does not answer: $(last_words "$run/ask.err" 2)"
    rm -f "$run/ask.err"
    say answer "$said"
    end
}
# The end of a part's log, as it is.
show() {
    begin
    for unit in $list; do
        [ -f "$run/$unit.log" ] || continue
        printf 'log=== %s: %s\n' "$unit" "$run/$unit.log"
        { cat "$run/$unit.log.1" 2>/dev/null; cat "$run/$unit.log"; } | tail -n "$lines" | sed 's/^/log=/'
    done
    end
}
# Removes programs and models that nothing here uses, and what is left of copies of others.
prune() {
    begin
    for folder in "$dir"/versions/* "$dir"/versions/.part-* "$dir"/models/* "$dir"/models/.part-*; do
        [ -d "$folder" ] || continue
        used=''
        case "$keep" in *"|${folder##*/}|"*) used=yes ;; esac
        for file in "$dir"/run/*/*.command; do
            [ ! -f "$file" ] || ! grep -qF "/${folder##*/}/" "$file" || used=yes
        done
        [ -n "$used" ] || { rm -rf "$folder" && say removed "${folder##*/}"; }
    done
    end
}
