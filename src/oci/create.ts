/** `create`: from a bundle to a container that waits for its start, whoever gives the word, and needs nobody until then. */
import { forBundles } from '../cgroup/hierarchy.ts';
import { prepareDetached } from '../container/prepare-detached.ts';
import { TareError } from '../errors.ts';
import { resolveBundle } from '../image/resolve.ts';
import { adapt } from './adapt.ts';
import { checkConsole } from './console.ts';
import type { Context } from './context.ts';
import type { CreateRequest } from './create-request.ts';
import { type Created, Creation } from './creation.ts';
import { failedBefore } from './failed-before.ts';
import { withHome } from './home.ts';
import { withFileLimit, withListenFds } from './inherited.ts';
import { draftCreation } from './recording.ts';
import type { Saved } from './state.ts';

/** @throws what went wrong; nothing is left of it */
export async function create(context: Context, request: CreateRequest): Promise<Created> {
  const { store, log } = context;
  const directory = store.claim(request.id);
  try {
    const image = resolveBundle(request.bundle, (document) =>
      adapt(document, context.grantable, (text) => log.warn(text)),
    );
    if (image.spec === undefined || image.root.kind !== 'directory')
      throw new TareError(`read the bundle ${request.bundle}`);
    const { engine } = context;
    const limited = withFileLimit(image.spec.process, process.env.TARE_OCI_NOFILE);
    const listening = withListenFds(limited, request.listenFds);
    const spec = { ...image.spec, process: withHome(engine, listening, image.root.path) };
    if (request.onTerminal === undefined) checkConsole(spec.process.terminal === true, request.consoleSocket);
    const driver = await context.cgroupDriver();
    const options = {
      payloadFds: 3 + request.preserveFds,
      stopForHooks: [spec.hooks?.prestart, spec.hooks?.createRuntime, spec.hooks?.createContainer].some(
        (hooks = []) => hooks.length > 0,
      ),
      sharesKeyring: request.noNewKeyring,
      coversRoot: request.noPivot,
      cgroups: forBundles(engine.cgroups),
      driver,
    };
    const prepared = await prepareDetached(engine, { id: request.id, image, spec }, options);
    const failed = failedBefore(request, prepared);
    if (failed !== undefined) throw failed;
    // Where the root is not left, what is hidden is what is mounted now; a network device can be moved but once.
    const alike = prepared.cgroup?.unit === undefined && !request.noPivot && prepared.netDevices.length === 0;
    const recorded = process.env.TARE_NO_REPLAY === undefined && alike;
    const meanwhile = async (saved: Saved) => {
      if (!recorded) return undefined;
      return draftCreation(engine, { request, options, saved }).catch((error: unknown) => {
        log.debug(`it could not be put on record: ${(error as Error).message}`);
        return undefined;
      });
    };
    return await new Creation(context, request, prepared, { directory, driver, meanwhile }).make();
  } catch (error) {
    store.remove(request.id);
    throw error;
  }
}
