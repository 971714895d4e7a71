import { expect, test } from 'vitest';
import { specOf } from '../../../src/spec/defaults.ts';
import { checkSpec } from '../../../src/spec/validate.ts';
import { busybox, host } from './examples.ts';

test('busybox with nothing asked for gets what Docker gives', () => {
  const spec = specOf({ image: 'busybox' }, busybox, host);
  expect(checkSpec(spec)).toEqual(spec);
  expect(spec).toMatchInlineSnapshot(`
    {
      "hostname": "0123456789ab",
      "linux": {
        "cgroupsPath": "0123456789ab",
        "maskedPaths": [
          "/proc/acpi",
          "/proc/asound",
          "/proc/interrupts",
          "/proc/kcore",
          "/proc/keys",
          "/proc/latency_stats",
          "/proc/sched_debug",
          "/proc/scsi",
          "/proc/timer_list",
          "/proc/timer_stats",
          "/sys/devices/virtual/powercap",
          "/sys/firmware",
        ],
        "namespaces": [
          {
            "type": "pid",
          },
          {
            "type": "network",
          },
          {
            "type": "mount",
          },
          {
            "type": "ipc",
          },
          {
            "type": "uts",
          },
          {
            "type": "cgroup",
          },
        ],
        "readonlyPaths": [
          "/proc/bus",
          "/proc/fs",
          "/proc/irq",
          "/proc/sys",
          "/proc/sysrq-trigger",
        ],
        "resources": {
          "devices": [
            {
              "access": "rwm",
              "allow": false,
            },
            {
              "access": "m",
              "allow": true,
              "type": "c",
            },
            {
              "access": "m",
              "allow": true,
              "type": "b",
            },
            {
              "access": "rwm",
              "allow": true,
              "major": 1,
              "minor": 3,
              "type": "c",
            },
            {
              "access": "rwm",
              "allow": true,
              "major": 1,
              "minor": 5,
              "type": "c",
            },
            {
              "access": "rwm",
              "allow": true,
              "major": 1,
              "minor": 7,
              "type": "c",
            },
            {
              "access": "rwm",
              "allow": true,
              "major": 1,
              "minor": 8,
              "type": "c",
            },
            {
              "access": "rwm",
              "allow": true,
              "major": 1,
              "minor": 9,
              "type": "c",
            },
            {
              "access": "rwm",
              "allow": true,
              "major": 5,
              "minor": 0,
              "type": "c",
            },
            {
              "access": "rwm",
              "allow": true,
              "major": 5,
              "minor": 1,
              "type": "c",
            },
            {
              "access": "rwm",
              "allow": true,
              "major": 5,
              "minor": 2,
              "type": "c",
            },
            {
              "access": "rwm",
              "allow": true,
              "major": 136,
              "type": "c",
            },
          ],
        },
        "sysctl": {
          "net.ipv4.ip_unprivileged_port_start": "0",
          "net.ipv4.ping_group_range": "0 2147483647",
        },
      },
      "mounts": [
        {
          "destination": "/proc",
          "options": [
            "nosuid",
            "noexec",
            "nodev",
          ],
          "source": "proc",
          "type": "proc",
        },
        {
          "destination": "/dev",
          "options": [
            "nosuid",
            "strictatime",
            "mode=755",
            "size=65536k",
          ],
          "source": "tmpfs",
          "type": "tmpfs",
        },
        {
          "destination": "/dev/pts",
          "options": [
            "nosuid",
            "noexec",
            "newinstance",
            "ptmxmode=0666",
            "mode=0620",
            "gid=5",
          ],
          "source": "devpts",
          "type": "devpts",
        },
        {
          "destination": "/sys",
          "options": [
            "nosuid",
            "noexec",
            "nodev",
            "ro",
          ],
          "source": "sysfs",
          "type": "sysfs",
        },
        {
          "destination": "/sys/fs/cgroup",
          "options": [
            "ro",
            "nosuid",
            "noexec",
            "nodev",
          ],
          "source": "cgroup",
          "type": "cgroup",
        },
        {
          "destination": "/dev/mqueue",
          "options": [
            "nosuid",
            "noexec",
            "nodev",
          ],
          "source": "mqueue",
          "type": "mqueue",
        },
        {
          "destination": "/dev/shm",
          "options": [
            "nosuid",
            "noexec",
            "nodev",
            "mode=1777",
            "size=67108864",
          ],
          "source": "shm",
          "type": "tmpfs",
        },
      ],
      "ociVersion": "1.3.0",
      "process": {
        "args": [
          "sh",
        ],
        "capabilities": {
          "ambient": [],
          "bounding": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FSETID",
            "CAP_FOWNER",
            "CAP_MKNOD",
            "CAP_NET_RAW",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETFCAP",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_SYS_CHROOT",
            "CAP_KILL",
            "CAP_AUDIT_WRITE",
          ],
          "effective": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FSETID",
            "CAP_FOWNER",
            "CAP_MKNOD",
            "CAP_NET_RAW",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETFCAP",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_SYS_CHROOT",
            "CAP_KILL",
            "CAP_AUDIT_WRITE",
          ],
          "inheritable": [],
          "permitted": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FSETID",
            "CAP_FOWNER",
            "CAP_MKNOD",
            "CAP_NET_RAW",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETFCAP",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_SYS_CHROOT",
            "CAP_KILL",
            "CAP_AUDIT_WRITE",
          ],
        },
        "cwd": "/",
        "env": [
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
          "HOSTNAME=0123456789ab",
          "HOME=/root",
        ],
        "noNewPrivileges": false,
        "terminal": false,
        "user": {
          "additionalGids": [],
          "gid": 0,
          "uid": 0,
          "umask": 18,
        },
      },
      "root": {
        "path": "/var/lib/tare/0123456789ab/root",
        "readonly": false,
      },
    }
  `);
});
