// Runs before npm start, demo, sim, test and bench, so that each of them works as the first command after a clone.
// Installs what package-lock.json says and builds what has changed; says nothing when there is nothing to do.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const LOCKFILE = join(ROOT, 'package-lock.json');
const MODULES = join(ROOT, 'node_modules');
const INSTALLED = join(MODULES, '.package-lock.json'); // npm's own record of what is there
const INSTALL_STAMP = join(MODULES, '.fieldgate-lock');
const BUILD_STAMP = join(MODULES, '.fieldgate-build');
const LEAST_NODE = [20, 19];

class StepFailed extends Error {}

if (nodeIsTooOld()) {
  console.error(`Fieldgate needs Node ${LEAST_NODE.join('.')} or newer; this is ${process.versions.node}.`);
  process.exitCode = 1;
} else {
  // imported only now: on an older Node the import itself would fail, with a worse message
  import('./services/folder-lock.mjs')
    .then(({ withFolderLock }) =>
      withFolderLock(join(ROOT, '.services', 'bootstrap.lock'), { onWait }, bootstrap),
    )
    .catch((error) => {
      console.error(error instanceof StepFailed ? error.message : error);
      process.exitCode = 1;
    });
}

async function bootstrap(alsoHeldBy) {
  const install = npm('ci', '--include=dev', '--loglevel=error');
  if (!isInstalled()) await run('installing dependencies (npm ci)', install, alsoHeldBy);
  writeFileSync(INSTALL_STAMP, installStamp());
  const before = sourcesStamp();
  if (isBuilt(before)) return;
  forgetBuildsWithoutOutput();
  const build = [process.execPath, join(MODULES, 'typescript', 'bin', 'tsc'), '-b'];
  await run('building (tsc -b)', build, alsoHeldBy);
  writeFileSync(BUILD_STAMP, before); // a file saved during the build is built the next time
}

function nodeIsTooOld() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1]);
}

function onWait() {
  console.log('another install or build is at work; waiting …');
}

/** node_modules holds what the lockfile says. The stamp saves the comparison, which would find the same. */
function isInstalled() {
  if (!existsSync(INSTALLED)) return false;
  if (existsSync(INSTALL_STAMP) && readFileSync(INSTALL_STAMP, 'utf8') === installStamp()) return true;
  return modulesMatchLockfile();
}

/** Of both files: `npm install` changes them, and checking out another lockfile changes one of them. */
function installStamp() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const file of [LOCKFILE, INSTALLED]) hash.update(readFileSync(file)).update('\n');
  return hash.digest('hex');
}

function modulesMatchLockfile() {
  const wanted = JSON.parse(readFileSync(LOCKFILE, 'utf8')).packages;
  const present = JSON.parse(readFileSync(INSTALLED, 'utf8')).packages;
  const agree = Object.entries(present).every(
    ([path, entry]) => isSame(wanted[path], entry) && isThere(path),
  );
  const complete = Object.entries(wanted).every(
    ([path, entry]) => path === '' || path in present || !isNeeded(entry),
  );
  return agree && complete;
}

function isSame(one, other) {
  return one !== undefined && one.version === other.version && one.integrity === other.integrity;
}

function isThere(path) {
  return existsSync(join(ROOT, path));
}

/** A package for another system is not; one for this system is, although it is optional: binaries come that way. */
function isNeeded({ optional, os, cpu, libc }) {
  if (!optional) return true;
  return (
    libc === undefined && os?.includes(process.platform) === true && cpu?.includes(process.arch) === true
  );
}

function isBuilt(stamp) {
  if (!existsSync(BUILD_STAMP) || readFileSync(BUILD_STAMP, 'utf8') !== stamp) return false;
  return projects().every((project) => existsSync(join(project, 'dist')));
}

/** Name, size and time of everything a build reads: so a file that was deleted, or moved with its old time, counts too. */
function sourcesStamp() {
  const hash = createHash('sha256');
  const add = (file) => {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  };
  add(join(ROOT, 'tsconfig.json'));
  for (const project of projects()) {
    for (const name of ['package.json', 'tsconfig.json'])
      if (existsSync(join(project, name))) add(join(project, name));
    for (const file of sources(join(project, 'src'))) add(file);
  }
  return hash.digest('hex');
}

function sources(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && isSource(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function isSource(name) {
  return /\.(?:[cm]?ts|tsx|json)$/.test(name) && !name.endsWith('.spec.ts');
}

/** tsc believes its own record: with `dist` deleted and the record left, it would build nothing. */
function forgetBuildsWithoutOutput() {
  for (const project of projects()) {
    if (!existsSync(join(project, 'dist'))) rmSync(join(project, 'tsconfig.tsbuildinfo'), { force: true });
  }
}

/** The folders that the root tsconfig.json references. */
function projects() {
  const { references } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'));
  return references.map(({ path }) => join(ROOT, path));
}

/** npm run tells which npm it is; that one, so that both agree on what they write. */
function npm(...args) {
  const running = process.env.npm_execpath;
  return running !== undefined && /npm-cli\.[cm]?js$/.test(running)
    ? [process.execPath, running, ...args]
    : ['npm', ...args];
}

/** Says what it does and how long it took; the tool's own words only when it fails. */
async function run(what, [command, ...args], alsoHeldBy) {
  console.log(`${what} …`);
  const started = performance.now();
  const { code, output } = await execute(command, args, alsoHeldBy);
  if (code !== 0) throw new StepFailed(`${output.trimEnd()}\n${what} failed`);
  console.log(`${what}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

function execute(command, args, alsoHeldBy) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    alsoHeldBy(child.pid);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', ({ message }) => reject(new StepFailed(`${command}: ${message}`)));
    child.on('close', (code) => resolve({ code, output }));
  });
}
