import { expect, test } from 'vitest';
import { sysctlNamespace, sysctlPath } from '../../../src/spec/sysctl.ts';

test.each([
  ['net.ipv4.ip_forward', 'net/ipv4/ip_forward', 'network'],
  ['net/ipv4/ip_forward', 'net/ipv4/ip_forward', 'network'],
  ['net.ipv4.conf.eth0/100.forwarding', 'net/ipv4/conf/eth0.100/forwarding', 'network'],
  ['net/ipv4/conf/eth0.100/forwarding', 'net/ipv4/conf/eth0.100/forwarding', 'network'],
  ['kernel.shmmax', 'kernel/shmmax', 'ipc'],
  ['fs.mqueue.msg_max', 'fs/mqueue/msg_max', 'ipc'],
  ['kernel.domainname', 'kernel/domainname', 'uts'],
  ['user.max_user_namespaces', 'user/max_user_namespaces', 'user'],
  ['kernel.core_pattern', 'kernel/core_pattern', undefined],
  ['vm.swappiness', 'vm/swappiness', undefined],
])('%s is /proc/sys/%s, of the namespace: %s', (name, path, kind) => {
  expect(sysctlPath(name)).toBe(path);
  expect(sysctlNamespace(name)).toBe(kind);
});

test.each(['', '.', 'net..x', 'net/../kernel/core_pattern', 'net./../kernel', '/net/x', 'net/', 'net.//.x'])(
  '%s leads nowhere',
  (name) => {
    expect(sysctlPath(name)).toBeUndefined();
    expect(sysctlNamespace(name)).toBeUndefined();
  },
);
