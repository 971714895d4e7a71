/** The proof of it all: a container. */
import { Engine } from '../../container/engine.ts';
import { run } from '../../container/run.ts';
import { TareError } from '../../errors.ts';
import { info, no, type Probe, yes } from '../probe.ts';
import { firstTrials } from '../trials.ts';

export const container: Probe = {
  name: 'a container',
  purpose: 'tare run busybox true',
  lost: 'containers with the defaults',
  cure: 'what the lines above say',
  vital: 'everyone',
  examine: async ({ trials, host }) => {
    if (trials().noUser !== undefined && host().rootless) return info(`not examined: see ${firstTrials.user}`);
    try {
      const exit = await run(new Engine(), { image: 'busybox', args: ['true'], stdio: 'ignore' });
      return exit.exitCode === 0 ? yes('busybox true ran in one') : no(`busybox true ended with ${exit.exitCode}`);
    } catch (error) {
      if (!(error instanceof TareError)) throw error;
      const { doing, errno, hint } = error;
      return no(errno === undefined ? doing : `${doing}: ${errno}`, hint === undefined ? {} : { cure: hint });
    }
  },
};
