/** What Node brings along: its version, and what slows its start. */
import { builtFile } from '../../linux/native.ts';
import type { Machine } from '../machine.ts';
import { info, no, type Probe, probes, yes } from '../probe.ts';

/** The first Node that tare runs on: `engines` of package.json. */
const least = [20, 19] as const;

/** A variable of the environment that every start of Node pays for. */
const variable = (name: string, lost: string, examine?: Probe['examine']): Probe => ({
  name,
  purpose: 'a quick start of Node',
  lost,
  cure: `unset ${name}, or env -u ${name} node …`,
  examine: (machine) => {
    const value = machine.env[name] ?? '';
    if (value === '') return yes('not set');
    return examine === undefined ? no(value) : examine(machine);
  },
});

/** CPU time that an empty Node program takes, in ms: other than the time that passes, it is not the neighbours'. */
async function startCost({ trials }: Machine, env: NodeJS.ProcessEnv): Promise<number> {
  const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  const { usage } = await trials().output([process.execPath, '-e', '0'], variables);
  return (usage.user + usage.system) / 1000;
}

export const speed = probes(
  {
    name: 'Node',
    purpose: 'runs tare',
    lost: 'what tare was written and tested for',
    cure: `Node ${least.join('.')} or later: https://nodejs.org/en/download`,
    vital: 'everyone',
    examine: () => {
      const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
      const recent = major > least[0] || (major === least[0] && minor >= least[1]);
      return recent ? yes(process.versions.node) : no(`${process.versions.node} is older than ${least.join('.')}`);
    },
  },
  {
    name: 'compiled command',
    purpose: 'bin/tare starts without compiling itself',
    lost: 'some 7 ms of each start of bin/tare',
    cure: 'npm run build, in the checkout of tare',
    examine: () => {
      try {
        return yes(builtFile('cli.cache'));
      } catch {
        return no('no cli.cache beside cli.cjs');
      }
    },
  },
  variable(
    'NODE_EXTRA_CA_CERTS',
    'that time, in each Node program that uses the library; bin/tare starts Node without',
    async (machine) => {
      const { NODE_EXTRA_CA_CERTS: certificates, ...others } = machine.env;
      const without = await startCost(machine, others);
      const cost = (await startCost(machine, { ...others, NODE_EXTRA_CA_CERTS: certificates })) - without;
      const fact = `costs ${Math.round(cost)} ms of CPU at each start of Node`;
      return cost < 2 ? info(fact) : no(fact);
    },
  ),
  variable('NODE_OPTIONS', 'the time that these options take at each start of Node'),
  variable('LD_PRELOAD', 'the time to load it, into Node and into every payload that inherits it'),
);
