#!/bin/sh
# Runs once, at the end of mmdebstrap, with the new root of Debian 12 as $1: builds kube-apiserver and
# kube-controller-manager from Debian's source package, offline once that is there, and leaves them in
# $1/srv/kubernetes. Newer releases of Debian have kubectl only.
set -eu
root=$1
mkdir -p "$root/srv/kubernetes"
sed -n 's/^deb /deb-src /p' "$root/etc/apt/sources.list" >"$root/etc/apt/sources.list.d/source.list"

echo "downloading the source of Kubernetes"
chroot "$root" apt-get update --quiet
chroot "$root" sh -c 'cd /srv && apt-get source --quiet --only-source kubernetes'
source=$(cd "$root" && echo srv/kubernetes-*/)
version=${source#*really}
version=${version%/}
mkdir -p "$root/$source.go/src/k8s.io"
ln -s "/${source%/}" "$root/$source.go/src/k8s.io/kubernetes"

echo "building kube-apiserver and kube-controller-manager v$version"
chroot "$root" env -C "/$source" HOME=/root "GOPATH=/$source.go" GO111MODULE=off CGO_ENABLED=0 GOFLAGS= \
    KUBE_GIT_COMMIT=unknown KUBE_GIT_TREE_STATE=archive "KUBE_GIT_VERSION=v$version" \
    make -C ".go/src/k8s.io/kubernetes" WHAT="cmd/kube-apiserver cmd/kube-controller-manager"
for program in kube-apiserver kube-controller-manager; do
    chroot "$root" cp "/${source}_output/bin/$program" /srv/kubernetes/ # by a link that only the root knows
done
