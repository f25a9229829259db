# Drafts, for stage.sh, unstage.sh and commit.sh. A draft is a new file that waits beside the live one.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

draft_of() { echo "${1%/*}/.${1##*/}.kube-ha-new"; }

# WORDS: end before anything is changed. The exit status tells the controller so.
left_alone() {
    echo "$*; nothing was changed" >&2
    exit 78
}

# PATH...: remove the drafts of these files, and empty folders that only kube-ha makes.
discard() {
    for file in "$@"; do
        draft=$(draft_of "$file")
        rm -f "$draft" "$draft.link"
        case ${file%/*} in
        *.service.d) [ ! -d "${file%/*}" ] || [ -L "${file%/*}" ] || rmdir --ignore-fail-on-non-empty "${file%/*}" ;;
        esac
    done
}
