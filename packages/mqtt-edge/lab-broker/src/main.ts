import { LAB_USAGE, labOptions, type LabOptions } from './lab-options.js';
import { LabServer } from './lab-server.js';

const options = labOptions(process.argv.slice(2));
if (options === 'help') console.log(LAB_USAGE);
else if ('wrong' in options) end(2, `${options.wrong} (--help says what there is)`);
else await serve(options);

async function serve({ host, port, keepAliveMaximum }: LabOptions): Promise<void> {
  const lab = new LabServer({ host, port, limits: { keepAliveMaximum } });
  const name = host.includes(':') ? `[${host}]` : host;
  try {
    console.log(`lab broker: mqtt://${name}:${await lab.start()}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // undefined for everything that is not a system error
    if (code === undefined) throw error;
    const why = code === 'EADDRINUSE' ? 'another program does; give another --port' : code;
    return end(1, `it cannot listen on ${name}:${port}: ${why}`);
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void lab.stop());
}

function end(code: number, says: string): void {
  console.error(`lab broker: ${says}`);
  process.exitCode = code;
}
