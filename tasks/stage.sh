# Put new files beside the live ones and let the host's own daemons judge the whole set. No live file is touched.
#
# Set before it: NONCE, REMOVE. Calls of `stage`, each with a file's content, are appended; `validate` is the last.
# Prints "@NONCE DAEMON STATUS" before each daemon's words.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 077

staged_name() { echo "${1%/*}/.${1##*/}.kube-ha-new"; }

fail() {
    echo "$*" >&2
    unstage
    exit 1
}

STAGED=
unstage() {
    for file in $STAGED; do
        rm -f "$file"
        rmdir --ignore-fail-on-non-empty "${file%/*}" # a folder that this run made
    done
}

# PATH MODE OWNER GROUP SHA256 < content in base64. Mode and owner are final before content lands.
stage() {
    new=$(staged_name "$1")
    STAGED="$STAGED $new"
    [ -d "${1%/*}" ] || install -d -m 0755 "${1%/*}" || fail "cannot make ${1%/*}"
    rm -f "$new"
    install -m "$2" -o "$3" -g "$4" /dev/null "$new" || fail "cannot make $new"
    base64 -d >"$new" || fail "cannot write $new: $(df -P "${1%/*}" | tail -n 1)"
    sync "$new" || fail "cannot write $new"
    [ "$(sha256sum <"$new")" = "$5  -" ] || fail "$new does not hold what was sent"
}

# In a mount namespace of its own, where the new files stand at their live paths: the daemons judge what they will read,
# and name it in their complaints.
# shellcheck disable=SC2016  # expanded by the inner shell
JUDGE='
nonce=$1
shift
mount -t tmpfs -o mode=0755 kube-ha /mnt || exit
for folder in /etc/haproxy /etc/keepalived; do
    scratch=/mnt/${folder##*/}
    cp -a "$folder" "$scratch" || exit
    for new in "$scratch"/.*.kube-ha-new; do
        [ -e "$new" ] || continue
        name=${new##*/.}
        mv "$new" "$scratch/${name%.kube-ha-new}" || exit
    done
    mount --bind "$scratch" "$folder" || exit
done
rm -f "$@"
haproxy_words=$(haproxy -c -f /etc/haproxy/haproxy.cfg 2>&1)
printf "\n@%s haproxy %s\n%s\n" "$nonce" $? "$haproxy_words"
keepalived_words=$(keepalived --config-test --use-file /etc/keepalived/keepalived.conf 2>&1)
printf "\n@%s keepalived %s\n%s\n" "$nonce" $? "$keepalived_words"
'

validate() {
    # shellcheck disable=SC2086  # a list of words
    unshare --mount --propagation private sh -c "$JUDGE" judge "$NONCE" $REMOVE || fail "cannot judge the new files"
}
