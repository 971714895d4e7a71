/** A swarm of one node, whose tasks take the default runtime: scaled, and healed where a container is killed. */
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Dockerd, dockerdRuns, startDockerd, untilIt } from './dockerd.ts';

let dockerd: Dockerd;
let api: Docker;

/** Ids of containers that run for the service. */
const tasks = async (): Promise<string[]> =>
  (await api.listContainers({ filters: { label: ['com.docker.swarm.service.name=sleepers'] } })).map(({ Id }) => Id);

const service = (replicas: number): Docker.CreateServiceOptions => ({
  Name: 'sleepers',
  TaskTemplate: {
    ContainerSpec: { Image: 'busybox', Command: ['sleep', '1000'] },
    RestartPolicy: { Condition: 'any', Delay: 100_000_000 },
  },
  Mode: { Replicated: { Replicas: replicas } },
});

describe.runIf(dockerdRuns)('docker swarm', () => {
  beforeAll(async () => {
    dockerd = await startDockerd('swarm');
    ({ api } = dockerd);
    await api.swarmInit({ ListenAddr: '127.0.0.1', AdvertiseAddr: '127.0.0.1', ForceNewCluster: false });
  });
  afterAll(async () => {
    await dockerd[Symbol.asyncDispose]();
    expect(dockerd.realm.left()).toEqual([]);
  });

  test('a service of two replicas, then of ten, of which one is killed; and none', async () => {
    await api.createService(service(2));
    await untilIt('two run', async () => (await tasks()).length === 2);
    const [made] = await api.listServices();
    const ID = made?.ID ?? '';
    for (const id of await tasks())
      expect(await api.getContainer(id).inspect()).toMatchObject({ HostConfig: { Runtime: 'tare' } });

    await api.getService(ID).update({ version: made?.Version?.Index ?? 0, ...service(10) });
    await untilIt('ten run', async () => (await tasks()).length === 10);

    const before = await tasks();
    const [victim = ''] = before;
    await api.getContainer(victim).kill({ signal: 'KILL' });
    await untilIt('another runs in its place', async () => {
      const now = await tasks();
      return now.length === 10 && !now.includes(victim);
    });
    expect((await tasks()).filter((id) => !before.includes(id))).toHaveLength(1);

    await api.getService(ID).remove();
    await untilIt('none runs', async () => (await tasks()).length === 0);
  });
});
