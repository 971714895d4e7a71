#!/bin/sh
# Runs a command beside a libvirtd that nobody else sees: in mount and network namespaces of its own, which take its networks,
# its disks and all it writes along. To be started by unshare(1) with --mount, --net and --pid.
#
#   session.sh DIRECTORY COMMAND…
set -eu
place=$1
shift

for path in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /run; do
  mkdir -p "$path" "$place$path"
  mount --bind "$place$path" "$path"
done
mkdir -p /run/lock /etc/libvirt/qemu/networks "$place/pool"
ip link set lo up

# Debian makes them with the package that starts libvirt at each boot, which is not wanted; libvirtd looks for them all the same.
for path in /etc/passwd /etc/group; do
  cp "$path" "$place$path"
  mount --bind "$place$path" "$path"
done
id -u libvirt-qemu >/dev/null 2>&1 || echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' >>/etc/passwd
getent group libvirt-qemu >/dev/null || echo 'libvirt-qemu:x:64055:' >>/etc/group

# QEMU as it is started by anyone: no user, group, label or cgroup that only a booted libvirt could give it.
cat >/etc/libvirt/qemu.conf <<'END'
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
user = "root"
group = "root"
stdio_handler = "file"
END
cat >/etc/libvirt/libvirtd.conf <<'END'
unix_sock_dir = "/run/libvirt"
auth_unix_rw = "none"
auth_unix_ro = "none"
END

libvirtd >"$place/libvirtd.log" 2>&1 &
tries=0
until virsh --connect qemu:///system version >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ $tries -gt 60 ]; then
    tail -n 20 "$place/libvirtd.log" >&2
    exit 1
  fi
  sleep 0.5
done
virsh --quiet --connect qemu:///system pool-define-as default dir --target "$place/pool"
virsh --quiet --connect qemu:///system pool-start default
"$@"
