/** What engines' files hold before and after, as texts. */
import fc from 'fast-check';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { engines } from '../../../src/hookup/engines.ts';
import type { HookUp, Wish } from '../../../src/hookup/hook-up.ts';

const all = engines('/etc/containers');
const wish: Wish = { runtime: '/opt/tare/bin/tare-oci', isDefault: false };
const asDefault: Wish = { ...wish, isDefault: true };

/** The same once more changes nothing. */
function add(hookUp: HookUp, before: string | undefined, how: Wish = wish): string {
  const after = hookUp.add(before, how);
  expect(hookUp.add(after, how)).toBe(after);
  return after;
}

describe('docker', () => {
  test('a new file, and none again', () => {
    const after = add(all.docker, undefined);
    expect(after).toMatchInlineSnapshot(`
      "{
        "runtimes": {
          "tare": {
            "path": "/opt/tare/bin/tare-oci"
          }
        }
      }
      "
    `);
    expect(all.docker.remove(after)).toBeUndefined();
  });

  test('what else stands there stays as it was written', () => {
    const before =
      '{\n\t"log-driver":   "json-file",\n\t"runtimes": {\n\t\t"crun": { "path": "/usr/bin/crun" }\n\t}\n}\n';
    const after = add(all.docker, before, asDefault);
    expect(after).toContain('"log-driver":   "json-file"');
    expect(JSON.parse(after)).toEqual({
      'log-driver': 'json-file',
      runtimes: { crun: { path: '/usr/bin/crun' }, tare: { path: wish.runtime } },
      'default-runtime': 'tare',
    });
    expect(JSON.parse(all.docker.remove(after) ?? '')).toEqual(JSON.parse(before));
  });

  test('one that has moved is found where it is now', () => {
    const moved = add(all.docker, all.docker.add(undefined, { ...wish, runtime: '/old' }));
    expect(moved).toBe(all.docker.add(undefined, wish));
  });

  test('any settings survive: added and removed', () => {
    const settings = fc.dictionary(
      fc.string().filter((key) => !['runtimes', 'default-runtime', '__proto__'].includes(key)),
      fc.jsonValue(),
      { minKeys: 1 },
    );
    fc.assert(
      fc.property(settings, fc.constantFrom(undefined, 2, 4, '\t'), fc.boolean(), (before, indent, isDefault) => {
        const text = JSON.stringify(before, null, indent);
        const after = add(all.docker, text, { ...wish, isDefault });
        expect(JSON.parse(after)).toMatchObject({ runtimes: { tare: { path: wish.runtime } } });
        expect(JSON.parse(all.docker.remove(after) ?? '')).toEqual(JSON.parse(text));
      }),
    );
  });

  test('what cannot be read, or says otherwise, is named and left alone', () => {
    expect(() => all.docker.add('{\n"a": 1,\n}', wish)).toThrow(/daemon.json, line 3/);
    expect(() => all.docker.add('{ // mine\n}', wish)).toThrow(/it has to be JSON/);
    expect(() => all.docker.remove('{"a"')).toThrow(/daemon.json, line 1/);
    expect(() => all.docker.add('[]', wish)).toThrow(/no object/);
    expect(() => all.docker.add('{"runtimes": 3}', wish)).toThrow(/"runtimes" is no object/);
    expect(() => all.docker.add('{"default-runtime": "crun"}', asDefault)).toThrow(/it is "crun" already/);
    expect(all.docker.remove('{"default-runtime": "crun"}')).toBe('{"default-runtime": "crun"}');
  });

  test('swarm takes the default runtime of each node', () => {
    expect(JSON.parse(add(all.swarm, '{}'))).toMatchObject({ 'default-runtime': 'tare' });
  });
});

describe('containerd', () => {
  const runc = (systemd: boolean) => `version = 2
# of the distribution
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = ${systemd}`;

  test('a new file, and none again', () => {
    const after = add(all.containerd, undefined, asDefault);
    expect(after).toMatchInlineSnapshot(`
      "# tare oci install: begin
      version = 2

      [plugins."io.containerd.grpc.v1.cri".containerd]
      default_runtime_name = "tare"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tare]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tare.options]
      BinaryName = "/opt/tare/bin/tare-oci"
      SystemdCgroup = false
      # tare oci install: end
      "
    `);
    expect(all.containerd.remove(after)).toBeUndefined();
  });

  test.each([true, false])('systemd is asked for groups where runc asks it: %s', (systemd) => {
    const after = add(all.containerd, runc(systemd));
    expect(parseToml(after)).toMatchObject({
      plugins: {
        'io.containerd.grpc.v1.cri': {
          containerd: { runtimes: { tare: { options: { BinaryName: wish.runtime, SystemdCgroup: systemd } } } },
        },
      },
    });
    expect(all.containerd.remove(after)).toBe(`${runc(systemd)}\n`);
    expect(all.containerd.add(runc(systemd), { ...wish, systemdCgroup: !systemd })).toContain(
      `SystemdCgroup = ${!systemd}\n# tare`,
    );
  });

  test('version 3 has its runtimes elsewhere', () => {
    const after = add(all.containerd, 'version = 3\n');
    expect(parseToml(after)).toHaveProperty([
      'plugins',
      'io.containerd.cri.v1.runtime',
      'containerd',
      'runtimes',
      'tare',
    ]);
  });

  test('what stands before and after our lines stays', () => {
    const after = `${add(all.containerd, 'version = 2\n')}\n[debug]\nlevel = "info"\n`;
    expect(all.containerd.remove(after)).toBe('version = 2\n\n[debug]\nlevel = "info"\n');
    expect(all.containerd.remove('version = 2\n')).toBe('version = 2\n');
  });

  test('what cannot be read, or says otherwise, is named and left alone', () => {
    expect(() => all.containerd.add('a = ', wish)).toThrow(/config.toml: .*it has to be TOML/);
    expect(() => all.containerd.add('disabled_plugins = ["cri"]', wish)).toThrow(
      /version 1.*containerd config migrate/,
    );
    const table = 'plugins."io.containerd.grpc.v1.cri".containerd';
    const theirs = `version = 2\n[${table}.runtimes.tare]\nruntime_type = "x"\n`;
    expect(() => all.containerd.add(theirs, wish)).toThrow(/a runtime tare that we have not written/);
    const usual = `version = 2\n[${table}]\ndefault_runtime_name = "runc"\n`;
    expect(() => all.containerd.add(usual, asDefault)).toThrow(/without --default, and write default_runtime_name/);
    add(all.containerd, usual);
  });
});

describe('files of our own', () => {
  test('podman', () => {
    expect(all.podman.file).toBe('/etc/containers/containers.conf.d/tare.conf');
    expect(add(all.podman, undefined, asDefault)).toMatchInlineSnapshot(`
      "# Written by \`tare oci install\`, and removed by \`tare oci uninstall\`.
      [engine]
      runtime = "tare"

      [engine.runtimes]
      tare = ["/opt/tare/bin/tare-oci"]
      "
    `);
  });

  test('CRI-O', () => {
    expect(add(all['cri-o'], undefined)).toMatchInlineSnapshot(`
      "# Written by \`tare oci install\`, and removed by \`tare oci uninstall\`.
      [crio.runtime.runtimes.tare]
      runtime_path = "/opt/tare/bin/tare-oci"
      runtime_type = "oci"
      runtime_root = "/run/tare-oci"
      "
    `);
  });

  test('are TOML whatever the path, and not taken from anybody else', () => {
    const odd = { ...wish, runtime: '/a "b" \\c/é' };
    expect(parseToml(add(all.podman, undefined, odd))).toEqual({ engine: { runtimes: { tare: [odd.runtime] } } });
    expect(all.podman.remove(all.podman.add(undefined, odd))).toBeUndefined();
    expect(() => all.podman.add('[engine]\n', wish)).toThrow(/somebody else has written it/);
    expect(() => all['cri-o'].remove('[crio]\n')).toThrow(/somebody else has written it/);
  });
});

test('kubernetes: a manifest', () => {
  expect(all.kubernetes.file).toBeUndefined();
  expect(all.kubernetes.add(undefined, wish)).toMatchInlineSnapshot(`
    "apiVersion: node.k8s.io/v1
    kind: RuntimeClass
    metadata:
      name: tare
    handler: tare
    "
  `);
});
