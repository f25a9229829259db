# Put new files beside the live ones and let the host's own daemons judge the whole set. No live file is touched.
#
# After draft.sh and loads.sh; set before it: NONCE, MANAGED (all paths of ours), WRITE and REMOVE (those that will
# change), FOLDERS (which only root must be able to write to). Calls of `stage`, each with a file's content, are appended;
# `judge` is the last. Prints "@NONCE DAEMON STATUS" before each daemon's words, once for each way that the daemon is
# started: as it would be now, and as the one was that runs, which starts its next worker in that way.
umask 077

fail() {
    echo "$*" >&2
    # shellcheck disable=SC2086  # a list of words
    discard $WRITE
    exit 1
}

# A run that was cut off may have left drafts: they are not this run's, and must not be judged as if they were.
# shellcheck disable=SC2086  # a list of words
discard $MANAGED

# PATH MODE OWNER GROUP SHA256 < content in base64. Mode and owner are final before content lands.
stage() {
    new=$(draft_of "$1")
    replaceable "$1"
    [ -d "${1%/*}" ] || install -d -m 0755 "${1%/*}" || fail "cannot make ${1%/*}"
    install -m "$2" -o "$3" -g "$4" /dev/null "$new" || fail "cannot make $new"
    base64 -d >"$new" || fail "cannot write $new: $(df -P "${1%/*}" | tail -n 1)"
    sync "$new" || fail "cannot write $new"
    [ "$(sha256sum <"$new")" = "$5  -" ] || fail "$new does not hold what was sent"
}

# PATH: refuse it unless a rename can put another file in its place. What keeps a link from being made of it keeps a rename
# away, too: it is immutable, append-only, or a mount.
replaceable() {
    [ -e "$1" ] || return 0
    [ ! -d "$1" ] || [ -L "$1" ] || fail "$1 is a folder"
    words=$(ln -P -- "$1" "$new.link" 2>&1) || fail "$1 cannot be replaced: $words"
    rm -f "$new.link"
}

# In a mount namespace of its own, where the new files stand at their live paths: the daemons judge what they will read,
# and name it in their complaints. Only these two folders are copies there: nothing elsewhere may be touched. A folder that
# is a link is copied by what is in it: a copy of the link would lead to the live files.
# shellcheck disable=SC2016  # expanded by the inner shell
JUDGE='
nonce=$1 write=$2 remove=$3 folders=$4
mount -t tmpfs -o mode=0755 kube-ha /mnt || exit
for folder in /etc/haproxy /etc/keepalived; do
    copy=/mnt/${folder##*/}
    mkdir "$copy" && cp -a "$folder/." "$copy/" || exit
    case " $folders " in *" $folder "*) chown root "$copy" && chmod go-w "$copy" || exit ;; esac
    for file in $write; do
        [ "${file%/*}" != "$folder" ] || mv -T "$copy/.${file##*/}.kube-ha-new" "$copy/${file##*/}" || exit
    done
    for file in $remove; do
        [ "${file%/*}" != "$folder" ] || rm -f "$copy/${file##*/}"
    done
    mount --bind "$copy" "$folder" || exit
done
shift 4
while [ $# -gt 0 ]; do
    words=$(judged "$2" "$3" "$4")
    printf "\n@%s %s %s\n%s\n" "$nonce" "$1" $? "$words"
    shift 4
done
'

# UNIT: the command that would start it now, and the one that it runs by, if that is another one.
ways_of() {
    shown=$(systemctl show --property "MainPID,$LOADED_PROPERTIES" "$1")
    starts=$(start_words "$shown")
    runs=$(running_words "$(printf '%s\n' "$shown" | sed -n 's/^MainPID=//p')")
    [ "$(printf '%s\n' "$runs" | tail -n +2)" != "$(printf '%s\n' "$starts" | tail -n +2)" ] || runs=
}

# keepalived of 2.3 takes no file to watch in a folder that is not there yet.
judge() {
    made=
    [ -d /run/kube-ha ] || { mkdir -m 0755 /run/kube-ha && made=yes; }
    set -- "$NONCE" "$WRITE" "$REMOVE" "$FOLDERS"
    ways_of haproxy
    set -- "$@" haproxy -c "$HAPROXY_DEFAULT" "$starts"
    [ -z "$runs" ] || set -- "$@" haproxy -c "$HAPROXY_DEFAULT" "$runs"
    ways_of keepalived
    set -- "$@" keepalived --config-test "$KEEPALIVED_DEFAULT" "$starts"
    [ -z "$runs" ] || set -- "$@" keepalived --config-test "$KEEPALIVED_DEFAULT" "$runs"
    # shellcheck disable=SC2153  # of loads.sh
    unshare --mount --propagation private sh -c "$JUDGED$JUDGE" judge "$@" || fail "cannot judge the new files"
    [ -z "$made" ] || rmdir /run/kube-ha
}
