# Put drafts beside the live files, and let the host's own daemons validate the whole set. No live file is touched.
#
# After section.sh, draft.sh and loads.sh. Set before it: MANAGED (paths of all managed files), WRITE and REMOVE (those that will
# change), FOLDERS (which only root may write to). Calls of `stage`, each with a file's content, are appended; `judge`
# is the last.
#
# Prints a section "DAEMON STATUS" with each daemon's words, once for each command that may start it. One is what a start
# would run now. The other is what runs, if it differs: the next worker starts by it.
umask 077

fail() {
    echo "$*" >&2
    # shellcheck disable=SC2086  # a list of words
    discard $WRITE
    exit 1
}

# An interrupted run may have left drafts, which must not be validated as this run's.
# shellcheck disable=SC2086  # a list of words
discard $MANAGED

# PATH MODE OWNER GROUP SHA256 < content in base64. Mode and owner are final before the content is written.
stage() {
    new=$(draft_of "$1")
    replaceable "$1"
    [ -d "${1%/*}" ] || install -d -m 0755 "${1%/*}" || fail "cannot create ${1%/*}"
    install -m "$2" -o "$3" -g "$4" /dev/null "$new" || fail "cannot create $new"
    base64 -d >"$new" || fail "cannot write $new: $(df -P "${1%/*}" | tail -n 1)"
    sync "$new" || fail "cannot write $new"
    [ "$(sha256sum <"$new")" = "$5  -" ] || fail "$new differs from what was sent"
}

# PATH: refuse it unless a rename can put another file in its place. What prevents a hard link also prevents a rename:
# it is immutable, append-only, or a mount.
replaceable() {
    [ -e "$1" ] || return 0
    [ ! -d "$1" ] || [ -L "$1" ] || fail "$1: expected a file, got a folder"
    words=$(ln -P -- "$1" "$new.link" 2>&1) || fail "$1 cannot be replaced: $words"
    rm -f "$new.link"
}

# In a mount namespace of its own, the new files are at their live paths. So the daemons validate, and name, the paths
# that they will read. Only these two folders are copies, so nothing elsewhere may be touched. If a folder is a link,
# its content is copied, since a copy of the link would lead to the live files.
# shellcheck disable=SC2016  # expanded by the inner shell
JUDGE='
set -u
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

# UNIT: set `starts` to the command that would start it now, and `runs` to the one that it runs by, if they differ.
ways_of() {
    shown=$(systemctl show --property "MainPID,$LOADED_PROPERTIES" "$1")
    starts=$(start_words "$shown")
    runs=$(running_words "$(printf '%s\n' "$shown" | sed -n 's/^MainPID=//p')")
    [ "$(printf '%s\n' "$runs" | tail -n +2)" != "$(printf '%s\n' "$starts" | tail -n +2)" ] || runs=
}

# keepalived 2.3 refuses to watch a file in a folder that does not exist yet.
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
    unshare --mount --propagation private sh -c "$JUDGED$JUDGE" judge "$@" || fail "cannot validate the new files"
    [ -z "$made" ] || rmdir /run/kube-ha
    section end
}
