# Record which configuration files kube-ha wrote, since an inventory's templates need not have its header. After
# generations.sh and commit.sh. Set before it: CLUSTER (that the files were written for).
WRITTEN=/var/lib/kube-ha/written

# Lines of "SHA256 header|plain CLUSTER PATH". A file from before our first change is not ours, even if a rollback has
# put it back.
note_written() {
    (umask 077 && mkdir -p "${WRITTEN%/*}")
    for file in /etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf; do
        if [ ! -f "$file" ] || cmp -s "$file" "$BEFORE$file"; then continue; fi
        kind=plain
        ! grep -qsF 'Written by nornir-kube-ha for cluster' "$file" || kind=header
        echo "$(sha256sum <"$file" | cut -d ' ' -f 1) $kind $CLUSTER $file"
    done >"$WRITTEN.new" && mv -f "$WRITTEN.new" "$WRITTEN"
}
note_written
