/** `npm start`: sets everything up, then weighs a process, containers and a virtual machine against each other. */
import { run } from './command.mjs';
import { at } from './root.mjs';
import { setup } from './setup.mjs';

/** One board of QEMU's stands for all: with every one of them it takes longer than anybody waits. */
const backends = 'process,sandbox,container,daemon,microvm,microvm-snapshot';

await setup('run');
run(at('bin/tare'), ['weigh', '--quick', '--backends', backends, '--html', at('dist/weighing.html')]);
