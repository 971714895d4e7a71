/** The command `tare`. Nothing here loads more than the verb at hand: Node's own start is most of a container's. */
import { dispatch } from './dispatch.ts';
import { openSession } from './session.ts';

// Not just `exitCode`: a pending read of standard input would keep the process until the user types.
const session = openSession();
void dispatch(process.argv.slice(2), session).then(async (status) => {
  await session.written();
  process.exit(status);
});
