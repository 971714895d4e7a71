/** A server, from outside: how soon it answers after its start was asked for, and how much it then does. */
import { pace } from '../pace.ts';
import { requestRates } from '../tools/redis-benchmark.ts';
import type { Job, Peer } from '../types/backend.ts';
import type { Stock, Trial, Values, Workload } from '../types/workload.ts';

export const app: Workload = {
  question: 'app',
  asks: 'how soon does a server answer, and how much does it serve?',
  method:
    'The server is in the instance, who asks is outside, and between them is the same network as for the question network. A web server (busybox httpd) is asked for a page again and again from the moment when its instance is requested. Redis is asked by redis-benchmark over 50 connections, ten requests at a time on each, as in Felter et al. (ISPASS 2015): as many SETs as GETs, first the ones, then the others.',
  ownImage: true,
  measures: [
    {
      name: 'response',
      title: 'request → first HTTP response',
      unit: 'ms',
      better: 'lower',
      definition: 'From the request for the instance until an answer has arrived outside, of whichever status.',
    },
    {
      name: 'requests',
      title: 'Redis, half SET, half GET',
      unit: '1/s',
      better: 'higher',
      definition: 'All requests by the time for both halves.',
    },
    { name: 'set', title: 'SET', unit: '1/s', better: 'higher', definition: 'The first half alone.' },
    { name: 'get', title: 'GET', unit: '1/s', better: 'higher', definition: 'The second half alone.' },
  ],
  trials: ({ effort }) => [http(effort), redis(effort)],
};

type Effort = Parameters<Workload['trials']>[0]['effort'];

const port = { http: 8080, redis: 6379 } as const;

/** Of each half. */
const requests: Readonly<Record<Effort, number>> = { quick: 20_000, normal: 50_000, full: 100_000 };

const http = (effort: Effort): Trial => ({
  name: 'http',
  title: 'a web server’s start',
  showsWay: true,
  needs: { link: true, tools: ['iperf3'] },
  pace: {
    ...pace(effort, { quick: 30, normal: 60, full: 90 }),
    warmup: 1,
    least: 6,
    most: effort === 'full' ? 60 : 20,
  },
  job: (stock) => serving(stock, port.http, ['/bin/busybox', 'httpd', '-f', '-p', `${port.http}`, '-h', '/etc']),
  refuses,
  sample: firstResponse,
});

const redis = (effort: Effort): Trial => ({
  name: 'redis',
  title: 'Redis, ten requests at a time',
  showsWay: true,
  needs: { link: true, tools: ['iperf3', 'redis-server', 'redis-benchmark'] },
  pace: {
    ...pace(effort, { quick: 60, normal: 90, full: 120 }),
    warmup: 0,
    least: 3,
    most: effort === 'full' ? 20 : 10,
  },
  job: (stock) => {
    const options = ['--port', `${port.redis}`, '--save', '', '--protected-mode', 'no', '--dir', '/tmp'];
    return serving(stock, port.redis, ['/usr/bin/redis-server', ...options]);
  },
  refuses,
  sample: async (peer, stock) => requestsServed(peer, stock, requests[effort]),
});

const serving = ({ tools = '', outside }: Stock, at: number, server: readonly string[]): Job => ({
  root: tools,
  payload: ['/bin/payload', 'attend', `${at}`, ...server],
  network: outside ?? 'own',
});

const refuses = (peer: Peer): string | undefined =>
  peer.hold === undefined ? 'an instance cannot be held' : undefined;

async function firstResponse(peer: Peer, { outside }: Stock): Promise<Values> {
  const asking = await outside?.ask(peer.address ?? outside.address, port.http);
  const held = await peer.hold?.();
  if (held === undefined || asking === undefined) return {};
  try {
    return { response: Number((await asking.answered) - held.requested) / 1e6 };
  } finally {
    await held.release();
  }
}

async function requestsServed(peer: Peer, { outside }: Stock, count: number): Promise<Values> {
  const held = await peer.hold?.();
  if (held === undefined || outside === undefined) return {};
  try {
    const address = peer.address ?? outside.address;
    const options = [
      '-h',
      address,
      '-p',
      `${port.redis}`,
      '-P',
      '10',
      '-c',
      '50',
      '-t',
      'set,get',
      '-n',
      `${count}`,
      '--csv',
    ];
    const rates = requestRates(await outside.run(['/usr/bin/redis-benchmark', ...options]));
    const [set, get] = [rates.get('SET') ?? NaN, rates.get('GET') ?? NaN];
    return { requests: 2 / (1 / set + 1 / get), set, get };
  } finally {
    await held.release();
  }
}
