# Put new files beside the live ones and let the host's own daemons judge the whole set. No live file is touched.
#
# After draft.sh; set before it: NONCE, MANAGED (all paths of ours), WRITE and REMOVE (those that will change). Calls of
# `stage`, each with a file's content, are appended; `judge` is the last. Prints "@NONCE DAEMON STATUS" before each
# daemon's words.
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
    [ -d "${1%/*}" ] || install -d -m 0755 "${1%/*}" || fail "cannot make ${1%/*}"
    install -m "$2" -o "$3" -g "$4" /dev/null "$new" || fail "cannot make $new"
    base64 -d >"$new" || fail "cannot write $new: $(df -P "${1%/*}" | tail -n 1)"
    sync "$new" || fail "cannot write $new"
    [ "$(sha256sum <"$new")" = "$5  -" ] || fail "$new does not hold what was sent"
}

# In a mount namespace of its own, where the new files stand at their live paths: the daemons judge what they will read,
# and name it in their complaints. Only these two folders are copies there: nothing elsewhere may be touched.
# shellcheck disable=SC2016  # expanded by the inner shell
JUDGE='
nonce=$1 write=$2 remove=$3
mount -t tmpfs -o mode=0755 kube-ha /mnt || exit
for folder in /etc/haproxy /etc/keepalived; do
    copy=/mnt/${folder##*/}
    cp -a "$folder" "$copy" || exit
    for file in $write; do
        [ "${file%/*}" != "$folder" ] || mv "$copy/.${file##*/}.kube-ha-new" "$copy/${file##*/}" || exit
    done
    for file in $remove; do
        [ "${file%/*}" != "$folder" ] || rm -f "$copy/${file##*/}"
    done
    mount --bind "$copy" "$folder" || exit
done
words=$(haproxy -c -f /etc/haproxy/haproxy.cfg 2>&1)
printf "\n@%s haproxy %s\n%s\n" "$nonce" $? "$words"
words=$(keepalived --config-test --use-file /etc/keepalived/keepalived.conf 2>&1)
printf "\n@%s keepalived %s\n%s\n" "$nonce" $? "$words"
'

# keepalived of 2.3 takes no file to watch in a folder that is not there yet.
judge() {
    made=
    [ -d /run/kube-ha ] || { mkdir -m 0755 /run/kube-ha && made=yes; }
    unshare --mount --propagation private sh -c "$JUDGE" judge "$NONCE" "$WRITE" "$REMOVE" ||
        fail "cannot judge the new files"
    [ -z "$made" ] || rmdir /run/kube-ha
}
