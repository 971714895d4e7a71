/** What `fio --output-format=json` writes. Pure. */
import { TareError } from '../../errors.ts';

/** What came of a job: of its reads or its writes, whichever it did. */
export interface FioJob {
  /** Per second. */
  readonly operations: number;
  /** 10⁶ bytes a second. */
  readonly megabytes: number;
  /** Of the completion latency, in ms. */
  readonly p99: number;
}

interface Direction {
  readonly iops: number;
  readonly bw_bytes: number;
  readonly total_ios: number;
  readonly clat_ns: { readonly percentile?: Readonly<Record<string, number>> };
}

interface Output {
  readonly jobs?: readonly {
    readonly jobname: string;
    readonly error: number;
    readonly read: Direction;
    readonly write: Direction;
  }[];
}

/** @throws TareError where a job failed, or did nothing */
export function fioJobs(text: string): ReadonlyMap<string, FioJob> {
  const { jobs = [] } = parse(text);
  if (jobs.length === 0) throw unread(text);
  return new Map(
    jobs.map(({ jobname, error, read, write }) => {
      const done = [read, write].find(({ total_ios: operations }) => operations > 0);
      if (error !== 0 || done === undefined)
        throw new TareError(
          `read what fio measured: its job ${jobname} ${error === 0 ? 'did nothing' : `failed (${error})`}`,
        );
      const { iops, bw_bytes: bytes, clat_ns: latency } = done;
      return [
        jobname,
        { operations: iops, megabytes: bytes / 1e6, p99: (latency.percentile?.['99.000000'] ?? NaN) / 1e6 },
      ];
    }),
  );
}

/** Notes may stand before it, such as that a file is laid out. */
function parse(text: string): Output {
  try {
    return JSON.parse(text.slice(text.indexOf('{\n'))) as Output;
  } catch (cause) {
    throw unread(text, cause);
  }
}

const unread = (text: string, cause?: unknown): TareError =>
  new TareError('read what fio measured', { hint: `it wrote ${JSON.stringify(text.slice(-300))}`, cause });
