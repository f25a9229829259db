#!/bin/sh
# Runs once, after image.sh, with the new root as $1: makes it a host whose package manager is dnf. The pool's packages
# become RPMs, packed and described as Red Hat's are: their units, their scriptlets, their ways with files of the admin's.
# What dpkg knows of this root stays, and is not found.
set -eu
if [ "$1" != inside ]; then # with the root's own rpmbuild
    echo "making RPMs of the package pool"
    exec chroot "$1" sh -s inside <"$0"
fi
POOL=/srv/pool
WORK=/root/rpms
mkdir -p $WORK $POOL/base $POOL/newer
cd $WORK

field() { dpkg-deb --field "$1" "$2"; }

# Both of Debian's are one package there.
name_of() {
    case $1 in
    iputils-*) echo iputils ;;
    *) echo "$1" ;;
    esac
}

# As far as they are in the pool; the rest is part of the root.
requires() {
    for deb in "$@"; do
        for word in $(dpkg-deb --field "$deb" Pre-Depends Depends | sed -E 's/^[A-Za-z-]+://; s/\([^)]*\)//g; s/:any//g; s/[,|]/ /g'); do
            if [ -n "$(find $POOL -name "${word}_*.deb")" ]; then name_of "$word"; fi
        done
    done | sort -u | { grep -vx "$name" || [ $? = 1 ]; } | sed 's/^/Requires: /'
}

# A tree of these packages' files, without what Debian alone has a use for.
unpack() {
    rm -rf tree
    mkdir tree
    : >conffiles
    for deb in "$@"; do
        dpkg-deb --extract "$deb" tree
        dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./conffiles >>conffiles 2>/dev/null || true
    done
    for folder in bin sbin lib lib64; do # /usr is merged here
        [ ! -d tree/$folder ] || { mkdir -p tree/usr/$folder && cp -a tree/$folder/. tree/usr/$folder/ && rm -r tree/$folder; }
    done
    for folder in doc info man locale lintian bug; do rm -rf tree/usr/share/$folder; done
    rm -rf tree/etc/init.d tree/etc/default tree/etc/apparmor.d tree/usr/lib/tmpfiles.d/haproxy.conf
}

# As Red Hat's haproxy.service and haproxy.cfg are: no Restart=, no /dev/log in the chroot, no /run/haproxy.
haproxy_files() {
    mkdir -p tree/etc/sysconfig tree/etc/haproxy/conf.d tree/var/lib/haproxy tree/usr/lib/systemd/system
    echo 'OPTIONS=""' >tree/etc/sysconfig/haproxy
    cat >tree/etc/haproxy/haproxy.cfg <<'END'
global
    log 127.0.0.1 local2
    chroot /var/lib/haproxy
    stats socket /var/lib/haproxy/stats

defaults
    mode http
    timeout connect 10s
    timeout client 1m
    timeout server 1m

frontend main
    bind *:5000
END
    cat >tree/usr/lib/systemd/system/haproxy.service <<'END'
[Unit]
Description=haproxy, with a unit as on Enterprise Linux
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
Environment="CONFIG=/etc/haproxy/haproxy.cfg" "PIDFILE=/run/haproxy.pid" "CFGDIR=/etc/haproxy/conf.d"
EnvironmentFile=/etc/sysconfig/haproxy
ExecStartPre=/usr/sbin/haproxy -f $CONFIG -f $CFGDIR -c -q $OPTIONS
ExecStart=/usr/sbin/haproxy -Ws -f $CONFIG -f $CFGDIR -p $PIDFILE $OPTIONS
ExecReload=/usr/sbin/haproxy -f $CONFIG -f $CFGDIR -c -q $OPTIONS
ExecReload=/bin/kill -USR2 $MAINPID
SuccessExitStatus=143
KillMode=mixed

[Install]
WantedBy=multi-user.target
END
    printf '/etc/sysconfig/haproxy\n/etc/haproxy/haproxy.cfg\n' >>conffiles
}

# As Red Hat's keepalived.service was in Enterprise Linux 8: it forks.
keepalived_files() {
    mkdir -p tree/etc/sysconfig tree/usr/libexec/keepalived tree/usr/lib/systemd/system
    echo 'KEEPALIVED_OPTIONS="-D"' >tree/etc/sysconfig/keepalived
    mv tree/etc/keepalived/keepalived.conf.sample tree/etc/keepalived/keepalived.conf
    cat >tree/usr/lib/systemd/system/keepalived.service <<'END'
[Unit]
Description=keepalived, with a unit as on Enterprise Linux
Wants=network-online.target
After=network-online.target

[Service]
Type=forking
PIDFile=/run/keepalived.pid
KillMode=process
EnvironmentFile=-/etc/sysconfig/keepalived
ExecStart=/usr/sbin/keepalived $KEEPALIVED_OPTIONS
ExecReload=/bin/kill -HUP $MAINPID

[Install]
WantedBy=multi-user.target
END
    printf '/etc/sysconfig/keepalived\n/etc/keepalived/keepalived.conf\n' >>conffiles
}

# What rpmbuild packs: every file, and the folders that the root does not have.
files() {
    (cd tree && find . ! -type d) | sed 's/^\.//' | while read -r file; do
        ! grep -qxF "$file" conffiles || printf '%%config(noreplace) '
        printf '"%s"\n' "$file"
    done
    (cd tree && find . -mindepth 1 -type d) | sed 's/^\.//' | while read -r folder; do
        [ -d "$folder" ] || printf '%%dir "%s"\n' "$folder"
    done
}

# Red Hat's neither enable a unit nor start it; an upgrade restarts one that runs.
scriptlets() {
    case $name in
    haproxy | tcpdump)
        printf '%%pre\ngetent passwd %s >/dev/null ||\n' "$name"
        printf '    useradd --system --user-group --home-dir /var/lib/%s --shell /sbin/nologin %s\n' "$name" "$name"
        ;;
    iputils) printf '%%post\nchmod u+s /usr/bin/ping\n' ;;
    lib*) printf '%%post -p /sbin/ldconfig\n' ;;
    esac
    case $name in
    haproxy | keepalived)
        printf '%%post\nsystemctl daemon-reload\n'
        cat <<END
%preun
[ \$1 -gt 0 ] || systemctl --no-reload disable --now $name
%postun
systemctl daemon-reload
[ \$1 -lt 1 ] || systemctl try-restart $name
END
        ;;
    esac
}

# REPOSITORY: an RPM of what `spec` says, in this repository.
pack() {
    rpmbuild -bb --quiet --nodeps --define "_topdir $WORK/top" --define "_rpmdir $1" --define 'debug_package %{nil}' \
        --define '_build_id_links none' --define '__os_install_post %{nil}' --define '_binary_payload w1.gzdio' \
        --define '_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.rpm' spec >log 2>&1 || { cat log && exit 1; }
}

# REPOSITORY RELEASE DEB...: an RPM of these, in this repository; no release means Debian's own.
build() {
    repository=$1 release=$2
    shift 2
    version=$(field "$1" Version)
    epoch=0
    case $version in *:*) epoch=${version%%:*} version=${version#*:} ;; esac
    case $version in *-*) ;; *) version=$version-1 ;; esac
    : "${release:=${version##*-}}"
    version=$(echo "${version%-*}" | tr - .)
    unpack "$@"
    case $name in haproxy | keepalived) "${name}_files" ;; esac
    {
        printf 'Name: %s\nVersion: %s\nRelease: %s\nSummary: %s\n' "$name" "$version" "$release" "$name"
        [ "$epoch" = 0 ] || echo "Epoch: $epoch"
        printf 'License: see Debian\nAutoReqProv: no\n'
        requires "$@"
        printf '%%description\nOf Debian.\n%%install\ncp -a %s/tree/. %%{buildroot}/\n' $WORK
        scriptlets
        echo %files
        files
    } >spec
    pack "$repository"
}

for deb in "$POOL"/*.deb; do # what the root has needs no RPM
    package=$(field "$deb" Package)
    if dpkg-query --show "$package" >/dev/null 2>&1; then rm "$deb"; fi
done
# What every RPM with a scriptlet asks for, and the root has.
cat >spec <<'END'
Name: root
Version: 1
Release: 1
Summary: what the root has
License: none
AutoReqProv: no
Provides: /bin/sh, /sbin/ldconfig, python3 = 3.11
%description
Of Debian.
%files
END
pack $POOL/base
for deb in "$POOL"/*.deb; do
    name=$(field "$deb" Package)
    case $name in
    iputils-arping) ;;
    iputils-ping) name=iputils && build $POOL/base "" $POOL/iputils-*.deb ;;
    *) build $POOL/base "" "$deb" ;;
    esac
done
name=haproxy
build $POOL/newer "$(field $POOL/haproxy_*.deb Version | sed 's/.*-//').newer" $POOL/haproxy_*.deb
for repository in base newer; do createrepo_c --quiet $POOL/$repository; done

mkdir -p /etc/yum.repos.d /etc/dnf/vars
echo 9 >/etc/dnf/vars/releasever
# A second source, with a later haproxy, that is off until somebody turns it on.
for repository in base:1 newer:0; do
    printf '[%s]\nname=%s\nbaseurl=file://%s\nenabled=%s\ngpgcheck=0\nskip_if_unavailable=0\n' \
        "${repository%:*}" "${repository%:*}" "$POOL/${repository%:*}" "${repository#*:}" >"/etc/yum.repos.d/${repository%:*}.repo"
done
rm -rf $WORK $POOL/*.deb $POOL/Packages $POOL/Release
dnf --quiet makecache # so that a dry run on a fresh host knows the candidates

mkdir /usr/lib/debian
for program in apt-get apt-cache apt dpkg dpkg-query; do mv /usr/bin/$program /usr/lib/debian/; done
