/** `npm start`: sets everything up, then shows a container that says what it sees, and the waterfall of its start. */
import { run } from './command.mjs';
import { at } from './root.mjs';
import { setup } from './setup.mjs';

const look = `
echo "host name   $(hostname)"
echo "user        $(id)"
echo "root        $(ls -x -w 80 / | tr -s '\\n ' ' ')"
echo "mounts      $(wc -l < /proc/self/mountinfo)"
echo "processes   $(ls -d /proc/[0-9]* | wc -l), this shell is pid $$"
echo "network     $(ip -o link | cut -d: -f2 | tr -d '\\n')"
`;

await setup('run');
run(at('bin/tare'), ['trace', 'busybox', 'sh', '-c', look]);
