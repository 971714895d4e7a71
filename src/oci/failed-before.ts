/**
 * What native/creation.c could not bring to its end after it had run hooks: they are not to run a second time, so what went
 * wrong is only said here. It has told us by the environment, in a few words: `hook 1 exit 3`.
 */
import { TareError } from '../errors.ts';
import type { Prepared } from '../container/prepared.ts';
import { signalName } from '../launch/child.ts';
import { describeFailure } from '../launch/failure.ts';
import { errnoName } from '../linux/abi.ts';
import type { CreateRequest } from './create-request.ts';
import { type HookEnd, hookError } from './hooks.ts';

/** Undefined where nothing has been tried before. */
export function failedBefore(
  { pidFile, id }: Pick<CreateRequest, 'pidFile' | 'id'>,
  { launch, spec }: Pick<Prepared, 'launch' | 'spec'>,
): TareError | undefined {
  const { TARE_OCI_FAILED: words, TARE_OCI_SAID: said = '' } = process.env;
  if (words === undefined) return undefined;
  const [what, index = '', kind = '', number = ''] = words.split(' ');
  const errno = errnoName(Number(number === '' ? index : number));
  if (what === 'op') return describeFailure(launch.program, Number(index), Number(number));
  if (what === 'save') return new TareError(`save what is known of container ${id}`, { errno });
  if (what === 'pid-file') return new TareError(`write ${pidFile}`, { errno });
  const { prestart = [], createRuntime = [] } = spec.hooks ?? {};
  const all = [
    ...prestart.map((hook, at) => ({ hook, name: `prestart hook #${at}` })),
    ...createRuntime.map((hook, at) => ({ hook, name: `createRuntime hook #${at}` })),
  ];
  const found = what === 'hook' ? all[Number(index)] : undefined;
  if (found === undefined) return new TareError(`create container ${id}: it has ended on the way`);
  if (kind === 'start') return new TareError(`run the ${found.name}, ${found.hook.path}`, { errno });
  return hookError(found.name, found.hook, endOf(kind, Number(number)), said);
}

function endOf(kind: string, number: number): HookEnd {
  if (kind === 'timeout') return { timedOut: true };
  return kind === 'exit' ? { code: number } : { signal: signalName(number) };
}
