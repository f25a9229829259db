# What stage.sh, unstage.sh and commit.sh say of a draft: a new file that waits beside the live one.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

draft_of() { echo "${1%/*}/.${1##*/}.kube-ha-new"; }

# WORDS: end before anything is changed. The status says so to whoever reports what changed.
left_alone() {
    echo "$*; nothing was changed" >&2
    exit 78
}

# PATH...: take the drafts of these files away, and folders that nobody but us makes.
discard() {
    for file in "$@"; do
        draft=$(draft_of "$file")
        rm -f "$draft" "$draft.link"
        case ${file%/*} in
        *.service.d) [ ! -d "${file%/*}" ] || [ -L "${file%/*}" ] || rmdir --ignore-fail-on-non-empty "${file%/*}" ;;
        esac
    done
}
