export type { OpenedStore, OpenStore } from './opened-store.js';
export { describeStoreContract } from './store-contract.js';
