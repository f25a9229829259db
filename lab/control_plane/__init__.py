"""What runs on control-plane hosts: the stand-in, or etcd and kube-apiserver, with keys and certificates."""
