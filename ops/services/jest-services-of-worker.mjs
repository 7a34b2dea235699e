import { influxOfWorker, kafkaOfWorker } from './services-of-worker.mjs';

// Runs in a worker of jest before each suite: the specs read the services of their own worker from here.
const worker = process.env.JEST_WORKER_ID ?? '1';
process.env.FIELDGATE_TEST_KAFKA ??= process.env[kafkaOfWorker(worker)] ?? '';
process.env.FIELDGATE_TEST_INFLUX ??= process.env[influxOfWorker(worker)] ?? '';
