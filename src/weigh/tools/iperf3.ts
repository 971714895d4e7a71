/** What `iperf3 --client … --json` writes. Pure. */
import { TareError } from '../../errors.ts';

interface Output {
  readonly error?: string;
  readonly end?: { readonly sum_received?: { readonly bits_per_second?: number } };
}

/** What has arrived, in 10⁶ bytes a second. @throws TareError with iperf3's own words where it failed */
export function receivedRate(text: string): number {
  const { error, end } = parse(text);
  if (error !== undefined) throw new TareError(`run iperf3: ${error}`);
  const bits = end?.sum_received?.bits_per_second;
  if (bits === undefined) throw unread(text);
  return bits / 8e6;
}

function parse(text: string): Output {
  try {
    return JSON.parse(text) as Output;
  } catch (cause) {
    throw unread(text, cause);
  }
}

const unread = (text: string, cause?: unknown): TareError =>
  new TareError('read what iperf3 measured', { hint: `it wrote ${JSON.stringify(text.slice(-300))}`, cause });
