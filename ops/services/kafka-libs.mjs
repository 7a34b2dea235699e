import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withFolderLock } from './folder-lock.mjs';
import { format, nodeProcess, writeConfig } from './kafka-node.mjs';
import { brokerFault } from './kafka-ready.mjs';
import { findProgram, SERVICES_SOURCE, SERVICES_STATE } from './paths.mjs';
import { freePorts } from './ports.mjs';
import { ServiceError } from './service-error.mjs';
import { step, until } from './steps.mjs';

const POM = join(SERVICES_SOURCE, 'kafka', 'pom.xml');
const STATE = join(SERVICES_STATE, 'kafka');
const LIBS = join(STATE, 'libs');
const LEAST_JAVA = 17; // what Kafka 4 is compiled for
const TRAINING_MS = 60_000;

/**
 * Kafka's jars, fetched once and shared by all clusters of this checkout, and a class-data archive of them: with it a
 * broker is ready in half the time. Several processes may call this at once.
 * @param {{ report?: import('./steps.mjs').Report }} [options]
 * @returns {Promise<import('./kafka-node.mjs').JavaCommand & { libs: string }>}
 */
export async function ensureKafkaLibs({ report = () => {} } = {}) {
  const java = findJava();
  const version = await javaVersion(java);
  const onWait = () => report('kafka: another process is preparing the libraries; waiting');
  return withFolderLock(join(STATE, 'libs.lock'), { onWait }, async () => {
    const pom = readFileSync(POM, 'utf8');
    if (!isFetched(pom))
      await step(report, 'kafka: libraries fetched from Maven Central', () => fetchLibs(pom));
    const archive = join(STATE, `classes-${fingerprint(version, pom)}.jsa`);
    if (!existsSync(archive))
      await step(report, 'kafka: class-data archive made, once', () => makeArchive(java, archive));
    const sharing = statSync(archive).size > 0 ? [`-XX:SharedArchiveFile=${archive}`, '-Xshare:auto'] : [];
    return { libs: LIBS, java, options: [...sharing, ...classPath()] };
  });
}

/** Java's own, or the one JAVA_HOME names. */
export function findJava() {
  const home = process.env.JAVA_HOME;
  return findProgram('java', 'openjdk-17-jre-headless', home ? [join(home, 'bin')] : []);
}

/** Maven is only needed while the libraries are not there. */
export function findMavenIfNeeded() {
  if (!isFetched(readFileSync(POM, 'utf8'))) findProgram('mvn', 'maven');
}

/** @param {string} java */
async function javaVersion(java) {
  const { stderr } = await promisify(execFile)(java, ['-version']);
  const major = Number(/version "(\d+)/.exec(stderr)?.[1]);
  if (major >= LEAST_JAVA) return stderr;
  throw new ServiceError(
    `Kafka needs Java ${LEAST_JAVA} or newer, this is ${major}: on Debian, apt-get install openjdk-17-jre-headless`,
  );
}

/** @param {string} pom */
function isFetched(pom) {
  const copy = join(LIBS, 'pom.xml');
  return existsSync(copy) && readFileSync(copy, 'utf8') === pom;
}

/** @param {string} pom */
async function fetchLibs(pom) {
  const mvn = findProgram('mvn', 'maven');
  const incoming = `${LIBS}.incoming`;
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true });
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${incoming}`];
  try {
    await promisify(execFile)(mvn, ['-q', '-B', '-f', POM, ...goal], { maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    const lines = `${error.stdout}${error.stderr}`.split('\n').filter((line) => line.includes('ERROR'));
    throw new ServiceError(`kafka: Maven cannot fetch the libraries:\n${lines.slice(0, 5).join('\n')}`);
  }
  writeFileSync(join(incoming, 'pom.xml'), pom);
  rmSync(LIBS, { recursive: true, force: true });
  renameSync(incoming, LIBS); // so that `libs` is complete whenever it is there
}

function classPath() {
  return ['-cp', join(LIBS, '*')];
}

/** @param {string[]} parts what an archive is good for: another Java or other jars would refuse it */
function fingerprint(...parts) {
  const jars = readdirSync(LIBS).map((name) => `${name} ${statSync(join(LIBS, name)).mtimeMs}`);
  return createHash('sha256')
    .update(JSON.stringify([LIBS, parts, jars]))
    .digest('hex')
    .slice(0, 12);
}

/**
 * A broker that starts, becomes ready and ends leaves an archive of the classes it loaded. A Java that cannot do it
 * gets an empty file, which says: do not try again.
 * @param {string} java
 * @param {string} archive
 */
async function makeArchive(java, archive) {
  for (const old of readdirSync(STATE).filter((name) => name.endsWith('.jsa'))) rmSync(join(STATE, old));
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-kafka-'));
  const [port, controllerPort] = await freePorts(2);
  const plan = { id: 1, folder, port, controllerPort };
  writeConfig(plan, [plan]);
  await format(plan, 'fieldgate-class-data-A', { java, options: classPath() });
  const incoming = `${archive}.incoming`;
  const training = { java, options: [`-XX:ArchiveClassesAtExit=${incoming}`, ...classPath()] };
  const broker = nodeProcess(plan, training, { heapMb: 384, keepRunning: false });
  try {
    broker.start();
    await until(() => unready(broker, port), {
      fault: 'kafka: the run for the class-data archive is not ready',
      timeoutMs: TRAINING_MS,
    });
    await broker.stop();
    if (!existsSync(incoming)) writeFileSync(incoming, '');
    renameSync(incoming, archive);
  } finally {
    await broker.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {import('./service-process.mjs').ServiceProcess} broker
 * @param {number} port
 */
async function unready(broker, port) {
  if (!broker.running) throw broker.ended();
  return brokerFault({ id: 1, port }, [{ id: 1, port }]).catch(({ message }) => message);
}
