export { alertPlaceOf, alertStateOf, isAlertRule } from './alert-steps.js';
export { idHash } from './identity.js';
export * from './nest/store-start.js';
export * from './nest/telemetry-store.module.js';
export * from './seen-record.js';
export * from './telemetry-store.config.js';
export * from './telemetry-store.js';
