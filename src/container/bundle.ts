/** `oci:PATH`: the bundle's own spec, with the few things a command line may change of it. Pure. */
import { TareError } from '../errors.ts';
import type { RunRequest } from '../spec/request.ts';
import type { Spec } from '../spec/spec.ts';

/** What a request may say beside a bundle; everything else stands in its config.json. */
const changeable = new Set<keyof RunRequest>([
  'image',
  'args',
  'env',
  'cwd',
  'terminal',
  'name',
  'init',
  'annotations',
  'hostname',
]);

export function bundleSpec(spec: Spec, request: RunRequest): Spec {
  const others = (Object.keys(request) as (keyof RunRequest)[]).filter(
    (key) => request[key] !== undefined && !changeable.has(key),
  );
  if (others.length > 0)
    throw new TareError(`run ${request.image} with ${others.join(', ')}`, {
      hint: 'a bundle says that in its config.json',
    });
  if (spec.hooks !== undefined && Object.values(spec.hooks).some((hooks) => (hooks as unknown[]).length > 0))
    throw new TareError(`run the hooks of ${request.image}`, {
      hint: 'tare run has none; remove them from config.json',
    });
  const { args, env, cwd, terminal, annotations } = request;
  return {
    ...spec,
    ...(annotations === undefined ? {} : { annotations: { ...spec.annotations, ...annotations } }),
    ...(request.hostname === undefined ? {} : { hostname: request.hostname }),
    process: {
      ...spec.process,
      ...(args === undefined || args.length === 0 ? {} : { args: [...args] }),
      ...(env === undefined ? {} : { env: [...(spec.process.env ?? []), ...env] }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(terminal === undefined ? {} : { terminal }),
    },
  };
}
