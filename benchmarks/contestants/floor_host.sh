# Makes a host what it should be, by nothing but what a host needs. Set before it: PACKAGES; SUMS as sha256sum prints them,
# FILES and ATTRIBUTES as stat prints them, of the files; TREE, a tar of them, compressed, in base64.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
set -e
# shellcheck disable=SC2086  # a list of words
set -- $PACKAGES
[ "$(dpkg-query --show --showformat '${db:Status-Status}\n' "$@" 2>/dev/null | grep -cx installed)" = $# ] ||
    apt-get --quiet --yes --no-install-recommends install "$@" </dev/null >/dev/null

changed=$(echo "$SUMS" | sha256sum --check --quiet 2>/dev/null) || true
# shellcheck disable=SC2086
if [ -n "$changed" ] || [ "$(stat --format '%a %U:%G' $FILES)" != "$ATTRIBUTES" ]; then
    echo "$TREE" | base64 --decode | tar --extract --gzip --directory /
fi
case $changed in
*/etc/systemd/*)
    systemctl daemon-reload
    systemd-tmpfiles --create kube-ha.conf
    ;;
esac
[ "$(systemctl show --property ActiveState,UnitFileState --value haproxy keepalived | tr '\n' ' ')" = "active enabled  active enabled " ] ||
    systemctl --quiet enable --now haproxy keepalived
case $changed in */etc/haproxy/*) systemctl reload haproxy ;; esac
case $changed in */etc/keepalived/keepalived.conf*) systemctl reload keepalived ;; esac
