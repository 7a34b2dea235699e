export * from './codec/packet.js';
export * from './codec/properties.js';
export * from './codec/reason-codes.js';
