/**
 * The variable in which jest's global set-up leaves the brokers for one worker.
 * @param {string | number} worker its JEST_WORKER_ID
 */
export function kafkaOfWorker(worker) {
  return `FIELDGATE_TEST_KAFKA_${worker}`;
}

/**
 * The same with the URL of its InfluxDB.
 * @param {string | number} worker
 */
export function influxOfWorker(worker) {
  return `FIELDGATE_TEST_INFLUX_${worker}`;
}
