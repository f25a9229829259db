# What stage.sh, unstage.sh and commit.sh say of a draft: a new file that waits beside the live one.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

draft_of() { echo "${1%/*}/.${1##*/}.kube-ha-new"; }

# PATH...: take the drafts of these files away, and folders that nobody but us makes.
discard() {
    for file in "$@"; do
        rm -f "$(draft_of "$file")"
        case ${file%/*} in
        *.service.d) [ ! -d "${file%/*}" ] || rmdir --ignore-fail-on-non-empty "${file%/*}" ;;
        esac
    done
}
