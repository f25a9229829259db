# Generations: the files that were live before each change. A rollback needs nothing but this host. keep.sh makes them.
#
# Set before it: MANAGED (paths of all managed files). If a file is a link, its target is kept and compared.
GENERATIONS=/var/lib/kube-ha/generations # a folder each, NUMBER: `about`, and files/ with their paths, modes and owners
# shellcheck disable=SC2034  # scripts that follow use it
BEFORE=/var/lib/kube-ha/before           # files from before the first of ours
GOOD=/var/lib/kube-ha/good               # fingerprint of the files that were live when all checks last passed

fingerprint() {
    # shellcheck disable=SC2086  # a list of words
    (cd "$1" && for file in $MANAGED; do
        [ ! -f ".$file" ] || { stat -L -c '%n %a %U %G' ".$file" && sha256sum ".$file"; }
    done) | sha256sum
}

folders() { if [ -d "$GENERATIONS" ]; then ls "$GENERATIONS"; fi; }

# Only folders with a number as their name: an administrator may keep copies beside them.
numbers() { folders | grep -x '[0-9]\{6,9\}'; }

# Record that the live files have passed every check.
mark_good() {
    { (umask 077 && mkdir -p "${GOOD%/*}") && fingerprint / >"$GOOD.new" && mv -f "$GOOD.new" "$GOOD"; } || {
        echo "cannot write $GOOD, so the live files are not marked as good" >&2
        return 1
    }
}

# Print what is kept: a section "generation NUMBER TIME STATE RUN_ID USER live|other" each. After section.sh.
list_generations() {
    live=$(fingerprint /)
    folders | while IFS= read -r number; do
        same=other
        [ "$(fingerprint "$GENERATIONS/$number/files" 2>/dev/null)" != "$live" ] || same=live
        section generation "$number" "$(head -c 500 "$GENERATIONS/$number/about" 2>/dev/null | head -n 1)" "$same"
    done
    section end
}

# NUMBER: print its files, a section each. After section.sh.
show_generation() {
    cd "$GENERATIONS/$1/files" || exit
    for file in $MANAGED; do
        [ -f ".$file" ] || continue
        section file "$file" "$(stat -c '%04a %U %G %Y' ".$file")"
        base64 ".$file"
    done
    section end
}
